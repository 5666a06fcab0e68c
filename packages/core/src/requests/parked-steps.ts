import type { HeedContext } from "../context.ts";
import type { Decision, Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { tellSettled } from "../engine/claim.ts";
import { settleWrites, type Settled } from "../engine/settle.ts";
import { ConflictError } from "../errors/conflict-error.ts";
import { InvalidInputError } from "../errors/invalid-input-error.ts";
import { evidenceDigests } from "../evidence/evidence.ts";
import { holdReads, holdsIn, isHeldBy } from "../holds/hold.ts";
import { identifiersOf } from "../ledger/identifiers.ts";
import { isExcludedFrom } from "../ledger/kept-out.ts";
import type { SubjectRecord } from "../ledger/subject-record.ts";
import { transactOnSubjects } from "../ledger/under-lock.ts";
import { untilStill } from "../ledger/until-still.ts";
import { stepsToRelease } from "./gates.ts";
import { isFinal, isParked, type parkedStates, type StepState } from "./lifecycle.ts";
import { openRequestsOf } from "./open-request.ts";
import { stepView, type StepView } from "./read-request.ts";

/** A step that failed or went to a human, and waits for one. */
export interface ParkedStep<Processor extends string = string> extends StepView<Processor> {
  /** Absent when it carries a choice that was no request: an opt-out, an opt-in. */
  readonly requestId?: string;
  /** The choice that it carries, where it carries one: its id, as the call answered it and `choice.recorded` told. */
  readonly eventId?: string;
  /** RFC 3339: since when it waits. */
  readonly parkedAt: string;
}

/** What waits for a human, by processor; of each state `limit` at most. */
export async function parkedSteps(context: HeedContext, limit: number): Promise<readonly ParkedStep[]> {
  const { namespace, storage, clock, keys } = context;
  const stepsIn = (state: (typeof parkedStates)[number]) =>
    ({ from: "steps", where: { namespace, state }, orderBy: ["processor"], limit }) as const;
  const steps = await storage.transact({
    lock: [],
    clock,
    read: { failed: stepsIn("failed"), manual: stepsIn("manual") },
    decide: ({ failed, manual }) => ({ writes: [], answer: [...failed, ...manual] }),
  });
  if (steps.length === 0) return [];
  const owner = [...new Set(steps.map((step) => step.requestId ?? step.subjectId))];
  const { dataKeys, ...holdRows } = await storage.transact({
    lock: [],
    clock,
    read: {
      dataKeys: { from: "dataKeys", where: { owner } },
      ...holdReads(
        namespace,
        steps.map(({ id }) => id),
      ),
    },
    decide: (rows) => ({ writes: [], answer: rows }),
  });
  const holds = holdsIn(holdRows);
  const wrapped = new Map(dataKeys.map((row) => [row.owner, row]));
  return steps
    .map((step): ParkedStep => {
      return {
        ...readableView(keys, step, wrapped.get(step.requestId ?? step.subjectId)),
        ...(step.requestId === null ? {} : { requestId: step.requestId }),
        ...(step.eventId === null ? {} : { eventId: step.eventId }),
        ...(isHeldBy(holds, step) ? { held: true } : {}),
        parkedAt: step.endedAt ?? step.createdAt,
      };
    })
    .toSorted((one, other) => (one.parkedAt < other.parkedAt ? -1 : 1));
}

/** Without its instruction where that cannot be read here: one damaged key must not hide what else waits. */
function readableView(
  keys: HeedContext["keys"],
  step: Row<"steps">,
  row: Row<"dataKeys"> | undefined,
): StepView {
  if (row === undefined || step.sealed === null) return stepView(step, undefined);
  try {
    return stepView(step, keys.unwrap(row.wrapped, row.keyId, row.owner));
  } catch {
    return stepView(step, undefined);
  }
}

/**
 * A human did what a step asked for: it ends as acknowledged, on that human's word.
 *
 * @throws InvalidInputError `no-such-step`; ConflictError `not-parked`, `request-ended`; `own-data` where heed is to
 *   destroy its own data, which nobody can do by hand; `legal-hold` while one forbids to destroy
 */
export function acknowledgeStep(context: HeedContext, id: string): Promise<{ state: StepState }> {
  return changeParked(context, id, ({ step, request, record, allSteps, isHeld, now }) => {
    if (isHeld)
      throw new ConflictError(
        "A legal hold stands over this step: nothing of it may be destroyed, also not by hand. Release the hold first.",
        { code: "legal-hold" },
      );
    if (step.processor === "heed")
      throw new ConflictError("Nobody destroys heed's own data by hand. Retry the step.", {
        code: "own-data",
      });
    const rows = { requests: request === undefined ? [] : [request], openSteps: [], requestSteps: allSteps };
    const verdict = { to: "end", state: "acknowledged", because: "by-hand" } as const;
    const ofChoice =
      request !== undefined || record === undefined
        ? {}
        : { subjectDigests: evidenceDigests(context, identifiersOf(record.dataKey, record.identifiers)) };
    return settleWrites(context, rows, [{ step, verdict, ...ofChoice }], now);
  });
}

/**
 * Tries one step again from the start, for example when credentials were mended. What a newer choice has overtaken
 * ends as superseded then.
 *
 * @throws InvalidInputError `no-such-step`; ConflictError `not-parked`, `request-ended`, `frozen`, `excluded`,
 *   `subject-erased`
 */
export function retryStep(context: HeedContext, id: string): Promise<{ state: StepState }> {
  return changeParked(context, id, ({ step, request, record, allSteps, now }) => {
    // A look at a vendor is nobody's yet.
    if (request === undefined && record === undefined && step.operation !== "observe")
      throw new ConflictError("The person was erased since: there is nobody left to tell of.", {
        code: "subject-erased",
      });
    if (request === undefined && record?.frozenBy != null)
      throw new ConflictError("An erasure of this person is under way. It covers what this step asks for.", {
        code: "frozen",
      });
    if (step.operation === "subscribe" && record !== undefined && isExcludedFrom(record, step.processor))
      throw new ConflictError(
        "The person is kept out of this processor: nothing is told there of an opt-in.",
        {
          code: "excluded",
        },
      );
    return reviveSteps(context, [step], request, allSteps, now);
  });
}

/** Puts parked steps back to where they began. */
export function reviveSteps(
  context: HeedContext,
  parked: readonly Row<"steps">[],
  request: Row<"requests"> | undefined,
  allSteps: readonly Row<"steps">[],
  now: string,
): Settled {
  const revived = parked.map((step): Row<"steps"> => {
    const canResolve =
      context.processors[step.processor]?.operations[step.operation as "erase"]?.resolve !== undefined;
    return {
      ...step,
      state: "waiting",
      phase: canResolve ? "resolve" : "run",
      endedAt: null,
      because: null,
      tries: 0,
      crashes: 0,
      doubts: 0,
      rounds: 0,
      // Whom a look is about lies nowhere else.
      sealed: step.operation === "observe" ? step.sealed : null,
      outcome: null,
      finding: null,
    };
  });
  const released = new Set(stepsToRelease(byId([...allSteps, ...revived])));
  const steps = revived.map((step) => (released.has(step.id) ? { ...step, state: "due", dueAt: now } : step));
  return {
    writes: [
      ...steps.map((set): Write => ({ update: "steps", where: { id: set.id }, set })),
      ...(request === undefined
        ? []
        : [{ update: "requests", where: { id: request.id }, set: { state: "executing" } } as const]),
    ],
    steps,
    requests: request === undefined ? [] : [{ requestId: request.id, state: "executing" }],
  };
}

/** The last of each id counts. */
export const byId = (steps: readonly Row<"steps">[]): readonly Row<"steps">[] => [
  ...new Map(steps.map((step) => [step.id, step])).values(),
];

interface Parked {
  readonly step: Row<"steps">;
  readonly request: Row<"requests"> | undefined;
  /** Undefined when the person was erased since. */
  readonly record: SubjectRecord | undefined;
  /** The open steps of the subject, and all steps of its open requests. */
  readonly allSteps: readonly Row<"steps">[];
  /** A legal hold stands over it. */
  readonly isHeld: boolean;
  readonly now: string;
}

/** Reads a parked step under its subject's lock, lets `decide` change it, and tells of what moved. */
async function changeParked(
  context: HeedContext,
  id: string,
  decide: (parked: Parked) => Settled,
): Promise<{ state: StepState }> {
  const changed = await untilStill("step", () => changeOnce(context, id, decide));
  tellSettled(context, changed);
  const step = changed.steps.find((each) => each.id === id);
  return { state: (step?.state ?? "waiting") as StepState };
}

/** @returns "moved" when the step became another subject's before that subject was locked */
async function changeOnce(
  context: HeedContext,
  id: string,
  decide: (parked: Parked) => Settled,
): Promise<Settled | "moved"> {
  const { namespace, storage, clock } = context;
  const stepRead = { from: "steps", where: { id, namespace } } as const;
  const found = await storage.transact({
    lock: [],
    clock,
    read: { steps: stepRead },
    decide: ({ steps }): Decision<Row<"steps"> | undefined> => ({ writes: [], answer: steps[0] }),
  });
  if (found === undefined)
    throw new InvalidInputError("There is no such step. Pass the id that `steps.parked` answered.", {
      code: "no-such-step",
      issues: [{ path: "id", message: "unknown" }],
    });
  const { subjectId, requestId } = found;
  return transactOnSubjects(context, {
    select: { subjectId },
    read: {
      parked: stepRead,
      requests: { from: "requests", where: { id: requestId ?? "" } },
      requestSteps: { from: "steps", where: openRequestsOf(subjectId) },
      ...holdReads(namespace, [id]),
    },
    decide: ([record], { parked, requests, requestSteps, ...holds }, now): Decision<Settled | "moved"> => {
      const [step] = parked;
      const [request] = requests;
      if (step?.subjectId !== subjectId) return { writes: [], answer: "moved" };
      if (!isParked(step))
        throw new ConflictError("This step neither failed nor went to a human.", { code: "not-parked" });
      if (request !== undefined && isFinal(request.state))
        throw new ConflictError("The request of this step has ended; it cannot be changed any more.", {
          code: "request-ended",
        });
      const allSteps = byId([...(record?.openSteps ?? []), ...requestSteps]);
      const isHeld = isHeldBy(holdsIn(holds), step);
      const changed = decide({ step, request, record, allSteps, isHeld, now });
      return { writes: changed.writes, answer: changed };
    },
  });
}
