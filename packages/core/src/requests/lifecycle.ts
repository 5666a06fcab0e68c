import type { Row } from "../contract/tables.ts";

/**
 * The rights that a request can exercise. An `objection` is to being at one recipient: out there, kept out, and nothing
 * else changes (GDPR Art. 21). `forget-tokens` is the company's own promise. `inquiry`: somebody wrote, and a human has to
 * say what it is; nothing is done by itself, and the clock runs.
 */
export type RequestRight = "erasure" | "withdrawal" | "objection" | "forget-tokens" | "inquiry";

/** Whether it is carried out by steps of its own: a withdrawal has those of its event, and an inquiry is answered. */
export const hasPlan = (right: string): boolean => right !== "withdrawal" && right !== "inquiry";

/** Whether what a person pays for may be ended, so that what pays for it can be forgotten. */
export type EndsPaidService = "allowed" | "refused";

/** How the caller established who is asking. */
export type Identity = "signed-in" | "confirmed-by-link" | "operator-checked" | "unverified";

/** Where a request stands. */
export type RequestState =
  /** Nobody has shown yet who is asking: nothing is done. */
  | "awaiting_verification"
  /** Steps are under way. */
  | "executing"
  /** A step failed for good or needs a human; the rest goes on. Of an inquiry: it is to be read. */
  | "awaiting_manual"
  /** Every step ended, and was read back where that is possible; an inquiry was answered. */
  | "fulfilled"
  /** As fulfilled, and some categories are kept, with reason and date. */
  | "partially_fulfilled"
  /** Taken back before anything was destroyed. */
  | "withdrawn"
  /** Refused by a human as a whole, with the reason in `because`. */
  | "denied"
  /** Nobody showed who was asking until the deadline. */
  | "expired";

/** Where a step stands. The last seven are ends; `done` is never one. */
export type StepState =
  /** Behind another step of the same subject. */
  | "waiting"
  | "due"
  | "running"
  | "verified"
  | "acknowledged"
  | "retained"
  | "manual"
  | "failed"
  | "superseded"
  | "cancelled";

/** Ends that wait for a human, or for a retry. */
export const parkedStates = ["failed", "manual"] as const satisfies readonly StepState[];

export const isParked = ({ state }: Pick<Row<"steps">, "state">): boolean =>
  state === "failed" || state === "manual";

/** What a step does next. */
export type StepPhase = "resolve" | "run" | "verify";

/** The last stage of an erasure: heed's own data, and with it the subject's key. */
export const ownStage = 9;

const finals: ReadonlySet<string> = new Set<RequestState>([
  "fulfilled",
  "partially_fulfilled",
  "withdrawn",
  "denied",
  "expired",
]);

/** Every other state. */
export const openStates = [
  "awaiting_verification",
  "executing",
  "awaiting_manual",
] as const satisfies readonly RequestState[];

export const isFinal = (state: string): boolean => finals.has(state);

/** What a request's steps make of it. Fulfilled only when no step is open, failed or left to a human. */
export function requestState(
  steps: readonly Pick<Row<"steps">, "state" | "endedAt" | "stage">[],
): RequestState {
  const needsHuman = steps.some(isParked);
  const open = steps.filter((step) => step.endedAt === null);
  const onlyOwnIsLeft = open.every((step) => step.stage === ownStage && step.state === "waiting");
  if (needsHuman && onlyOwnIsLeft) return "awaiting_manual";
  if (open.length > 0) return "executing";
  return steps.some((step) => step.state === "retained") ? "partially_fulfilled" : "fulfilled";
}

/** Operations after which nothing can be taken back. */
export const destructiveOperations = ["erase", "exclude", "forgetTokens"] as const;

const destructive: ReadonlySet<string> = new Set(destructiveOperations);

export const isDestructive = (operation: string): boolean => destructive.has(operation);

/** Why a step that a worker has in hand is to end: what its row's `cancel` counts from 1; 0: it is not to. */
const cancelReasons = ["erasure-requested", "objected"] as const;

type CancelReason = (typeof cancelReasons)[number];

/** The `cancel` of a row. */
export const cancelFor = (because: CancelReason): number => cancelReasons.indexOf(because) + 1;

/** Why the step is to end; undefined where it is not to. */
export const cancelledBecause = ({ cancel }: Pick<Row<"steps">, "cancel">): CancelReason | undefined =>
  cancelReasons[cancel - 1];

/** Whether a step stands aside for a legal hold: nothing waits behind it, and it takes its place again afterwards. */
export const isHeldBack = (step: Pick<Row<"steps">, "state" | "because">): boolean =>
  step.state === "due" && step.because === "legal-hold";
