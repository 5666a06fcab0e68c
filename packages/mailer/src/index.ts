export { createMailer } from "./create-mailer.ts";
export type { Mailer } from "./create-mailer.ts";
export type {
  DkimOptions,
  From,
  MailerLogger,
  MailerOptions,
  SmtpOptions,
  UnsubscribeOptions,
} from "./options.ts";
export type { MailOutcome, NotSentReason, RejectionKind, ReplyCode } from "./outcome.ts";
export type { Message, SendAsk } from "./outgoing.ts";
export type { PreflightReport } from "./preflight.ts";
export { UnrecordedOutcomeError } from "./unrecorded-outcome-error.ts";
export { UNSUBSCRIBE_PLACEHOLDER } from "./unsubscribe-link.ts";
