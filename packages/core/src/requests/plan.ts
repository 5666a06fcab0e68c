import type { HeedContext } from "../context.ts";
import type { InputOf, OperationName, Retained } from "../contract/operation.ts";
import type { Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { UnsupportedOperationError } from "../errors/unsupported-operation-error.ts";
import { seal } from "../keys/sealed.ts";
import { propagationOf, topicsVia } from "../ledger/choice.ts";
import type { EventKind, Scope } from "../ledger/event.ts";
import { isExcludedFrom } from "../ledger/kept-out.ts";
import type { SubjectRecord } from "../ledger/subject-record.ts";
import type { Recipient } from "../policy/policy.ts";
import { civilDateIn, endOfYearPlus } from "./deadline.ts";
import { stepsToRelease } from "./gates.ts";
import { isHeldBack, ownStage } from "./lifecycle.ts";

/** Lanes of urgency: what silences goes first, unless it is one of a million at once. */
export const lanes = { optOut: 0, request: 1, optIn: 2, bulk: 2 } as const;

/** How long a preference is carried after its choice before a human is asked, in milliseconds (10 days). */
const preferenceTermMs = 10 * 86_400_000;

/** By when a choice of this instant is carried, or a human is asked. @param from RFC 3339 */
export const preferenceDeadline = (from: string): string =>
  new Date(Date.parse(from) + preferenceTermMs).toISOString();

/** What is to be done at one processor, before it becomes a row. */
export interface PlannedStep {
  readonly processor: string;
  readonly operation: OperationName;
  readonly stage: number;
  readonly lane: number;
  readonly input: InputOf[OperationName];
  readonly deadlineAt: string;
  /** Ends at once: a human must do it, or a rule keeps it. */
  readonly ended?:
    | { readonly state: "manual"; readonly because: string; readonly instruction: string }
    | { readonly state: "retained"; readonly retained: readonly Retained[] };
}

/**
 * The steps that tell processors of a choice. `untold`: those that hold the topic and lack the operation, and for an
 * opt-in those that the person is kept out of. Where not `isWhole`, a processor that was told before is left out.
 * During an erasure, and where the person is kept out, the vendor is told of no address that it does not have.
 */
export function preferenceSteps(
  context: HeedContext,
  record: SubjectRecord,
  choice: { readonly kind: EventKind; readonly scope: Scope; readonly inBulk?: boolean },
  event: Row<"events">,
  how: {
    readonly request?: { readonly id: string; readonly key: Uint8Array };
    readonly isWhole: boolean;
  } = { isWhole: true },
): { rows: readonly Row<"steps">[]; untold: readonly string[] } {
  const { request, isWhole } = how;
  const untold: string[] = [];
  // heed's own data is going: whoever holds the person has been dealt with.
  if (
    record.openSteps.some(
      (step) => step.processor === "heed" && step.state !== "waiting" && !isHeldBack(step),
    )
  )
    return { rows: [], untold };
  const planned = propagationOf(context.policy, choice.kind, choice.scope).flatMap(
    ({ processor, operation, topics }): readonly PlannedStep[] => {
      if (!isWhole && isTold(record, processor, topics)) return [];
      const isExcluded = isExcludedFrom(record, processor);
      if (isExcluded && operation === "subscribe") {
        untold.push(processor);
        return [];
      }
      const base = {
        processor,
        operation,
        stage: 0,
        lane: choice.inBulk === true ? lanes.bulk : operation === "unsubscribe" ? lanes.optOut : lanes.optIn,
        deadlineAt: preferenceDeadline(event.recordedAt),
      };
      const input: InputOf["subscribe"] | InputOf["unsubscribe"] =
        operation === "unsubscribe"
          ? { topics, ...(record.frozenBy === null && !isExcluded ? {} : { onlyIfKnown: true }) }
          : {
              topics: topics === "all" ? [] : topics,
              basis: "consent",
              evidence: event.id,
              givenAt: event.effectiveAt,
            };
      if (context.processors[processor]?.operations[operation] !== undefined) return [{ ...base, input }];
      untold.push(processor);
      // A vendor that never hears of an opt-in sends nothing, which is safe; one that never hears of an opt-out is not.
      if (operation === "subscribe") return [];
      return [{ ...base, input, ended: unsubscribedByHand(processor) }];
    },
  );
  const rows = stepRows(context, record, planned, {
    seal: request?.key ?? record.dataKey,
    seq: seqOf(event.recordedAt),
    now: event.recordedAt,
    requestId: request?.id ?? null,
    eventId: event.id,
  });
  return { rows, untold };
}

/**
 * A person who opts out by themselves waits for nobody: what stands ahead of the opt-out at a processor, or is
 * the same choice out of a bulk, goes as fast as the opt-out does.
 */
export function hurry(record: SubjectRecord): readonly Write[] {
  return record.openSteps
    .filter((step) => step.requestId === null && step.lane > lanes.optOut)
    .map(({ id }): Write => ({ update: "steps", where: { id }, set: { lane: lanes.optOut } }));
}

/** Whether the processor was last told to unsubscribe these topics, and that did not fail. */
function isTold(record: SubjectRecord, processor: string, topics: readonly string[] | "all"): boolean {
  const covers = (step: Row<"steps">) => {
    const told = (JSON.parse(step.input) as InputOf["unsubscribe"]).topics;
    return told === "all" || (topics !== "all" && topics.every((topic) => told.includes(topic)));
  };
  const last = record.preferences.findLast(
    (step) => step.processor === processor && step.eventId !== null && covers(step),
  );
  const inVain: readonly string[] = ["failed", "cancelled", "superseded", "manual"];
  const isInVain = last !== undefined && inVain.includes(last.state) && last.because !== "no-such-operation";
  return last !== undefined && last.operation === "unsubscribe" && !isInVain;
}

/** Ledger order as a number; `recordedAt` is strictly increasing per subject, 64 steps fit into one instant. */
export function seqOf(recordedAt: string): number {
  return Date.parse(recordedAt) * 64;
}

/** What an erasure asks of each recipient of the policy, in order: stop use, tokens, contact, own data. */
function erasurePlan(context: HeedContext, deadlineAt: string, receivedAt: string): readonly PlannedStep[] {
  const base = { lane: lanes.request, deadlineAt };
  const holdsTopics = (id: string) => topicsVia(context.policy, id).length > 0;
  const steps = Object.entries(context.policy.recipients).flatMap(
    ([processor, recipient]): readonly PlannedStep[] => {
      const operations = context.processors[processor]?.operations ?? {};
      const keep = keptBy(context, recipient, receivedAt);
      const planned: PlannedStep[] = [];
      // Where nothing is erased, whoever cannot be told goes on sending.
      const isKeptWhole = operations.erase === undefined && keep.length > 0;
      if (holdsTopics(processor) && (operations.unsubscribe !== undefined || isKeptWhole)) {
        planned.push({
          ...base,
          processor,
          operation: "unsubscribe",
          stage: 0,
          input: { topics: "all", onlyIfKnown: true },
          ...(operations.unsubscribe === undefined ? { ended: unsubscribedByHand(processor) } : {}),
        });
      }
      if (operations.forgetTokens !== undefined) {
        const input: InputOf["forgetTokens"] = { endsPaidService: "refused", keep };
        planned.push({ ...base, processor, operation: "forgetTokens", stage: 1, input });
      }
      const stage = recipient.role === "own" ? 3 : 2;
      const input: InputOf["erase"] = { suppress: true, keep };
      const erasure = { ...base, processor, operation: "erase", stage, input } as const;
      if (operations.erase !== undefined) planned.push(erasure);
      else if (keep.length === 0) planned.push({ ...erasure, ended: byHand(context, processor, recipient) });
      else if (operations.forgetTokens === undefined)
        planned.push({ ...erasure, ended: { state: "retained", retained: keep } });
      return planned;
    },
  );
  const own: InputOf["erase"] = { suppress: true, keep: [] };
  return [...steps, { ...base, processor: "heed", operation: "erase", stage: ownStage, input: own }];
}

function unsubscribedByHand(processor: string): NonNullable<PlannedStep["ended"]> {
  const instruction = `Unsubscribe this person by hand at "${processor}": its adapter has no unsubscribe operation.`;
  return { state: "manual", because: "no-such-operation", instruction };
}

function byHand(
  context: HeedContext,
  processor: string,
  recipient: Recipient,
): NonNullable<PlannedStep["ended"]> {
  const why =
    context.processors[processor] === undefined
      ? "heed has no processor for it"
      : "its adapter has no erase operation";
  const what =
    recipient.role === "controller"
      ? "Tell this recipient of the erasure (GDPR Art. 19)"
      : "Erase this person by hand";
  return { state: "manual", because: "no-such-operation", instruction: `${what} at "${processor}": ${why}.` };
}

/** What a request asks for in steps. A withdrawal has those of its event. */
export function planOf(
  context: HeedContext,
  { right, recipient }: { readonly right: string; readonly recipient?: string | null },
  deadlineAt: string,
  receivedAt: string,
): readonly PlannedStep[] {
  if (right === "erasure") return erasurePlan(context, deadlineAt, receivedAt);
  if (right === "forget-tokens") return forgetTokensPlan(context, deadlineAt);
  return right === "objection" && recipient != null ? objectionPlan(context, recipient, deadlineAt) : [];
}

/** Out of one recipient, and nothing anywhere else. */
function objectionPlan(context: HeedContext, processor: string, deadlineAt: string): readonly PlannedStep[] {
  const input: InputOf["exclude"] = {};
  const base = { processor, operation: "exclude", stage: 2, lane: lanes.request, deadlineAt, input } as const;
  if (context.processors[processor]?.operations.exclude !== undefined) return [base];
  const instruction = `Take this person out of "${processor}" by hand, and keep them out: its adapter has no exclude operation.`;
  return [{ ...base, ended: { state: "manual", because: "no-such-operation", instruction } }];
}

/** Forget stored payment credentials at every processor that has them. */
function forgetTokensPlan(context: HeedContext, deadlineAt: string): readonly PlannedStep[] {
  const capable = Object.entries(context.processors).filter(
    ([, processor]) => processor.operations.forgetTokens !== undefined,
  );
  if (capable.length === 0) {
    throw new UnsupportedOperationError(
      "No processor has the operation forgetTokens: pass one, for example stripeTokens().",
    );
  }
  return capable.map(([processor]) => ({
    processor,
    operation: "forgetTokens",
    stage: 1,
    lane: lanes.request,
    deadlineAt,
    input: { endsPaidService: "refused", keep: [] } satisfies InputOf["forgetTokens"],
  }));
}

function keptBy(context: HeedContext, recipient: Recipient, receivedAt: string): readonly Retained[] {
  const receivedOn = civilDateIn(context.policy.controller.zone ?? "UTC", new Date(receivedAt));
  return (recipient.keeps ?? []).map(({ years, ...kept }) => ({
    ...kept,
    until: endOfYearPlus(receivedOn, years),
  }));
}

/** Rows of planned steps, each due or waiting as the gates say, behind what is open already. */
export function stepRows(
  context: HeedContext,
  record: Pick<SubjectRecord, "id" | "openSteps">,
  planned: readonly PlannedStep[],
  about: {
    readonly seal: Uint8Array;
    readonly seq: number;
    readonly now: string;
    readonly requestId: string | null;
    readonly eventId: string | null;
  },
  newId: () => string = context.newId,
): readonly Row<"steps">[] {
  // Two calls in one instant must not share a place in the order.
  const first = Math.max(about.seq, ...record.openSteps.map((step) => step.seq + 1));
  const rows = planned.map((step, index): Row<"steps"> => {
    const id = newId();
    const instruction = step.ended?.state === "manual" ? step.ended.instruction : undefined;
    return {
      id,
      namespace: context.namespace,
      subjectId: record.id,
      requestId: about.requestId,
      eventId: about.eventId,
      seq: first + index,
      stage: step.stage,
      processor: step.processor,
      operation: step.operation,
      lane: step.lane,
      state: step.ended?.state ?? "waiting",
      phase:
        context.processors[step.processor]?.operations[step.operation]?.resolve === undefined
          ? "run"
          : "resolve",
      input: JSON.stringify(step.input),
      dueAt: null,
      deadlineAt: step.deadlineAt,
      attempt: 0,
      leaseUntil: null,
      attempted: 0,
      ranAt: null,
      tries: 0,
      rounds: 0,
      doubts: 0,
      alone: 0,
      crashes: 0,
      cancel: 0,
      sealed:
        instruction === undefined
          ? null
          : seal(about.seal, JSON.stringify({ targets: [], instruction }), `steps/${id}`),
      outcome:
        step.ended?.state === "retained"
          ? JSON.stringify({ status: "done", affected: 0, retained: step.ended.retained })
          : null,
      finding: null,
      because: step.ended?.state === "manual" ? step.ended.because : null,
      createdAt: about.now,
      endedAt: step.ended === undefined ? null : about.now,
    };
  });
  const released = new Set(stepsToRelease([...record.openSteps, ...rows]));
  return rows.map((row) => (released.has(row.id) ? { ...row, state: "due", dueAt: about.now } : row));
}
