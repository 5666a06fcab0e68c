/** What a topic is for; decides what may silence it. */
export type TopicClass = "marketing" | "service" | "transactional" | "legal";

/** Why a message may not go out. */
export type Refusal =
  /** The policy names no such topic: nothing was promised that covers it. */
  | "topic-not-covered"
  /** The purpose rests on consent, and there is none. */
  | "not-given"
  /** The person opted out, objected, or the address is silenced. */
  | "suppressed"
  /** The person was erased and has not come back. */
  | "erased"
  /** An erasure is being carried out. */
  | "frozen"
  /** Nothing reaches the address any more: mail servers said that there is no such mailbox, or refused again and again. */
  | "undeliverable"
  /** The database was restored from a back-up, and what people chose since is not replayed yet. */
  | "restore-needed"
  /** A permit for this message key and address was taken before. */
  | "already-sent";

/** What became of a message that a permit was taken for. */
export type SendOutcome = "accepted" | "rejected" | "deferred" | "not-sent" | "unknown";

/** Leave to send one message to one address, now. */
export interface Permit {
  readonly allowed: true;
  readonly class: TopicClass;
  /** Aborts when the permit is revoked in this process. A hint that saves time: `handOver` decides. */
  readonly signal: AbortSignal;
  /** Credential for an unsubscribe link, at most 48 characters of `[A-Za-z0-9._-]`. Marketing only. */
  readonly unsubscribeToken?: string;
  /**
   * Names this one message to whoever reports about it later: for the return address (VERP) and the Message-ID.
   * 128 random bits as `[a-z2-7]{26}`, nothing personal, and forgotten together with what is known of the message.
   * Absent where nothing shall be reported.
   */
  readonly returnTag?: string;
  /**
   * Call immediately before the message is given to the connection. False: the person said no in the
   * meantime, nothing may leave.
   */
  handOver(): Promise<boolean>;
  /** Records what became of it. */
  settle(outcome: SendOutcome): Promise<void>;
}

/** The answer to "may this message go to this address, now?" */
export type PermitAnswer = Permit | { readonly allowed: false; readonly because: Refusal };

/** All that a sender needs of heed. */
export interface Permits<Topic extends string = string> {
  /**
   * @param ask.messageKey Identifies the message: the same key goes to the same address once, ever.
   * @throws InvalidInputError when the address cannot be read
   */
  take(ask: {
    readonly topic: Topic;
    readonly email: string;
    readonly messageKey: string;
  }): Promise<PermitAnswer>;
}
