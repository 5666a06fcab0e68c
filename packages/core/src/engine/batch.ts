import type { HeedContext } from "../context.ts";
import type { Answers, Call, Finding, Resolution } from "../contract/operation.ts";
import type { CallContext, ProcessorV1 } from "../contract/processor.ts";
import type { Decision } from "../contract/storage.ts";
import { UnavailableError } from "../errors/unavailable-error.ts";
import { lockNames } from "../ledger/under-lock.ts";
import { readClearance, readFinding, readOutcome, readResolution } from "./answers.ts";
import { begin, isHeld, stepReads, tellSettled, type AnyOperation, type Claim } from "./claim.ts";
import { Lease } from "./lease.ts";
import { withTimeLimit } from "./time-limit.ts";
import { settleWrites, type Settled, type Settlement, type Verdict } from "./settle.ts";
import { troubleOf, type Trouble } from "./trouble.ts";
import { bucketsOf, lend, noTurns, type Turns } from "./turns.ts";
import { afterResolve, afterRun, afterTrouble, afterVerify } from "./verdicts.ts";

/** How a batch is carried out. */
export interface BatchSettings {
  /**
   * How soon another worker takes over what a dead one had in hand, in milliseconds. A worker prolongs its
   * leases for as long as it waits for an answer.
   */
  readonly leaseMs: number;
  /** Longest wait for one question to a processor, in milliseconds; waiting for turns does not count. */
  readonly callTimeoutMs: number;
}

interface Asking {
  readonly context: HeedContext;
  readonly processor: ProcessorV1;
  readonly operation: AnyOperation;
  readonly settings: BatchSettings;
}

/**
 * Asks the processor what the phase of these claims needs, and settles every one of them.
 * @returns false when the account was refused as a whole
 */
export async function carryOut(asking: Asking, claims: readonly Claim[]): Promise<boolean> {
  const verdicts = new Map<string, Verdict>();
  const phase = claims[0]?.phase;
  if (phase === "resolve") await resolvePhase(asking, claims, verdicts);
  else if (phase === "run") await runPhase(asking, claims, verdicts);
  else await verifyPhase(asking, claims, verdicts);
  await settleClaims(asking.context, claims, ({ call }) => verdicts.get(call.id));
  return ![...verdicts.values()].some(
    (verdict) => verdict.to === "again" && verdict.because === "account-refused",
  );
}

async function resolvePhase(
  asking: Asking,
  claims: readonly Claim[],
  verdicts: Map<string, Verdict>,
): Promise<void> {
  const { context, operation } = asking;
  const { resolve } = operation;
  if (resolve === undefined) {
    for (const { call, found } of claims) verdicts.set(call.id, { to: "run", found, silence: [] });
    return;
  }
  const { answers } = await ask(asking, claims, verdicts, (calls, lent) => resolve(calls, lent));
  for (const claim of unanswered(claims, verdicts)) {
    verdicts.set(
      claim.call.id,
      afterResolve(context, claim, operation, readResolution(answers?.get(claim.call.id))),
    );
  }
}

async function runPhase(
  asking: Asking,
  claims: readonly Claim[],
  verdicts: Map<string, Verdict>,
): Promise<void> {
  const { context, operation } = asking;
  let allowed = claims;
  if (claims.some((claim) => claim.isGuarded)) {
    const { guard } = operation;
    const { answers } = await ask(asking, claims, verdicts, (calls, lent) =>
      guard === undefined ? Promise.resolve(new Map()) : guard(calls, lent),
    );
    for (const claim of unanswered(claims, verdicts)) {
      const clearance = readClearance(answers?.get(claim.call.id));
      if (clearance !== undefined && "clear" in clearance) continue;
      // Fails closed: no answer is a no.
      const { blockedBy, checkAfterMs } = clearance ?? {
        blockedBy: "guard-unanswered",
        checkAfterMs: 60_000,
      };
      verdicts.set(claim.call.id, {
        to: "again",
        phase: "run",
        dueInMs: checkAfterMs,
        because: blockedBy,
        counts: false,
      });
    }
    const cleared = unanswered(claims, verdicts);
    const held =
      cleared.length === 0 ? new Set<string>() : await begin(context, cleared, asking.settings.leaseMs);
    for (const { call } of cleared) {
      if (!held.has(call.id))
        verdicts.set(call.id, {
          to: "again",
          phase: "run",
          dueInMs: 0,
          because: "lease-lost",
          counts: false,
        });
    }
    allowed = cleared.filter(({ call }) => held.has(call.id));
  }
  if (allowed.length === 0) return;
  const { answers, turns } = await ask(asking, allowed, verdicts, (calls, lent) =>
    operation.run(calls, lent),
  );
  for (const claim of unanswered(allowed, verdicts)) {
    const outcome = readOutcome(answers?.get(claim.call.id));
    if (outcome?.status !== "failed") {
      verdicts.set(claim.call.id, afterRun(claim, operation, outcome));
      continue;
    }
    const trouble = troubleOf(outcome.error);
    await slowDown(asking, trouble, turns);
    verdicts.set(claim.call.id, afterTrouble(claim, operation, trouble, 1, turns.granted <= 1));
  }
}

async function verifyPhase(
  asking: Asking,
  claims: readonly Claim[],
  verdicts: Map<string, Verdict>,
): Promise<void> {
  const { operation } = asking;
  const { resolve, verify } = operation;
  if (typeof verify !== "function") {
    for (const { call } of claims) verdicts.set(call.id, { to: "end", state: "acknowledged" });
    return;
  }
  let seen: Answers<Resolution> | undefined;
  if (resolve !== undefined) {
    ({ answers: seen } = await ask(asking, claims, verdicts, (calls, lent) => resolve(calls, lent)));
  }
  const rest = unanswered(claims, verdicts);
  if (rest.length === 0) return;
  const { answers: findings } = await ask<Finding>(asking, rest, verdicts, (calls, lent) =>
    verify(calls, lent),
  );
  for (const claim of unanswered(rest, verdicts)) {
    const resolution = resolve === undefined ? undefined : readResolution(seen?.get(claim.call.id));
    // A second look that was not answered proves nothing.
    const finding =
      resolve !== undefined && resolution === undefined
        ? undefined
        : readFinding(findings?.get(claim.call.id));
    const now = asking.context.clock.now().toISOString();
    verdicts.set(claim.call.id, afterVerify(asking.context, claim, operation, finding, resolution, now));
  }
}

function unanswered(claims: readonly Claim[], verdicts: ReadonlyMap<string, Verdict>): readonly Claim[] {
  return claims.filter(({ call }) => !verdicts.has(call.id));
}

interface Asked<T> {
  readonly answers: Answers<T> | undefined;
  readonly turns: Turns;
}

/** One question for all claims that have no verdict yet; a throw gives each of them one. */
async function ask<T>(
  asking: Asking,
  claims: readonly Claim[],
  verdicts: Map<string, Verdict>,
  question: (calls: readonly Call[], lent: CallContext) => Promise<Answers<T>>,
): Promise<Asked<T>> {
  const asked = unanswered(claims, verdicts);
  const turns = noTurns();
  const [first] = asked;
  if (first === undefined) return { answers: undefined, turns };
  const { context, processor, operation, settings } = asking;
  const { leaseMs, callTimeoutMs } = settings;
  const calls = asked.map(({ call }) => call);
  const lease = new Lease(context, asked, leaseMs);
  const lane = Math.min(...asked.map(({ step }) => step.lane));
  const lender = { context, processor, question: first.call.operation, leaseMs, lane };
  let hasBegun = false;
  try {
    await lease.cover();
    hasBegun = true;
    const answers = await withTimeLimit(
      context.clock,
      callTimeoutMs,
      () => noAnswer(processor, calls, settings),
      (limit) => whileKept(lease, () => question(calls, lend(lender, turns, limit, lease))),
    );
    if (typeof answers?.get !== "function")
      throw new TypeError(`"${processor.name}" must answer with a Map by call id (${first.call.operation}).`);
    return { answers, turns };
  } catch (error) {
    const trouble = troubleOf(error);
    if (trouble.kind === "unavailable" && trouble.because === "adapter-failed")
      context.hub.emit("work.failed", { error, processor: processor.name, operation: first.call.operation });
    await slowDown(asking, trouble, turns);
    const isDefinite = wasRefused(trouble, hasBegun, turns, asked.length);
    for (const claim of asked)
      verdicts.set(claim.call.id, afterTrouble(claim, operation, trouble, asked.length, isDefinite));
    return { answers: undefined, turns };
  }
}

/** Prolongs the lease while `work` goes on; losing it ends the wait. */
async function whileKept<T>(lease: Lease, work: () => Promise<T>): Promise<T> {
  const over = new AbortController();
  const kept = lease.keep(over.signal);
  kept.catch(() => {}); // Its end by the signal is nobody's business.
  try {
    return await Promise.race([work(), kept]);
  } finally {
    over.abort();
  }
}

/** Whether the vendor certainly did nothing: it was never called, or its one answer was a refusal. */
function wasRefused(trouble: Trouble, hasBegun: boolean, turns: Turns, batch: number): boolean {
  if (trouble.kind === "lease-lost") return !hasBegun;
  if (turns.nextInMs !== undefined) return turns.granted === 0;
  // Without turns nobody knows how many calls a larger batch has made.
  return batch === 1 ? turns.granted <= 1 : turns.granted === 1;
}

function noAnswer(
  processor: ProcessorV1,
  calls: readonly Call[],
  { callTimeoutMs }: BatchSettings,
): UnavailableError {
  const operation = calls[0]?.operation ?? "check";
  return new UnavailableError(`"${processor.name}" gave no answer within ${callTimeoutMs} ms.`, {
    processor: processor.name,
    operation,
  });
}

async function slowDown({ context, processor }: Asking, trouble: Trouble, turns: Turns): Promise<void> {
  // A turn that was too far away was no vendor's word.
  if (trouble.kind !== "rate-limited" || turns.nextInMs !== undefined) return;
  const names = trouble.bucket === undefined ? [...turns.buckets] : [trouble.bucket];
  const buckets = bucketsOf(
    processor,
    names.filter((name) => name in processor.limits),
  );
  if (buckets.length > 0) await context.turns.pushBack(buckets, trouble.retryAfterMs);
}

/** One transaction for the whole batch. A step that is no longer held is left alone: its late answer is void. */
export async function settleClaims(
  context: HeedContext,
  claims: readonly Claim[],
  verdictOf: (claim: Claim) => Verdict | undefined,
): Promise<void> {
  const ids = claims.map(({ step }) => step.id);
  const settled = await context.storage.transact({
    lock: lockNames({
      subjects: claims.map(({ step }) => step.subjectId),
      requests: claims.flatMap(({ step }) => step.requestId ?? []),
      steps: ids,
    }),
    clock: context.clock,
    read: stepReads(ids),
    decide: (rows, now): Decision<Settled> => {
      const settlements = claims.flatMap((claim): readonly Settlement[] => {
        const { step, key, subjectDigests } = claim;
        const row = rows.steps.find((each) => each.id === step.id);
        const verdict = verdictOf(claim);
        if (row === undefined || verdict === undefined || !isHeld(row, step)) return [];
        return [{ step: row, verdict, key, subjectDigests }];
      });
      const settled = settleWrites(context, rows, settlements, now);
      return { writes: settled.writes, answer: settled };
    },
  });
  tellSettled(context, settled);
}
