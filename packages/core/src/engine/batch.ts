import type { Answers, Finding, Resolution } from "../contract/operation.ts";
import type { Row } from "../contract/tables.ts";
import { isDestructive } from "../requests/lifecycle.ts";
import { readClearance, readFinding, readObservation, readOutcome, readResolution } from "./answers.ts";
import { ask, Mistakes, slowDown, tellFailure, unanswered, type Asking } from "./ask.ts";
import type { Health } from "./breaker.ts";
import { begin, type Claim } from "./claim.ts";
import { takeIn } from "../sightings/take-in.ts";
import { settleClaims } from "./settle-claims.ts";
import type { Verdict } from "./verdict.ts";
import { troubleOf } from "./trouble.ts";
import { afterHold } from "./seen-done.ts";
import { afterGuard, afterResolve, afterRun, afterTrouble, afterVerify } from "./verdicts.ts";

/** What a batch showed of the processor's account. */
export interface Shown {
  readonly health: Health;
  /** The account was refused as a whole. */
  readonly isRefused: boolean;
  /** The steps that were settled, as they are now. */
  readonly settled: readonly Row<"steps">[];
}

/** Asks the processor what the phase of these claims needs, and settles every one of them. */
export async function carryOut(asking: Asking, claims: readonly Claim[]): Promise<Shown> {
  const verdicts = new Map<string, Verdict>();
  const phase = claims[0]?.phase;
  let health: Health;
  if (phase === "resolve") health = await resolvePhase(asking, claims, verdicts);
  else if (phase === "run") health = await runPhase(asking, claims, verdicts);
  else health = await verifyPhase(asking, claims, verdicts);
  const settled = await settleClaims(asking.context, claims, ({ call }) => verdicts.get(call.id));
  const isRefused = [...verdicts.values()].some(
    (verdict) => verdict.to === "again" && verdict.because === "account-refused",
  );
  return { health, isRefused, settled };
}

async function resolvePhase(
  asking: Asking,
  claims: readonly Claim[],
  verdicts: Map<string, Verdict>,
): Promise<Health> {
  const { context, operation } = asking;
  const { resolve } = operation;
  if (resolve === undefined) {
    for (const { call, found } of claims) verdicts.set(call.id, { to: "run", found, silence: [] });
    return "unknown";
  }
  const { answers, health } = await ask(asking, "resolve", claims, verdicts, (calls, lent) =>
    resolve(calls, lent),
  );
  const mistakes = new Mistakes(asking, "resolve");
  for (const claim of unanswered(claims, verdicts)) {
    const resolution = readResolution(answers?.get(claim.call.id), mistakes.note);
    verdicts.set(claim.call.id, afterResolve(context, claim, operation, resolution));
  }
  mistakes.tell();
  return health;
}

async function runPhase(
  asking: Asking,
  claims: readonly Claim[],
  verdicts: Map<string, Verdict>,
): Promise<Health> {
  const { context, operation } = asking;
  const isLook = asking.operationName === "observe";
  if (claims.some((claim) => claim.isGuarded)) {
    const { guard } = operation;
    const { answers, health } = await ask(asking, "guard", claims, verdicts, (calls, lent) =>
      guard === undefined ? Promise.resolve(new Map()) : guard(calls, lent),
    );
    if (answers === undefined) return health;
    const mistakes = new Mistakes(asking, "guard");
    for (const claim of unanswered(claims, verdicts)) {
      const clearance = readClearance(answers?.get(claim.call.id), mistakes.note);
      if (clearance !== undefined && "clear" in clearance) continue;
      // Fails closed: no answer is a no.
      const obstacle = clearance ?? { blockedBy: "guard-unanswered", checkAfterMs: 60_000 };
      verdicts.set(claim.call.id, afterGuard(claim, obstacle));
    }
    mistakes.tell();
  }
  const allowed = isDestructive(asking.operationName)
    ? await beginAll(asking, unanswered(claims, verdicts), verdicts)
    : claims;
  if (allowed.length === 0) return "unknown";
  const { answers, turns, health } = await ask(asking, "run", allowed, verdicts, (calls, lent) =>
    operation.run(calls, lent),
  );
  const mistakes = new Mistakes(asking, "run");
  for (const claim of unanswered(allowed, verdicts)) {
    const read = readOutcome(answers?.get(claim.call.id), mistakes.note);
    const outcome = isLook ? readObservation(read, mistakes.note) : read;
    if (outcome?.status !== "failed") {
      const taken = isLook ? await takeIn(context, claim, operation, outcome) : undefined;
      verdicts.set(claim.call.id, taken ?? afterRun(claim, operation, outcome));
      continue;
    }
    const trouble = troubleOf(outcome.error);
    tellFailure(asking, outcome.error, trouble, 1);
    await slowDown(asking, trouble, turns);
    verdicts.set(claim.call.id, afterTrouble(claim, operation, trouble, 1, turns.granted <= 1));
  }
  mistakes.tell();
  return health;
}

/** Those of the claims that may destroy now; the others get their verdict. */
async function beginAll(
  { context, settings }: Asking,
  claims: readonly Claim[],
  verdicts: Map<string, Verdict>,
): Promise<readonly Claim[]> {
  if (claims.length === 0) return [];
  const { begun, held } = await begin(context, claims, settings.leaseMs);
  for (const claim of claims) {
    const { call } = claim;
    if (held.has(call.id)) verdicts.set(call.id, afterHold(claim));
    else if (!begun.has(call.id))
      verdicts.set(call.id, {
        to: "again",
        phase: "run",
        dueInMs: 0,
        because: "lease-lost",
        counts: false,
      });
  }
  return claims.filter(({ call }) => begun.has(call.id));
}

async function verifyPhase(
  asking: Asking,
  claims: readonly Claim[],
  verdicts: Map<string, Verdict>,
): Promise<Health> {
  const { operation } = asking;
  const { verify } = operation;
  // What is left of a person is looked for anew where leaving it would matter.
  const resolve = isDestructive(asking.operationName) ? operation.resolve : undefined;
  if (typeof verify !== "function") {
    for (const { call } of claims) verdicts.set(call.id, { to: "end", state: "acknowledged" });
    return "unknown";
  }
  let seen: Answers<Resolution> | undefined;
  if (resolve !== undefined) {
    const looked = await ask(asking, "resolve", claims, verdicts, (calls, lent) => resolve(calls, lent));
    if (looked.answers === undefined) return looked.health;
    seen = looked.answers;
  }
  const rest = unanswered(claims, verdicts);
  if (rest.length === 0) return "unknown";
  const { answers: findings, health } = await ask<Finding>(asking, "verify", rest, verdicts, (calls, lent) =>
    verify(calls, lent),
  );
  const mistakes = new Mistakes(asking, "verify");
  for (const claim of unanswered(rest, verdicts)) {
    const resolution =
      resolve === undefined ? undefined : readResolution(seen?.get(claim.call.id), mistakes.note);
    // A second look that was not answered proves nothing.
    const finding =
      resolve !== undefined && resolution === undefined
        ? undefined
        : readFinding(findings?.get(claim.call.id), mistakes.note);
    const now = asking.context.clock.now().toISOString();
    verdicts.set(claim.call.id, afterVerify(asking.context, claim, operation, finding, resolution, now));
  }
  mistakes.tell();
  return health;
}
