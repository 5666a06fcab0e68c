import type { Retained } from "../contract/operation.ts";
import type { TopicClass } from "../contract/permit.ts";

/** What allows a use of data: GDPR Art. 6(1), and the soft opt-in of Directive 2002/58/EC Art. 13(2). */
export type LegalBasis =
  | "consent"
  | "contract"
  | "legal-obligation"
  | "vital-interest"
  | "public-task"
  | "legitimate-interest"
  | "soft-opt-in";

/** The company that uses heed. */
export interface Controller {
  readonly name: string;
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  /** Where a person writes to. */
  readonly contact: string;
  /** IANA time zone in which legal days are counted. Default `"UTC"`. */
  readonly zone?: string;
  /** Public holidays `YYYY-MM-DD` of the controller's country: a deadline never ends on one. */
  readonly holidays?: readonly string[];
}

/** A category that a recipient keeps after an erasure, by law or contract. */
export interface Keeps extends Omit<Retained, "until"> {
  /** How long, in whole years, counted from the end of the calendar year of the request. */
  readonly years: number;
}

/** Whoever gets the data. `own`: the controller's own tables. */
export interface Recipient {
  readonly role: "own" | "processor" | "controller";
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  /** What allows a transfer out of the EEA (GDPR Art. 44 to 49). Required there. */
  readonly transferTool?: "adequacy" | "scc" | "bcr" | "derogation";
  /** Identifier kinds that are trusted to name one person there. Default: all that the processor declares. */
  readonly trusts?: readonly string[];
  /** What an erasure leaves there. */
  readonly keeps?: readonly Keeps[];
}

/** Why data is used, and what allows it. */
export interface Purpose {
  readonly basis: LegalBasis | readonly LegalBasis[];
  readonly title?: string;
}

/** What a subject subscribes to. */
export interface Topic {
  readonly class: TopicClass;
  readonly purpose: string;
  /** Recipients that hold the subscription and must be told of every change. */
  readonly via?: readonly string[];
  /** What a person calls it, for pages and mails. Default: its name. */
  readonly title?: string;
  /**
   * True: it goes to whoever is subscribed to it, and to nobody else, whatever the legal basis and the class. With `until`
   * on the subscription it ends with what is paid for. Default: false, and the basis decides.
   */
  readonly subscribersOnly?: boolean;
}

/** The names that a policy declares; every later call is checked against them. */
export interface Names {
  purpose: string;
  topic: string;
  recipient: string;
  via: Record<string, unknown>;
}

declare const names: unique symbol;

/** The typed register of what was promised. Made by `definePolicy`. */
export interface Policy<N extends Names = Names> {
  readonly controller: Controller;
  readonly recipients: Readonly<Record<string, Recipient>>;
  readonly purposes: Readonly<Record<string, Purpose>>;
  readonly topics: Readonly<Record<string, Topic>>;
  /** Types only. */
  readonly [names]?: N;
}

/** The bases of a purpose, as a list. */
export function basesOf(purpose: Purpose): readonly LegalBasis[] {
  return typeof purpose.basis === "string" ? [purpose.basis] : purpose.basis;
}
