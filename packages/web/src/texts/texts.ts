/**
 * What the pages say, in one language. Pass another one for another language; values come in unescaped, and nothing
 * here is markup.
 */
export interface Texts {
  /** BCP 47. */
  readonly lang: string;
  readonly dir: "ltr" | "rtl";
  /** What the language calls itself. */
  readonly name: string;
  readonly unsubscribe: UnsubscribeTexts;
  readonly invitation: Readonly<Record<"opt-in" | "renewal" | "identity", InvitationTexts>>;
  /** Before the version of the notice that a choice is about. */
  readonly notice: string;
  /** What a request asks for, by its right: it stands behind a colon. */
  readonly rights: Readonly<Record<string, string>>;
  /** The same of any other right. */
  readonly otherRight: string;
  readonly unknownHeading: string;
  readonly unknown: string;
  /** Before the contact address. */
  readonly writeTo: string;
  readonly unavailableHeading: string;
  readonly unavailable: string;
}

/** What the unsubscribe page says. */
export interface UnsubscribeTexts {
  readonly heading: string;
  question(topic: string, controller: string): string;
  questionAll(controller: string): string;
  stopButton(topic: string): string;
  readonly stopAllButton: string;
  /** Before the names of all newsletters and offers. */
  all(controller: string): string;
  readonly doneHeading: string;
  stopped(topic: string, controller: string): string;
  stoppedAll(controller: string): string;
  /** What still comes: nobody shall wonder at the next receipt. */
  stillComes(controller: string): string;
  /** The same, before its names. */
  stillComesNamed(controller: string): string;
}

/** What a page says that puts one kind of choice to a person. `what`: the title of what they choose about. */
export interface InvitationTexts {
  readonly heading: string;
  question(what: string, controller: string): string;
  /** What follows from no answer, and from either. */
  note(controller: string): string;
  readonly yesButton: string;
  readonly noButton: string;
  readonly doneHeading: string;
  saidYes(what: string, controller: string): string;
  saidNo(what: string, controller: string): string;
  readonly expiredHeading: string;
  /** What to do now. */
  expired(controller: string): string;
  readonly overtakenHeading: string;
  overtaken(controller: string): string;
  /** For whoever wants a yes after their no. */
  noStands(controller: string): string;
}
