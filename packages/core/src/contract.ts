export type { Clock } from "./contract/clock.ts";
export { each } from "./contract/each.ts";
export type { CommonKind, Identifier, Subject } from "./contract/identifier.ts";
export type {
  Answers,
  Call,
  ExportedRecord,
  Finding,
  FoundTarget,
  InputOf,
  Observation,
  Obstacle,
  OperationName,
  Outcome,
  OutcomeOf,
  Resolution,
  Retained,
  SeenChoice,
  Target,
} from "./contract/operation.ts";
export { parseIdentifier } from "./contract/parse-identifier.ts";
export type { ParsedIdentifier } from "./contract/parse-identifier.ts";
export type {
  CallContext,
  Checked,
  Clearance,
  DailyLimit,
  Effect,
  Limit,
  Observed,
  Operation,
  ProcessorV1,
  WindowLimit,
} from "./contract/processor.ts";
export type { DeliveryReport, Messages, Reported, ReportKind, SentMessage } from "./contract/messages.ts";
export type { Sighting } from "./contract/sighting.ts";
export type { Permit, PermitAnswer, Permits, Refusal, SendOutcome, TopicClass } from "./contract/permit.ts";
export { HeedError, isHeedError } from "./errors/heed-error.ts";
export { InvalidInputError } from "./errors/invalid-input-error.ts";
export { ProcessorError } from "./errors/processor-error.ts";
export { RateLimitedError } from "./errors/rate-limited-error.ts";
export { RejectedError } from "./errors/rejected-error.ts";
export { TamperedEvidenceError } from "./errors/tampered-evidence-error.ts";
export { UnavailableError } from "./errors/unavailable-error.ts";
export { VerificationError } from "./errors/verification-error.ts";
export { onlyKeys } from "./only-keys.ts";
export type { KnownKeys } from "./only-keys.ts";
