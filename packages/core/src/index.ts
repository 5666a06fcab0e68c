export type { Clock } from "./contract/clock.ts";
export type { CommonKind, Identifier, Subject } from "./contract/identifier.ts";
export type { OperationName, Retained } from "./contract/operation.ts";
export type { DeliveryReport, Messages, Reported, ReportKind, SentMessage } from "./contract/messages.ts";
export type { Permit, PermitAnswer, Permits, Refusal, SendOutcome, TopicClass } from "./contract/permit.ts";
export type { ProcessorV1 } from "./contract/processor.ts";
export type { HeedStorage } from "./contract/storage.ts";
export { createHeed } from "./heed.ts";
export type { HeedOptions } from "./heed.ts";
export type {
  CheckProcessors,
  ChoiceDetails,
  Heed,
  KindsOf,
  OptInDetails,
  RequestDetails,
} from "./heed-types.ts";
export type {
  Farewell,
  FarewellAnswer,
  FarewellMessage,
  FarewellOutcome,
  FarewellStatus,
} from "./farewell/farewell.ts";
export type { HeedEvents } from "./event-hub.ts";
export type { EvidenceEntry } from "./evidence/entry.ts";
export { evidenceEntrySchema } from "./evidence/entry.ts";
export type { Checkpoint, PublicKeys } from "./evidence/checkpoint.ts";
export type { Evidence } from "./evidence/evidence.ts";
export type { LogEntry } from "./evidence/log-entry.ts";
export type { Receipt } from "./evidence/receipt.ts";
export type { SealedEvidence } from "./evidence/seal-evidence.ts";
export type { EvidenceSettings } from "./evidence/sealer.ts";
export type { Checked, ConsistencyProof } from "./evidence/verify-evidence.ts";
export type { VerifyAsk } from "./evidence/verify-storage.ts";
export type { KeyUse } from "./keys/keys-in-use.ts";
export type { Rotated, RotationOptions, RotationProgress } from "./keys/rotate-keys.ts";
export type { BackupAsk } from "./keep-storage.ts";
export { ephemeralKeys, keyring, newKey } from "./keys/keyring.ts";
export type { Keyring, KeyState } from "./keys/keyring.ts";
export type { BulkOptions, BulkProgress, BulkRefusal, BulkResult, BulkSource } from "./ledger/bulk.ts";
export { foldConsent } from "./ledger/consent-fold.ts";
export type { Asked, ConsentState } from "./ledger/consent-fold.ts";
export type { ConsentEvidence, EventKind, LedgerEvent } from "./ledger/event.ts";
export type { Link, Links, TitledTopic } from "./ledger/links.ts";
export type { Changed } from "./ledger/choice-event.ts";
export type { SuppressionAnswer } from "./ledger/check-suppression.ts";
export type { Lifted } from "./requests/lift-objection.ts";
export type { SuppressionReason } from "./ledger/suppression.ts";
export type { IssuedInvitation } from "./invitations/identity.ts";
export type { InvitationKind } from "./invitations/invitation-token.ts";
export type { Invitation, InvitationAnswer, InvitationState } from "./invitations/invitation.ts";
export type { Answered, Invitations } from "./invitations/invitations.ts";
export type { Invited, NotAsked } from "./invitations/invite.ts";
export { fileJournal } from "./journal/file-journal.ts";
export type {
  Journal,
  JournalIdentity,
  JournalLine,
  JournalPart,
  JournalPlace,
  JournalRecord,
} from "./journal/journal.ts";
export type { HoldView } from "./holds/list-holds.ts";
export type { PlacedHold } from "./holds/place-hold.ts";
export type { JournalState, RestoreAsk, Restored } from "./journal/restore.ts";
export { memory } from "./memory/memory.ts";
export { ownData } from "./own-data.ts";
export type { OwnData } from "./own-data.ts";
export { definePolicy } from "./policy/define-policy.ts";
export type {
  Controller,
  Keeps,
  LegalBasis,
  Names,
  Policy,
  Purpose,
  Recipient,
  Topic,
} from "./policy/policy.ts";
export { deadlineOf } from "./requests/deadline.ts";
export type { Deadline } from "./requests/deadline.ts";
export type { Identity, RequestRight, RequestState, StepPhase, StepState } from "./requests/lifecycle.ts";
export type { OpenedRequest } from "./requests/open-request.ts";
export type { ParkedStep } from "./requests/parked-steps.ts";
export type { OpenRequestView, RequestView, StepView } from "./requests/read-request.ts";
export type { CheckedPart } from "./engine/check-up.ts";
export type { Preview, PreviewedStep } from "./engine/preview.ts";
export type { BreakerStatus, ProcessorStatus, WorkStatus } from "./engine/work-status.ts";
export type { BatchTrace, CallTrace, ClaimTrace, SettleTrace } from "./engine/tracing.ts";
export type { Drained, WorkSettings } from "./engine/worker.ts";
export { runOnce } from "./run-once.ts";
export type { Once, OnceOptions } from "./run-once.ts";
export { systemClock } from "./system-clock.ts";
export { ConflictError } from "./errors/conflict-error.ts";
export { HeedError, isHeedError } from "./errors/heed-error.ts";
export { InvalidInputError } from "./errors/invalid-input-error.ts";
export type { InputIssue } from "./errors/invalid-input-error.ts";
export { ProcessorError } from "./errors/processor-error.ts";
export { RateLimitedError } from "./errors/rate-limited-error.ts";
export { RejectedError } from "./errors/rejected-error.ts";
export { TamperedEvidenceError } from "./errors/tampered-evidence-error.ts";
export { UnavailableError } from "./errors/unavailable-error.ts";
export { UnsupportedOperationError } from "./errors/unsupported-operation-error.ts";
export { VerificationError } from "./errors/verification-error.ts";
