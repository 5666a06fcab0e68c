import type { SendOutcome, TopicClass } from "./permit.ts";

/** One message that there was a permit for: what kind it was and what became of it, and not what it said. */
export interface SentMessage {
  readonly topic: string;
  readonly class: TopicClass;
  /** RFC 3339: when it was handed over, or else when its permit was taken. */
  readonly at: string;
  /** Whether it was given to a mail server, or was about to be: false while it waits, and of what never left. */
  readonly handedOver: boolean;
  /** `"revoked"`: the person said no before it left. Absent while nobody has told yet. */
  readonly outcome?: SendOutcome | "revoked";
}

/** What a mail server or a mailbox provider said about a message that had left. */
export type ReportKind =
  /** There is no such mailbox (RFC 3463 x.1.1 and the like): about the recipient. */
  | "hard"
  /** Not this time: full, or given up after trying (4.x.x, x.2.2): about the recipient, for now. */
  | "soft"
  /** Refused by a rule or for its content: about the sender or the message, never about the recipient. */
  | "policy"
  /** The recipient called it spam (RFC 5965). */
  | "complaint";

/** A report, by the tag of the message that it is about. Whoever knows no tag can report nothing. */
export interface DeliveryReport {
  /** The permit's `returnTag`. */
  readonly tag: string;
  readonly kind: ReportKind;
  /** The address that the report is about, where it tells of several: it counts only if the message was for that one. */
  readonly recipient?: string;
}

/** What followed from a report. */
export interface Reported {
  readonly did:
    /** Nothing is sent to the address any more, until its owner opts in anew. */
    | "stopped"
    /** It counts together with others. */
    | "counted"
    /** The person gets no more marketing: a complaint is an objection (GDPR Art. 21(3)). */
    | "unsubscribed"
    /** It was known already, or says nothing about the recipient. */
    | "noted"
    /** No message has this tag, or none any more, or it was for somebody else. */
    | "unknown";
}

/**
 * What heed remembers of messages: the send log, and what came back. An erasure ends with it, also with what was reported:
 * that there is no such mailbox has no reason to outlive the person.
 */
export interface Messages {
  /**
   * What was sent to an address, oldest first, and what waits to be.
   * @throws InvalidInputError when the address cannot be read; HeedError `unknown-key`
   */
  sent(ask: { readonly email: string }): Promise<readonly SentMessage[]>;
  /**
   * Forgets what was sent to an address and what came back; what has not left yet does not leave any more. `forgotten`
   * counts messages. That a message had its key used is forgotten as well.
   * @throws as `sent`
   */
  forget(ask: { readonly email: string }): Promise<{ readonly forgotten: number }>;
  /**
   * Takes a report in; it is durable when this resolves, so acknowledge it to whoever brought it only then. The same one
   * counts once. `hard` stops the address (`undeliverable`) for all but transactional mail, until an opt-in of the person
   * that is newer; `soft` does so as long as there are five within 30 days, of at least three messages; `policy` is for
   * the operator (`heed.on("message.reported")`, evidence); `complaint` ends all marketing for the person. After an
   * erasure, and for messages that a restored back-up does not know, tags are `unknown`.
   * @throws InvalidInputError for another kind; HeedError `unknown-key`
   */
  report(report: DeliveryReport): Promise<Reported>;
}
