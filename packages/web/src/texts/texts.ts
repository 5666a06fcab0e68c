/** What the unsubscribe pages say. Pass another one for another language; values come in unescaped. */
export interface UnsubscribeTexts {
  /** BCP 47. */
  readonly lang: string;
  readonly dir: "ltr" | "rtl";
  readonly heading: string;
  question(topic: string, controller: string): string;
  stopButton(topic: string): string;
  readonly stopAllButton: string;
  readonly doneHeading: string;
  stopped(topic: string, controller: string): string;
  stoppedAll(controller: string): string;
  /** What still comes: nobody shall wonder at the next receipt. */
  stillComes(controller: string): string;
  readonly unknownHeading: string;
  readonly unknown: string;
  /** Before the contact address. */
  readonly writeTo: string;
  readonly unavailableHeading: string;
  readonly unavailable: string;
}

/** The texts in English. */
export const english: UnsubscribeTexts = {
  lang: "en",
  dir: "ltr",
  heading: "Unsubscribe",
  question: (topic, controller) => `Do you want to stop getting “${topic}” from ${controller}?`,
  stopButton: (topic) => `Stop “${topic}”`,
  stopAllButton: "Stop all newsletters and offers",
  doneHeading: "You are unsubscribed",
  stopped: (topic, controller) => `You will get no more “${topic}” from ${controller}.`,
  stoppedAll: (controller) => `You will get no more newsletters and offers from ${controller}.`,
  stillComes: (controller) =>
    `Messages about your account, your orders and your rights still come from ${controller} when there is a reason.`,
  unknownHeading: "This link does not work",
  unknown: "It may have been cut off on its way. Copy the whole link from the message and try again.",
  writeTo: "Or write to",
  unavailableHeading: "Not done yet",
  unavailable: "Your choice could not be saved just now. Please try again in a minute.",
};
