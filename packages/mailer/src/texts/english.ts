import type { Catalogue } from "./catalogue.ts";

/** The texts in English. */
export const english: Catalogue = {
  language: "en",
  direction: "ltr",
  locale: "en-GB",
  rights: {
    access: "access to your data",
    rectification: "correction of your data",
    erasure: "erasure of your data",
    restriction: "restriction of what your data is used for",
    portability: "your data, to take along",
    objection: "objection to a use of your data",
    withdrawal: "withdrawal of your consent",
    "forget-tokens": "removal of your stored payment details",
  },
  mails: {
    "confirm-subscription": {
      subject: "Please confirm: “{topic}” from {controller}",
      heading: "Do you want “{topic}”?",
      asked:
        "Somebody, probably you, asked {controller} to send “{topic}” to this address. Nothing is sent before you confirm it.",
      button: "Confirm, or say no",
      expires: "The link works until {expiresAt}.",
      otherwise:
        "Was it not you? Then you need do nothing, and nothing will come. On the page behind the link you can also say that it was not you.",
    },
    "policy-changed": {
      subject: "{controller} changes its privacy policy on {effectiveOn}",
      heading: "Our privacy policy changes",
      changes: "On {effectiveOn} {controller} changes its privacy policy. This is what changes:",
      whole: "Read the whole new policy",
      choice: "One thing is for you to choose: {purpose}.",
      silence: "If you do not answer, that means no. Nothing else changes for you then.",
      button: "Choose yes or no",
      expires: "You can choose until {expiresAt}.",
    },
    "confirm-unsubscribe": {
      subject: "Do you want to unsubscribe from {controller}?",
      heading: "Do you want to unsubscribe?",
      asked: "We got an e-mail in your name. It asks {controller} to send you no more “{topic}”.",
      askedAll:
        "We got an e-mail in your name. It asks {controller} to send you no more newsletters and offers.",
      unsure: "We could not see whether it was really from you. This link does what it asks for:",
      button: "Unsubscribe",
      otherwise: "Was it not you? Then you need do nothing, and nothing changes.",
    },
    "request-received": {
      subject: "{controller} has received your request",
      heading: "We have received your request",
      received: "{controller} received this request in your name on {receivedAt}: {right}.",
      due: "We answer by {dueOn} at the latest.",
      prove: "Nothing is done before you have told us that it was you.",
      button: "Say whether it was you",
      expires: "The link works until {expiresAt}.",
      otherwise: "Was it not you? Say so there, or do nothing: then nothing is done.",
    },
    "request-done": {
      subject: "{controller} has carried out your request",
      heading: "Your request is done",
      done: "Your request of {receivedAt} ({right}) was carried out by {controller} on {closedAt}.",
      keptIntroduction: "This we have to keep for now:",
      kept: "{what}, until {untilOn}",
      keptByLaw: "{what}, until {untilOn} ({law})",
      nothingKept: "Nothing of it is left to do.",
    },
    farewell: {
      subject: "{controller} has erased your data",
      heading: "Your data is erased",
      erased: "{controller} has erased your data, as you asked. This was completed on {closedAt}.",
      keptIntroduction: "This we have to keep for now:",
      kept: "{what}, until {untilOn}",
      keptByLaw: "{what}, until {untilOn} ({law})",
      nothingKept: "None of your data is kept.",
      mark: "What remains is a code, from which nobody can read your address. It keeps us from writing to you again.",
      last: "This is our last message to you. When it has been sent, your address is forgotten here too.",
    },
    "inquiry-received": {
      subject: "{controller} has received your message",
      heading: "We have received your message",
      received: "{controller} received your message on {receivedAt}. Somebody will read it.",
      due: "You get an answer by {dueOn} at the latest.",
    },
  },
  footer: {
    sender: "This message was sent by {controller}.",
    contact: "Questions? Write to",
  },
};
