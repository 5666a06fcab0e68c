import type { HeedContext } from "../context.ts";
import type { Identifier } from "../contract/identifier.ts";
import type { Call, InputOf, OperationName } from "../contract/operation.ts";
import type { Operation, ProcessorV1 } from "../contract/processor.ts";
import type { Decision, DueStep, RowsOf, WhereOf, Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { HeedError, isHeedError } from "../errors/heed-error.ts";
import { evidenceDigests } from "../evidence/evidence.ts";
import { open } from "../keys/sealed.ts";
import { topicsIn, topicState } from "../ledger/choice.ts";
import { dataKeyOf, identifiersOf } from "../ledger/subject-record.ts";
import { lockNames } from "../ledger/under-lock.ts";
import type { Policy } from "../policy/policy.ts";
import { isDestructive, isHeldBack, type StepPhase } from "../requests/lifecycle.ts";
import { holdReads, holdsIn, isHeldBy } from "../holds/hold.ts";
import { comesBackAt, mostCrashes } from "./crashes.ts";
import { nothingFound, type Found } from "./found.ts";
import { heldBack, settleWrites, type Settled, type Settlement } from "./settle.ts";

/** A step in a worker's hands until its lease ends. */
export interface Claim {
  /** The row as leased; `attempt` fences the settle. */
  readonly step: Row<"steps">;
  readonly phase: StepPhase;
  readonly call: Call;
  readonly found: Found;
  /** The key that seals what the step finds. */
  readonly key: Uint8Array;
  /** Evidence digests of the subject. */
  readonly subjectDigests: readonly string[];
  /** True when a run was begun whose answer is not known. */
  readonly ranBefore: boolean;
  /** True when a guard is asked before the run. */
  readonly isGuarded: boolean;
  /** When the lease ends on the clock that nobody sets; infinite where there is none. */
  readonly leaseElapsesMs: number;
}

/** A step as it is before it is leased: what there is to call for. */
type Prepared = Omit<Claim, "step" | "leaseElapsesMs">;

/** Any operation, as the engine sees it. */
export type AnyOperation = Operation<OperationName, string, string>;

export function operationOf(processor: ProcessorV1 | undefined, name: string): AnyOperation | undefined {
  return processor?.operations[name as OperationName] as AnyOperation | undefined;
}

/** Reads that a settle of these steps needs. A merge in between has not taken them from whoever holds them. */
export function settleReads(ids: readonly string[]) {
  return readsOfSteps(ids, { via: "steps", column: "subjectId", where: { id: ids } } as const);
}

function readsOfSteps<const S extends WhereOf<"steps">["subjectId"]>(ids: readonly string[], subjectId: S) {
  const requestIds = { via: "steps", column: "requestId", where: { id: ids } } as const;
  const openRequestIds = {
    via: "requests",
    column: "id",
    where: { subjectId, closedAt: { isNull: true } },
  } as const;
  return {
    requests: { from: "requests", where: { id: requestIds } },
    // These among them, unless they have ended.
    openSteps: { from: "steps", where: { subjectId, endedAt: { isNull: true } } },
    // Of every open request of these subjects: heed's own data waits for all of them.
    requestSteps: { from: "steps", where: { requestId: openRequestIds } },
  } as const;
}

/**
 * Reads of a claim: the steps, who they are about, and what opens it. A step that a merge has given to somebody
 * else is not among them: the lock is not theirs.
 */
function claimReads(ids: readonly string[], subjectId: readonly string[]) {
  const requestIds = { via: "steps", column: "requestId", where: { id: ids } } as const;
  return {
    ...readsOfSteps(ids, subjectId),
    identifiers: { from: "identifiers", where: { subjectId } },
    events: { from: "events", where: { subjectId }, orderBy: ["recordedAt", "id"] },
    subjectKeys: { from: "dataKeys", where: { owner: subjectId } },
    requestKeys: { from: "dataKeys", where: { owner: requestIds } },
  } as const;
}

/** What those rows say of each subject and request, by its id: a claim is about dozens of people. */
interface Known {
  readonly identifiers: ReadonlyMap<string, readonly Row<"identifiers">[]>;
  readonly events: ReadonlyMap<string, readonly Row<"events">[]>;
  readonly subjectKeys: ReadonlyMap<string, readonly Row<"dataKeys">[]>;
  readonly requestKeys: ReadonlyMap<string, readonly Row<"dataKeys">[]>;
  readonly requests: ReadonlyMap<string, Row<"requests">>;
}

function knownFrom(rows: RowsOf<ReturnType<typeof claimReads>>): Known {
  return {
    identifiers: Map.groupBy(rows.identifiers, ({ subjectId }) => subjectId),
    events: Map.groupBy(rows.events, ({ subjectId }) => subjectId),
    subjectKeys: Map.groupBy(rows.subjectKeys, ({ owner }) => owner),
    requestKeys: Map.groupBy(rows.requestKeys, ({ owner }) => owner),
    requests: new Map(rows.requests.map((row) => [row.id, row])),
  };
}

/** What to lease. */
export interface ClaimAsk {
  readonly steps: readonly DueStep[];
  readonly leaseMs: number;
  /** Topics whose list the processor's vendor does not know. */
  readonly unknownTopics?: readonly string[];
  /** False when no run will follow, so that none is noted as begun. */
  readonly willRun: boolean;
  /** The vendor account, whose breaker may stand in the way. */
  readonly account?: string;
  /** This batch is the probe that an open breaker lets through. */
  readonly isProbe?: boolean;
}

/** What a claim came to. */
export interface Claimed {
  readonly claims: readonly Claim[];
  /** RFC 3339: nothing was leased, for the account's breaker is open until then, or since then waits for a probe. */
  readonly blockedUntil: string | undefined;
  /** Whether a batch at this account has failed since it last answered. */
  readonly hasFailed: boolean;
}

/**
 * Leases steps. Each is looked at again under the lock: one that another worker took is left out, a
 * preference that a newer choice overtook ends as superseded, and one whose subject the processor cannot
 * search for ends at a human. A step whose worker was lost counts that, and ends as failed when it happened too
 * often. One that a legal hold covers is put off, and one that it covered gets back its place. Behind an open
 * breaker nothing is leased but what is overdue is ended.
 */
export async function claim(context: HeedContext, ask: ClaimAsk): Promise<Claimed> {
  const ids = ask.steps.map((step) => step.id);
  const subjectIds = [...new Set(ask.steps.map((step) => step.subjectId))];
  const elapsedMs = context.clock.elapsedMs?.() ?? Number.POSITIVE_INFINITY;
  const { settled, parked, ...claimed } = await context.storage.transact({
    lock: lockNames({ subjects: subjectIds, steps: ids }),
    clock: context.clock,
    read: {
      ...claimReads(ids, subjectIds),
      ...holdReads(context.namespace, ids),
      breakers: { from: "breakers", where: { account: ask.account ?? "" } },
    },
    decide: (rows, now): Decision<Claimed & { settled: Settled; parked: readonly Row<"steps">[] }> => {
      const claims: Claim[] = [];
      const writes: Write[] = [];
      const settlements: Settlement[] = [];
      const parked: Row<"steps">[] = [];
      const known = knownFrom(rows);
      const holds = holdsIn(rows);
      const asked = new Set(ids);
      const [breaker] = rows.breakers;
      const blockedUntil = ask.isProbe ? undefined : (breaker?.openUntil ?? undefined);
      for (const found of rows.openSteps) {
        if (!asked.has(found.id) || !isClaimable(found, now)) continue;
        const row = found.state === "running" ? { ...found, alone: 1, crashes: found.crashes + 1 } : found;
        const { alone, crashes } = row;
        if (crashes >= mostCrashes && row.cancel === 0) {
          parked.push(row);
          settlements.push({ step: row, verdict: { to: "end", state: "failed", because: "crashed-worker" } });
          continue;
        }
        const backAt = found.state === "running" ? comesBackAt(row, now, ask.leaseMs) : now;
        if (backAt > now) {
          const set = { state: "due", dueAt: backAt, leaseUntil: null, alone, crashes };
          writes.push({ update: "steps", where: { id: row.id }, set });
          continue;
        }
        const prepared = prepareOrEnd(context, row, known, now, ask.unknownTopics ?? []);
        if (prepared === "unknown-key") {
          // Left to a process that has the key; without a pause this one would find it due for ever.
          const dueAt = new Date(Date.parse(now) + unknownKeyWaitMs).toISOString();
          writes.push({
            update: "steps",
            where: { id: row.id },
            set: { state: "due", dueAt, leaseUntil: null, alone, crashes },
          });
          continue;
        }
        if ("verdict" in prepared) {
          settlements.push(prepared);
          continue;
        }
        if (prepared.phase === "run" && isHeldBy(holds, row)) {
          const { key, subjectDigests } = prepared;
          settlements.push({ step: row, key, subjectDigests, verdict: { ...heldBack, alone: alone === 1 } });
          continue;
        }
        if (isHeldBack(row)) {
          // Others went ahead of it meanwhile, and may be in hand.
          settlements.push({ step: row, verdict: { to: "run" } });
          continue;
        }
        if (blockedUntil !== undefined) {
          if (now >= row.deadlineAt) settlements.push(overdue(row, prepared));
          // Written as it is: delivery may tell another worker of it again.
          else {
            const set = { state: "due", dueAt: found.state === "due" ? row.dueAt : now, leaseUntil: null };
            writes.push({ update: "steps", where: { id: row.id }, set: { ...set, alone, crashes } });
          }
          continue;
        }
        const step: Row<"steps"> = {
          ...row,
          state: "running",
          attempt: row.attempt + 1,
          leaseUntil: new Date(Date.parse(now) + ask.leaseMs).toISOString(),
        };
        // Stored before the run, so that a crash in it is known. What destroys is looked at again: see `begin`.
        const runsNow = ask.willRun && prepared.phase === "run" && !isDestructive(row.operation);
        const attempted = runsNow ? 1 : row.attempted;
        const { state, attempt, leaseUntil } = step;
        writes.push({
          update: "steps",
          where: { id: row.id },
          set: { state, attempt, leaseUntil, attempted, alone, crashes },
        });
        claims.push({ ...prepared, step, leaseElapsesMs: elapsedMs + ask.leaseMs });
      }
      const settled = settleWrites(context, rows, settlements, now);
      const hasFailed = breaker !== undefined;
      return {
        writes: [...writes, ...settled.writes],
        answer: { claims, settled, parked, blockedUntil, hasFailed },
      };
    },
  });
  tellSettled(context, settled);
  for (const { processor, operation } of parked) {
    const error = new HeedError(
      `A step lost its worker ${mostCrashes} times in a row and was parked. Find out what it does to the process, then retry its request.`,
      { code: "crashed-worker" },
    );
    context.hub.emit("work.failed", { error, processor, operation });
  }
  return claimed;
}

/** Not done, and its time is over: as after a try that failed. */
function overdue(step: Row<"steps">, { key, subjectDigests }: Prepared): Settlement {
  const verdict = { to: "again", dueInMs: 0, because: "unavailable", counts: false } as const;
  return { step, key, subjectDigests, verdict };
}

/** What may destroy now. */
export interface Begun {
  /** Ids of the steps that may run. */
  readonly begun: ReadonlySet<string>;
  /** Ids of those that a legal hold stops. */
  readonly held: ReadonlySet<string>;
}

/**
 * Immediately before something is destroyed, after its guard: notes that the run begins, under a whole lease, if
 * it still holds, nothing has cancelled the step and no legal hold covers it. In neither set: the lease is lost.
 */
export async function begin(context: HeedContext, claims: readonly Claim[], leaseMs: number): Promise<Begun> {
  const ids = claims.map(({ step }) => step.id);
  return context.storage.transact({
    lock: lockNames({ subjects: claims.map(({ step }) => step.subjectId), steps: ids }),
    clock: context.clock,
    read: { steps: { from: "steps", where: { id: ids } }, ...holdReads(context.namespace, ids) },
    decide: (rows, now): Decision<Begun> => {
      const leaseUntil = new Date(Date.parse(now) + leaseMs).toISOString();
      const ours = rows.steps.filter((row) =>
        claims.some(({ step }) => row.id === step.id && isHeld(row, step) && row.cancel === 0),
      );
      const held = new Set(ours.filter((row) => isHeldBy(holdsIn(rows), row)).map(({ id }) => id));
      const begun = ours.map(({ id }) => id).filter((id) => !held.has(id));
      return {
        writes:
          begun.length === 0
            ? []
            : [{ update: "steps", where: { id: begun }, set: { attempted: 1, leaseUntil } }],
        answer: { begun: new Set(begun), held },
      };
    },
  });
}

/** The fence: the step is still leased under the attempt that the claim was given. */
export function isHeld(row: Row<"steps">, claimed: Row<"steps">): boolean {
  return row.state === "running" && row.attempt === claimed.attempt;
}

/** Tells of what a settle moved, after its commit. */
export function tellSettled({ hub }: HeedContext, { steps, requests }: Omit<Settled, "writes">): void {
  for (const step of steps) {
    hub.emit("step.settled", {
      stepId: step.id,
      requestId: step.requestId ?? undefined,
      processor: step.processor,
      operation: step.operation,
      state: step.state,
      phase: step.phase,
      because: step.because ?? undefined,
      ended: step.endedAt !== null,
    });
  }
  for (const request of requests) hub.emit("request.changed", request);
}

function isClaimable(row: Row<"steps">, now: string): boolean {
  if (row.state === "due") return row.dueAt !== null && row.dueAt <= now;
  return row.state === "running" && row.leaseUntil !== null && row.leaseUntil <= now;
}

const unknownKeyWaitMs = 60_000;

/** A row that cannot be opened ends alone: it must not take its batch with it. */
function prepareOrEnd(
  context: HeedContext,
  step: Row<"steps">,
  known: Known,
  now: string,
  unknownTopics: readonly string[],
): Prepared | Settlement | "unknown-key" {
  try {
    return prepare(context, step, known, now, unknownTopics);
  } catch (error) {
    if (isHeedError(error) && error.code === "unknown-key") return "unknown-key";
    return { step, verdict: { to: "end", state: "failed", because: "unreadable" } };
  }
}

/** The call for a step, or its end where there is nothing to call for. */
function prepare(
  context: HeedContext,
  step: Row<"steps">,
  known: Known,
  now: string,
  unknownTopics: readonly string[],
): Prepared | Settlement {
  const processor = context.processors[step.processor];
  const operation = operationOf(processor, step.operation);
  const toHuman = (key: Uint8Array, because: string, instruction: string): Settlement => ({
    step,
    key,
    verdict: { to: "end", state: "manual", because, instruction },
  });
  if (step.cancel === 1)
    return { step, verdict: { to: "end", state: "cancelled", because: "erasure-requested" } };
  const input =
    step.eventId === null
      ? (JSON.parse(step.input) as InputOf[OperationName])
      : wishedInput(context.policy, step, known.events.get(step.subjectId) ?? [], now);
  if (input === undefined)
    return { step, verdict: { to: "end", state: "superseded", because: "newer-choice" } };
  if (step.processor === "heed") return prepareOwn(step, known, input);

  const subjectKey = dataKeyOf(context, known.subjectKeys.get(step.subjectId), step.subjectId);
  const { requestId } = step;
  const key =
    requestId === null ? subjectKey : dataKeyOf(context, known.requestKeys.get(requestId), requestId);
  if (processor === undefined || operation === undefined) {
    return toHuman(
      key,
      "no-such-operation",
      `Do this by hand, or configure a processor for "${step.processor}" that can ${step.operation}.`,
    );
  }
  const topics = "topics" in input ? (input as InputOf["unsubscribe"]).topics : [];
  const unknown = unknownTopics.filter((topic) => topics !== "all" && topics.includes(topic));
  if (unknown.length > 0) {
    return toHuman(
      key,
      "unknown-topic",
      `"${step.processor}" does not know the list that is bound to ${unknown.map((topic) => `"${topic}"`).join(", ")}. Bind the right one and retry the step, or ${step.operation} this person there by hand.`,
    );
  }
  const request = known.requests.get(requestId ?? "");
  const own = known.identifiers.get(step.subjectId) ?? [];
  // Erasing goes by what was shown to be this person's; silencing by everything that may be.
  const named = new Set(request === undefined ? [] : (JSON.parse(request.named) as string[]));
  const trusted = isDestructive(step.operation)
    ? own.filter((row) => row.verified === 1 || named.has(row.digest))
    : own;
  const identifiers = identifiersOf(subjectKey, trusted).filter((each) =>
    processor.identifiers[each.kind]?.test(each.value),
  );
  const [first, ...others] = identifiers;
  if (first === undefined) {
    const kinds = Object.keys(processor.identifiers).join(", ");
    return toHuman(
      key,
      "no-identifier",
      `Look this person up by hand at "${step.processor}": no identifier is known that it can search by (${kinds}).`,
    );
  }
  const found =
    step.sealed === null ? nothingFound : (JSON.parse(open(key, step.sealed, `steps/${step.id}`)) as Found);
  return {
    // The answer of an earlier run was lost, and repeating it is not safe: look first.
    phase:
      step.phase === "run" && step.attempted === 1 && operation.repeat === "verify-first"
        ? "verify"
        : (step.phase as StepPhase),
    call: callFor(step, input, [first, ...others], found),
    found,
    key,
    subjectDigests: evidenceDigests(context, identifiersOf(subjectKey, own)),
    ranBefore: step.attempted === 1,
    isGuarded: operation.guard !== undefined && isDestructive(step.operation),
  };
}

/** heed's own data: found by the ids of its rows, so that the key may be gone already. */
function prepareOwn(step: Row<"steps">, known: Known, input: InputOf[OperationName]): Prepared {
  const request = known.requests.get(step.requestId ?? "");
  const identifiers: [Identifier, Identifier] = [
    { kind: "heedSubject", value: step.subjectId },
    { kind: "heedRequest", value: step.requestId ?? "" },
  ];
  return {
    phase: step.phase as StepPhase,
    call: callFor(step, input, identifiers, nothingFound),
    found: nothingFound,
    key: new Uint8Array(32),
    subjectDigests: JSON.parse(request?.subjectDigests ?? "[]") as string[],
    ranBefore: step.attempted === 1,
    isGuarded: false,
  };
}

function callFor(
  step: Row<"steps">,
  input: InputOf[OperationName],
  identifiers: Call["identifiers"],
  found: Found,
): Call {
  return {
    id: step.id,
    operation: step.operation as OperationName,
    input,
    identifiers,
    targets: found.targets.map(({ kind, id, within }) => ({
      kind,
      id,
      ...(within === undefined ? {} : { within }),
    })),
    ...(found.reference === undefined ? {} : { reference: found.reference }),
  };
}

/**
 * The wished state of a preference step, derived from the ledger as it is now: the topics of the step for
 * which its direction still holds. Undefined when a newer choice has overtaken all of it.
 *
 * @param now RFC 3339; a consent whose validity has ended by then is none
 */
export function wishedInput(
  policy: Policy,
  step: Pick<Row<"steps">, "operation" | "input" | "processor" | "subjectId">,
  events: readonly Row<"events">[],
  now: string,
): InputOf["subscribe"] | InputOf["unsubscribe"] | undefined {
  const input = JSON.parse(step.input) as InputOf["subscribe"] | InputOf["unsubscribe"];
  const own = events.filter((event) => event.subjectId === step.subjectId);
  const isGiven = (topic: string) => topicState(policy, topic, own, now).state === "given";
  if (step.operation === "subscribe") {
    const topics = (input.topics as readonly string[]).filter(isGiven);
    return topics.length === 0 ? undefined : { ...(input as InputOf["subscribe"]), topics };
  }
  const through = Object.keys(policy.topics).filter((topic) =>
    policy.topics[topic]?.via?.includes(step.processor),
  );
  const marketing = topicsIn(policy, { scope: "all", name: null });
  const asked = input.topics === "all" ? through.filter((topic) => marketing.includes(topic)) : input.topics;
  const topics = asked.filter((topic) => !isGiven(topic));
  if (topics.length === 0) return undefined;
  return { ...input, topics: input.topics === "all" && topics.length === through.length ? "all" : topics };
}
