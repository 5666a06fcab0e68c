import type { Refusal, SendOutcome } from "@heed/core/contract";

/** Why a message surely did not leave. Nothing was transmitted; it may be sent again. */
export type NotSentReason =
  /** No connection, or it broke before the message had been handed over completely. */
  | "connection"
  /** The server said nothing for too long, before the message had been handed over completely. */
  | "timeout"
  /** TLS was required and could not be had. */
  | "tls"
  /** The server refused to talk (greeting, EHLO): `code` says how. */
  | "refused"
  /** The server refused the login: `code` says how. */
  | "credentials"
  /** `close()` was called before the message's turn came. */
  | "closed";

/** What a permanent refusal was about. */
export type RejectionKind =
  /** The mailbox does not exist, said with an enhanced status code (RFC 3463 x.1.1, x.2.1 and the like). */
  | "recipient"
  /** The content: too big, malformed, taken for spam. */
  | "message"
  /** The sender address. */
  | "sender"
  /** Anything else: a rule, a blocklist, relaying, a full mailbox. Says nothing about the address. */
  | "policy";

/** The server's reply, without its text, which may quote an address. */
export interface ReplyCode {
  /** SMTP reply code (RFC 5321 4.2), for example 550. */
  readonly code: number;
  /** Enhanced status code (RFC 3463), for example `"5.1.1"`, where the server gave one. */
  readonly enhanced?: string;
}

/** What became of one message. Holds codes and ids only: nothing of the server's text, no address. */
export type MailOutcome =
  /** The server took responsibility. `queueId`: its own name for the message, where it told one. */
  | { readonly status: "accepted"; readonly messageId: string; readonly queueId?: string }
  /** The person does not want it. Nothing left. */
  | { readonly status: "blocked"; readonly because: Refusal }
  /** The server said no, for good. Only kind `"recipient"` is a reason to stop using the address. */
  | ({ readonly status: "rejected"; readonly kind: RejectionKind } & ReplyCode)
  /** The server said not now (4xx). It does not have the message. */
  | ({ readonly status: "deferred" } & ReplyCode)
  | { readonly status: "notSent"; readonly because: NotSentReason; readonly code?: number }
  /** The whole message was handed over and no answer came: it may or may not arrive. Never send it again blindly. */
  | { readonly status: "unknown"; readonly messageId: string };

/** What the ledger of permits records for each outcome. */
export const recorded = {
  accepted: "accepted",
  blocked: "not-sent",
  rejected: "rejected",
  deferred: "deferred",
  notSent: "not-sent",
  unknown: "unknown",
} as const satisfies Record<MailOutcome["status"], SendOutcome>;
