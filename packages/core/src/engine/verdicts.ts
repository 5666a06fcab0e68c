import type { HeedContext } from "../context.ts";
import type {
  Finding,
  FoundTarget,
  Obstacle,
  OperationName,
  Outcome,
  Resolution,
  Retained,
} from "../contract/operation.ts";
import { parseIdentifier } from "../contract/parse-identifier.ts";
import { suppressionDigests } from "../ledger/name-subject.ts";
import { isDestructive } from "../requests/lifecycle.ts";
import type { Claim } from "./claim.ts";
import { newTargets, type Found } from "./found.ts";
import type { AnyOperation } from "./operation-of.ts";
import type { KeptOutcome, Verdict } from "./verdict.ts";
import { isSeenDone, lookAgain } from "./seen-done.ts";
import type { CallTrace } from "./tracing.ts";
import { accountRefusedWaitMs, backoffMs, type Trouble } from "./trouble.ts";

/** How often a read-back may contradict a processor or find more, or know nothing, before a human is asked. */
const mostContradictions = 5;
const mostUnknowns = 8;

/** After `resolve`: on to the run, or to a human where the match is in doubt and nothing could be taken back. */
export function afterResolve(
  context: HeedContext,
  { call, step, found }: Claim,
  operation: AnyOperation,
  resolution: Resolution | undefined,
): Verdict {
  if (resolution === undefined) return noAnswer(step.tries);
  if (isDestructive(call.operation)) {
    const doubt = doubtAbout(context, step.processor, operation, resolution.targets);
    if (doubt !== undefined)
      return { to: "end", state: "manual", because: doubt.because, instruction: doubt.instruction };
  }
  const silence = silencedBy(context, call.operation, resolution);
  return { to: "run", found: { ...found, targets: resolution.targets }, silence };
}

/** Further addresses of a person who is erased, or taken out: suppressed, never erased by. */
function silencedBy(
  context: HeedContext,
  operation: OperationName,
  { alsoKnownAs = [] }: Resolution,
): readonly string[] {
  if (operation !== "erase" && operation !== "exclude") return [];
  return suppressionDigests(
    context,
    alsoKnownAs.filter((identifier) => isReadable(identifier)),
  );
}

function isReadable(identifier: { kind: string; value: string }): boolean {
  try {
    parseIdentifier(identifier.kind, identifier.value);
    return true;
  } catch {
    return false;
  }
}

/** Why a match is not good enough for something irreversible. @param known what was found, and not doubted, before */
function doubtAbout(
  context: HeedContext,
  processor: string,
  operation: AnyOperation,
  targets: readonly FoundTarget[],
  known: readonly FoundTarget[] = [],
): { because: string; instruction: string } | undefined {
  const trusts = context.policy.recipients[processor]?.trusts;
  const decide = `Decide by hand at "${processor}" which of the records are this person's, erase those there, and acknowledge the step.`;
  if (
    targets.some((target) => !target.verified || (trusts !== undefined && !trusts.includes(target.via.kind)))
  ) {
    return {
      because: "unverified-match",
      instruction: `A record was matched in a way that does not prove whose it is. ${decide}`,
    };
  }
  if (operation.matches === "several") return undefined;
  const seen = new Set<string>();
  const ids = new Set([...known, ...targets].map(({ id }) => id));
  for (const { kind, via, within } of targets) {
    // Found through another record of the person: it is that one that was matched.
    if (within !== undefined && ids.has(within)) continue;
    const key = JSON.stringify([kind, via.kind, via.value]);
    if (seen.has(key))
      return { because: "several-matches", instruction: `One identifier matched several records. ${decide}` };
    seen.add(key);
  }
  return undefined;
}

/** After a guard that said no. */
export function afterGuard(
  claim: Claim,
  obstacle: { blockedBy: string; checkAfterMs: number } & Obstacle,
): Verdict {
  const { blockedBy: because, checkAfterMs: dueInMs } = obstacle;
  if (isSeenDone(claim)) return lookAgain(because);
  return { to: "again", phase: "run", dueInMs, because, counts: false, ...untilOf(obstacle) };
}

/** After `run`. */
export function afterRun(claim: Claim, operation: AnyOperation, outcome: Outcome | undefined): Verdict {
  const { step } = claim;
  // An answer left out: nothing is known about this call, so look first.
  if (outcome === undefined) return unknownRun(claim, operation, "no-answer", backoffMs(step.tries));
  switch (outcome.status) {
    case "done":
    case "absent": {
      const kept = keptOutcome(claim, operation, outcome);
      if (typeof operation.verify === "function") {
        const dueInMs = outcome.status === "done" ? (operation.verifyAfterMs ?? 0) : 0;
        return { to: "verify", dueInMs, outcome: kept };
      }
      return { to: "end", state: kept.retained?.length ? "retained" : "acknowledged", outcome: kept };
    }
    case "pending": {
      const next = {
        dueInMs: outcome.checkAfterMs,
        because: "pending",
        found: { ...claim.found, reference: outcome.reference },
        ...keptSoFar(step, outcome),
      };
      if (typeof operation.verify === "function") return { to: "verify", ...next };
      // It will be known to be done by being told so alone.
      if (operation.repeat === "safe")
        return { to: "again", phase: "run", counts: false, answered: true, ...next };
      return unknownByNature(step.processor);
    }
    case "blocked":
      if (isSeenDone(claim)) return lookAgain(outcome.by);
      return {
        to: "again",
        phase: "run",
        dueInMs: outcome.checkAfterMs,
        because: outcome.by,
        counts: false,
        answered: true,
        ...untilOf(outcome),
        ...keptSoFar(step, outcome),
      };
    case "manual":
      return { to: "end", state: "manual", because: "by-hand", instruction: outcome.instruction };
    case "failed":
      throw new TypeError("A failed outcome is trouble: see afterTrouble.");
    default: {
      const never: never = outcome;
      return never;
    }
  }
}

/**
 * "Nothing there" after a run whose answer was lost means that it worked, and takes back nothing of what an
 * earlier run did.
 */
function keptOutcome(
  claim: Claim,
  operation: AnyOperation,
  outcome: Extract<Outcome, { status: "done" | "absent" }>,
): KeptOutcome {
  const { ranBefore, step } = claim;
  const earlier = earlierOutcome(step);
  if (outcome.status === "absent") {
    if (earlier !== undefined && earlier.status !== "absent") return { ...earlier, status: "done" };
    return { status: ranBefore && wasThere(claim, operation) ? "done" : "absent" };
  }
  const { affected, ...rest } = together(earlier, outcome);
  // What a lost answer counted, nobody knows: 0 would say that there had been nothing to do.
  const isKnown = affected !== undefined && !(affected === 0 && ranBefore);
  return { status: "done", ...(isKnown ? { affected } : {}), ...rest };
}

/** Where resolving had found nothing, an interrupted run had nothing to do either. */
const wasThere = ({ found }: Claim, { resolve }: AnyOperation): boolean =>
  resolve === undefined || found.targets.length > 0;

/** What a run that has not ended carried out already: a card that is gone stays counted, whatever comes of the rest. */
function keptSoFar(
  step: Claim["step"],
  { affected = 0, retained = [] }: Pick<KeptOutcome, "affected" | "retained">,
): { readonly outcome?: KeptOutcome } {
  if (affected === 0 && retained.length === 0) return {};
  const earlier = earlierOutcome(step);
  const status = earlier?.status === "done" ? "done" : "partly";
  return { outcome: { status, ...together(earlier, { affected, retained }) } };
}

/** When what stands in the way ends, where that is known. */
const untilOf = ({ until }: Obstacle): Obstacle => (until === undefined ? {} : { until });

const earlierOutcome = (step: Claim["step"]): KeptOutcome | undefined =>
  step.outcome === null ? undefined : (JSON.parse(step.outcome) as KeptOutcome);

/** What two runs did, one after the other. */
function together(
  earlier: KeptOutcome | undefined,
  later: {
    readonly affected?: number | undefined;
    readonly retained?: readonly Retained[] | undefined;
    readonly purgedBy?: string | undefined;
  },
): Omit<KeptOutcome, "status"> {
  const affected =
    earlier?.affected === undefined ? later.affected : earlier.affected + (later.affected ?? 0);
  const retained = later.retained?.length ? later.retained : earlier?.retained;
  const purgedBy = later.purgedBy ?? earlier?.purgedBy;
  return {
    ...(affected === undefined ? {} : { affected }),
    ...(retained?.length ? { retained } : {}),
    ...(purgedBy === undefined ? {} : { purgedBy }),
  };
}

function unknownRun(
  { step }: Claim,
  operation: AnyOperation,
  because: string | null,
  dueInMs: number,
  alone = false,
): Verdict {
  if (typeof operation.verify === "function") return { to: "verify", dueInMs, because, counts: true, alone };
  if (operation.repeat === "safe")
    return { to: "again", phase: "run", dueInMs, because, counts: true, alone };
  return unknownByNature(step.processor);
}

/** Only a human can find out. */
function unknownByNature(processor: string): Verdict {
  const instruction = `It is not known whether this was done at "${processor}", and nothing can be read back. Look there, then acknowledge or retry the step.`;
  return { to: "end", state: "manual", because: "unknown-outcome", instruction };
}

/**
 * After `verify`.
 * @param seen what resolving again found; undefined where the operation does not resolve
 * @param now RFC 3339
 */
export function afterVerify(
  context: HeedContext,
  claim: Claim,
  operation: AnyOperation,
  finding: Finding | undefined,
  seen: Resolution | undefined,
  now: string,
): Verdict {
  const verdict = whatIsSeen(context, claim, operation, finding, seen, now);
  const silence = seen === undefined ? [] : silencedBy(context, claim.call.operation, seen);
  return {
    // What an earlier look saw is no finding any more.
    ...(finding === undefined ? {} : { finding: lookOf(claim, finding, seen) }),
    ...verdict,
    ...(silence.length === 0 ? {} : { silence }),
  };
}

/** What is told of a look. */
function lookOf(
  claim: Claim,
  { seen }: Finding,
  resolution: Resolution | undefined,
): Exclude<Finding["seen"], "not-yet"> {
  if (moreFound(claim, resolution).length > 0) return "not-as-asked";
  return seen === "not-yet" ? "unknown" : seen;
}

/** The records of a person who is to be gone that nobody knew of. */
const moreFound = ({ call, found }: Claim, seen: Resolution | undefined): readonly FoundTarget[] =>
  isDestructive(call.operation) && seen !== undefined ? newTargets(found.targets, seen.targets) : [];

function whatIsSeen(
  context: HeedContext,
  claim: Claim,
  operation: AnyOperation,
  finding: Finding | undefined,
  seen: Resolution | undefined,
  now: string,
): Verdict {
  const { step, found, call } = claim;
  const more = moreFound(claim, seen);
  const runAgain = (
    because: string,
    dueInMs: number,
    more: { doubtful?: boolean; answered?: boolean; finding?: "as-asked"; found?: Found } = {},
  ): Verdict => ({
    to: "again",
    phase: "run",
    dueInMs,
    because,
    counts: false,
    answered: true,
    ...more,
  });
  const doubt = doubtAbout(context, step.processor, operation, more, found.targets);
  if (doubt !== undefined)
    return { to: "end", state: "manual", because: doubt.because, instruction: doubt.instruction };
  if (more.length > 0) {
    if (step.doubts + 1 >= mostContradictions) {
      const instruction = `Each look at "${step.processor}" found yet another record of this person. Find out what makes them, erase them there, and acknowledge the step.`;
      return { to: "end", state: "manual", because: "more-found", instruction };
    }
    return runAgain("more-found", step.doubts === 0 ? 0 : backoffMs(step.doubts), {
      doubtful: true,
      found: { ...found, targets: [...found.targets, ...more] },
    });
  }
  if (finding === undefined) return noAnswer(step.tries);
  switch (finding.seen) {
    case "as-asked": {
      // Here, before the rounds: what it is told by the answer is read back in full.
      if (isWorthAsking(claim, operation, now))
        return runAgain("answer-lost", 0, { answered: false, finding: "as-asked" });
      const rounds = step.rounds + 1;
      // A destroyed record may come back into sight while the vendor's copies settle: look twice, one period apart.
      const isEnough = !isDestructive(call.operation) || operation.settlingMs === 0 || rounds >= 2;
      if (!isEnough) return { to: "verify", dueInMs: operation.settlingMs, rounds, finding: "as-asked" };
      const outcome = isUnheard(claim) ? unheardOutcome(claim, operation) : saidOutcome(step);
      return {
        to: "end",
        state: outcome.retained?.length ? "retained" : "verified",
        finding: "as-asked",
        outcome,
      };
    }
    case "not-yet":
      return {
        to: "again",
        phase: "verify",
        dueInMs: finding.checkAfterMs,
        because: "not-yet",
        counts: false,
      };
    case "not-as-asked": {
      const said = earlierOutcome(step)?.status;
      if (said === undefined || said === "partly") return runAgain(step.because ?? "not-done", 0);
      // An adapter cannot tell a read-back that lags from a lie: until the settling time is over, look again.
      const settlesInMs =
        step.ranAt === null ? 0 : Date.parse(step.ranAt) + operation.settlingMs - Date.parse(now);
      if (settlesInMs > 0) return { to: "verify", dueInMs: settlesInMs };
      if (step.doubts + 1 >= mostContradictions) {
        return { to: "end", state: "failed", because: "not-verified", finding: "not-as-asked" };
      }
      // What was found may be why: an address may have joined since. What destroys was resolved again just now.
      const resolvesFirst = operation.resolve !== undefined && !isDestructive(call.operation);
      return {
        ...runAgain("not-verified", Math.max(operation.settlingMs, backoffMs(step.doubts)), {
          doubtful: true,
        }),
        ...(resolvesFirst ? { phase: "resolve" as const } : {}),
      };
    }
    case "unknown": {
      if (step.doubts + 1 < mostUnknowns) {
        const dueInMs = Math.max(operation.settlingMs, backoffMs(step.doubts));
        return {
          to: "again",
          phase: "verify",
          dueInMs,
          because: "cannot-tell",
          counts: false,
          doubtful: true,
        };
      }
      const instruction = `Reading back at "${step.processor}" never told whether this was done. Look there, then acknowledge or retry the step.`;
      return { to: "end", state: "manual", because: "cannot-tell", finding: "unknown", instruction };
    }
    default: {
      const never: never = finding;
      return never;
    }
  }
}

/**
 * Whether something was destroyed, as it seems, by a run of which nothing was ever heard: the first, or one for what
 * turned up after an answer.
 */
const isUnheard = ({ call, found, ranBefore }: Claim): boolean =>
  isDestructive(call.operation) && ranBefore && found.reference === undefined;

/**
 * What a processor keeps, and by when the rest is off its disks, only its answer tells. Where a run is safe to repeat,
 * one whose answer was lost is asked again for that alone, once, and not when its time is over.
 */
function isWorthAsking(claim: Claim, operation: AnyOperation, now: string): boolean {
  const { step } = claim;
  const isFirst = step.finding !== "as-asked";
  return isFirst && operation.repeat === "safe" && now < step.deadlineAt && isUnheard(claim);
}

/**
 * Nobody will say any more what is kept: then all counts as kept that was to be. Who reads too much of that learns at
 * its date that nothing was left; who reads too little never learns it.
 */
function unheardOutcome(claim: Claim, operation: AnyOperation): KeptOutcome {
  const { call, step } = claim;
  if (!wasThere(claim, operation))
    return earlierOutcome(step) === undefined ? { status: "absent" } : saidOutcome(step);
  const retained = "keep" in call.input ? call.input.keep : [];
  return { ...(retained.length > 0 ? { retained } : {}), ...earlierOutcome(step), status: "done" };
}

/** What was said of a run, now that it is seen to be so. */
function saidOutcome(step: Claim["step"]): KeptOutcome {
  const said = earlierOutcome(step);
  return said?.status === "absent" ? said : { ...said, status: "done" };
}

function noAnswer(tries: number): Verdict {
  return { to: "again", dueInMs: backoffMs(tries), because: "no-answer", counts: true };
}

/**
 * After a throw, or a `failed` outcome. A throw means that nothing is known about any call of the batch:
 * after a run it is read back first, and the calls of a larger batch go on alone, to find the poison.
 * @param isDefinite whether the vendor certainly did nothing of what was asked
 * @param question what was asked; before a run also its guard, which does nothing
 */
export function afterTrouble(
  claim: Claim,
  operation: AnyOperation,
  trouble: Trouble,
  batch: number,
  isDefinite = false,
  question: CallTrace["question"] = claim.phase,
): Verdict {
  const { step, ranBefore } = claim;
  const alone = batch > 1;
  const ran = question === "run";
  // A refusal says nothing about a run before it whose answer was lost.
  const answered = isDefinite && ran && !ranBefore ? { answered: true } : {};
  switch (trouble.kind) {
    case "rate-limited":
      return {
        to: "again",
        dueInMs: trouble.retryAfterMs,
        because: "rate-limited",
        counts: false,
        ...answered,
      };
    case "account-refused":
      return {
        to: "again",
        dueInMs: accountRefusedWaitMs,
        because: "account-refused",
        counts: true,
        ...answered,
      };
    case "rejected":
      if (alone)
        return { to: "again", dueInMs: 0, because: "rejected", counts: false, alone: true, ...answered };
      return { to: "end", state: "failed", because: "rejected", ...answered };
    case "lease-lost":
      return { to: "again", dueInMs: 0, because: "lease-lost", counts: false, ...answered };
    case "stopped":
      if (!ran || isDefinite) return { to: "again", dueInMs: 0, because: null, counts: false, ...answered };
      return unknownRun(claim, operation, null, 0);
    case "unavailable": {
      const dueInMs = backoffMs(step.tries);
      if (!ran) return { to: "again", dueInMs, because: trouble.because, counts: true, alone };
      return unknownRun(claim, operation, trouble.because, dueInMs, alone);
    }
    default: {
      const never: never = trouble;
      return never;
    }
  }
}
