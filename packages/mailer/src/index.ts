export { createInbox } from "./inbound/create-inbox.ts";
export type { Inbox } from "./inbound/create-inbox.ts";
export type { IgnoredReason, InboundResult } from "./inbound/inbound-result.ts";
export type { InboxHeed, MailedRight } from "./inbound/inbox-heed.ts";
export type { Duty, InboxOptions, KeptAbout, KeptReason } from "./inbound/inbox-options.ts";
export { mailReceiver } from "./inbound/mail-receiver.ts";
export type { MailReceiver, MailReceiverOptions } from "./inbound/mail-receiver.ts";
export { readReport } from "./inbound/read-report.ts";
export type { Report } from "./inbound/read-report.ts";
export type { DnsResolver, InboundEnvelope } from "./inbound/sender-proof.ts";
export { englishWords, swedishWords } from "./inbound/words.ts";
export type { Intent, Words } from "./inbound/words.ts";
export { createMailer } from "./create-mailer.ts";
export type { Mailer } from "./create-mailer.ts";
export { gate } from "./gate.ts";
export type { GatedMailOptions, GatedTransporter, GateOptions } from "./gate.ts";
export { MailBlockedError } from "./mail-blocked-error.ts";
export { mailProcessor } from "./mail-processor.ts";
export type { MailProcessor, MailProcessorOptions, MailProcessorParts } from "./mail-processor.ts";
export type { MailQueue } from "./mail-queue.ts";
export type {
  BounceOptions,
  DkimOptions,
  From,
  ListOptions,
  MailerLogger,
  MailerOptions,
  PerStream,
  SmtpOptions,
} from "./options.ts";
export type { MailOutcome, NotSentReason, RejectionKind, ReplyCode } from "./outcome.ts";
export type { Message, SendAsk } from "./outgoing.ts";
export type { PreflightReport, ResolveTxt, SignedStream } from "./preflight.ts";
export { readMessageId, readReturnTag } from "./return-address.ts";
export type { Stream } from "./streams.ts";
export { UnrecordedOutcomeError } from "./unrecorded-outcome-error.ts";
export { UNSUBSCRIBE_PLACEHOLDER } from "./unsubscribe-link.ts";
export type { UnsubscribeOptions } from "./unsubscribe-link.ts";
export type { NoTemplates, Render, RenderArguments, SendTemplateAsk, TemplateAsk } from "./render.ts";
export type { Catalogue, Right } from "./texts/catalogue.ts";
export { english } from "./texts/english.ts";
export { swedish } from "./texts/swedish.ts";
export { systemMail } from "./texts/system-mail.ts";
export type { Language } from "./texts/system-mail.ts";
export type { Kept, Sender, SystemMailName, SystemMails } from "./texts/system-mails.ts";
