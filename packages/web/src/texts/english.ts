import type { Texts } from "./texts.ts";

/** The texts in English. */
export const english: Texts = {
  lang: "en",
  dir: "ltr",
  name: "English",
  unsubscribe: {
    heading: "Unsubscribe",
    question: (topic, controller) => `Do you want to stop getting “${topic}” from ${controller}?`,
    questionAll: (controller) => `Do you want to stop getting all newsletters and offers from ${controller}?`,
    stopButton: (topic) => `Stop “${topic}”`,
    stopAllButton: "Stop all newsletters and offers",
    all: (controller) => `These are all newsletters and offers of ${controller}:`,
    doneHeading: "You are unsubscribed",
    stopped: (topic, controller) => `You will get no more “${topic}” from ${controller}.`,
    stoppedAll: (controller) => `You will get no more newsletters and offers from ${controller}.`,
    stillComes: (controller) =>
      `Messages about your account, your orders and your rights still come from ${controller} when there is a reason.`,
    stillComesNamed: (controller) => `This still comes from ${controller} when there is a reason:`,
  },
  invitation: {
    "opt-in": {
      heading: "Was it you?",
      question: (what, controller) =>
        `Somebody, probably you, asked ${controller} to send “${what}” to this address. Do you want it?`,
      note: (controller) => `Without your yes, ${controller} sends nothing of it.`,
      yesButton: "Yes, send it to me",
      noButton: "No, it was not me",
      doneHeading: "Thank you for your answer",
      saidYes: (what, controller) => `You said yes to “${what}” from ${controller}.`,
      saidNo: (what, controller) => `You said no. ${controller} sends you no “${what}”.`,
      expiredHeading: "This link has expired",
      expired: (controller) =>
        `Nothing was recorded, and nothing is sent. If you still want it, sign up with ${controller} again: you will get a new link.`,
      overtakenHeading: "This link counts no more",
      overtaken: (controller) =>
        `You unsubscribed after it was sent, and that counts. If you want it after all, sign up with ${controller} again.`,
      noStands: (controller) =>
        `You said no before, and that counts. If you want it after all, write to ${controller}.`,
    },
    renewal: {
      heading: "Do you agree?",
      question: (what, controller) => `May ${controller} use your data for “${what}”?`,
      note: (controller) =>
        `You can choose freely. As long as you do not answer, ${controller} does not use your data for this.`,
      yesButton: "I agree",
      noButton: "I do not agree",
      doneHeading: "Your choice is saved",
      saidYes: (what, controller) => `You agreed: ${controller} may use your data for “${what}”.`,
      saidNo: (what, controller) => `You did not agree: ${controller} does not use your data for “${what}”.`,
      expiredHeading: "The time to answer is over",
      expired: (controller) =>
        `Nothing was recorded: without your yes, ${controller} does not use your data for this. To agree after all, ask for a new link.`,
      overtakenHeading: "This notice was overtaken",
      overtaken: (controller) =>
        `You made another choice since, or ${controller} has sent you a newer notice. Answer the newest one.`,
      noStands: (controller) =>
        `You did not agree before, and that counts. To agree after all, ask ${controller} for a new link.`,
    },
    identity: {
      heading: "Did you write to us?",
      question: (what, controller) =>
        `Somebody wrote to ${controller} from this address, and asked for this: ${what}. Was it you?`,
      note: (controller) => `Without your yes, ${controller} does nothing about it.`,
      yesButton: "Yes, it was me",
      noButton: "No, take it back",
      doneHeading: "We have your answer",
      saidYes: (what, controller) => `You confirmed your request to ${controller}: ${what}. It goes on now.`,
      saidNo: (what, controller) => `The request to ${controller} was taken back: ${what}. Nothing is done.`,
      expiredHeading: "This link is too old",
      expired: (controller) =>
        `Nothing was done. If you still want it, write to ${controller} again: you will get a new link.`,
      overtakenHeading: "Nothing left to confirm",
      overtaken: (controller) =>
        `${controller} goes on with the request in another way, or has ended it. Write there if you want to know more.`,
      noStands: (controller) =>
        `The request was taken back before. If you want it after all, write to ${controller} again.`,
    },
  },
  notice: "Your choice is about this version of the privacy notice:",
  rights: {
    erasure: "to erase your data",
    "forget-tokens": "to forget how you pay",
    withdrawal: "to withdraw your consent",
    objection: "to stop a use of your data",
    access: "to see your data",
  },
  otherRight: "what the message says",
  unknownHeading: "This link does not work",
  unknown: "It may have been cut off on its way. Copy the whole link from the message and try again.",
  writeTo: "Or write to",
  unavailableHeading: "Not done yet",
  unavailable: "Your choice could not be saved just now. Please try again in a minute.",
};
