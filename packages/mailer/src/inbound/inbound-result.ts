import type { Reported, ReportKind } from "@heed/core/contract";
import type { MailedRight } from "./inbox-heed.ts";
import type { KeptReason } from "./inbox-options.ts";

/** What was done with a mail. Holds nothing personal. */
export type InboundResult =
  /** Somebody gets less mail. `by`: what entitled the mail to it. */
  | { readonly did: "unsubscribed"; readonly topic?: string; readonly by: "token" | "sender" | "unverified" }
  /** Consent ended, and all marketing. */
  | { readonly did: "withdrew"; readonly by: "sender" }
  /** Whoever has the address on file was asked to confirm, today. */
  | { readonly did: "asked-to-confirm" }
  /** A request is open that nobody carries out before the person has shown who they are. */
  | {
      readonly did: "opened-request";
      readonly requestId: string;
      readonly right: MailedRight["right"];
      /** Whether the person was told, today. */
      readonly acknowledged: boolean;
    }
  /** People have to read it; the clock runs. */
  | {
      readonly did: "case";
      readonly requestId: string;
      readonly about?: string;
      readonly acknowledged: boolean;
    }
  /** Bounces or complaints about messages of ours. */
  | {
      readonly did: "reported";
      readonly reports: readonly { readonly kind: ReportKind; readonly followed: Reported["did"] }[];
    }
  /** It was given to `keep`, and nothing else was done. */
  | { readonly did: "kept"; readonly because: KeptReason }
  /** Nothing was done. */
  | { readonly did: "ignored"; readonly because: IgnoredReason };

/** Why nothing was done. */
export type IgnoredReason =
  /** None of the inbox's addresses. */
  | "not-served"
  /** A machine wrote it: a vacation reply, a mailing list, our own mail come back. */
  | "automatic"
  /** A bounce or complaint that names no message of ours: anybody could have written it. */
  | "no-tag"
  /** A report that is no reason to do anything: delayed, delivered, `not-spam`. */
  | "nothing-to-report"
  /** The sender is not who it says, as far as anybody can tell, and is not known. */
  | "unknown-sender"
  /** Nothing may be sent to the address on file. */
  | "unreachable"
  | "too-large";
