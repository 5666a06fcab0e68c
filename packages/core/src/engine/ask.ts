import type { HeedContext } from "../context.ts";
import type { Answers, Call, OperationName } from "../contract/operation.ts";
import type { CallContext, ProcessorV1 } from "../contract/processor.ts";
import { UnavailableError } from "../errors/unavailable-error.ts";
import { isDestructive } from "../requests/lifecycle.ts";
import type { Health } from "./breaker.ts";
import type { Claim } from "./claim.ts";
import type { AnyOperation } from "./operation-of.ts";
import { Lease, leaseLost } from "./lease.ts";
import type { Verdict } from "./verdict.ts";
import { throwIfStopped, unlessStopped } from "./stopped.ts";
import { withTimeLimit } from "./time-limit.ts";
import { callChannel, traced, type CallTrace } from "./tracing.ts";
import { troubleOf, type Trouble } from "./trouble.ts";
import { bucketsOf, lend, noTurns, type Turns } from "./turns.ts";
import { afterTrouble } from "./verdicts.ts";

/** How a batch is carried out. */
export interface BatchSettings {
  /**
   * How soon another worker takes over what a dead one had in hand, in milliseconds. A worker prolongs its
   * leases for as long as it waits for an answer.
   */
  readonly leaseMs: number;
  /**
   * How long a question to a processor may go on without another turn, in milliseconds; waiting for turns does not count.
   * One that takes them goes on for sixty times as long at most.
   */
  readonly callTimeoutMs: number;
}

/** Who is asked, for what, and by which rules. */
export interface Asking {
  readonly context: HeedContext;
  /** Which of the policy's recipients the processor is: two may be of one adapter. */
  readonly id: string;
  readonly processor: ProcessorV1;
  readonly operationName: OperationName;
  readonly operation: AnyOperation;
  readonly settings: BatchSettings;
  /** The same for all questions of one phase. */
  readonly moment: object;
  /** Aborts when no answer is waited for any longer. */
  readonly stop: AbortSignal;
}

/** The claims that have no verdict yet. */
export function unanswered(
  claims: readonly Claim[],
  verdicts: ReadonlyMap<string, Verdict>,
): readonly Claim[] {
  return claims.filter(({ call }) => !verdicts.has(call.id));
}

/** What came back. */
interface Asked<T> {
  readonly answers: Answers<T> | undefined;
  readonly turns: Turns;
  readonly health: Health;
}

/** One question for all claims that have no verdict yet; a throw gives each of them one. */
export async function ask<T>(
  asking: Asking,
  question: CallTrace["question"],
  claims: readonly Claim[],
  verdicts: Map<string, Verdict>,
  put: (calls: readonly Call[], lent: CallContext) => Promise<Answers<T>>,
): Promise<Asked<T>> {
  const { context, id, processor, operationName, operation, settings, moment, stop } = asking;
  const { leaseMs, callTimeoutMs } = settings;
  for (;;) {
    const asked = unanswered(claims, verdicts);
    const turns = noTurns();
    if (asked.length === 0) return { answers: undefined, turns, health: "unknown" };
    const calls = asked.map(({ call }) => call);
    const takesTurns = Object.keys(processor.limits).length > 0;
    // What destroys ends with one lost step. Any other run does as long as nobody was told of it.
    const destroys = question === "run" && isDestructive(operationName);
    const endsWithOne = () => destroys || (question === "run" && takesTurns && turns.granted === 0);
    const lease = new Lease(context, asked, leaseMs, { destroys, endsWithOne });
    // One opt-out in the batch makes all of it an opt-out's.
    const lane = Math.min(...asked.map(({ step }) => step.lane));
    const lender = { context, processor, question: operationName, leaseMs, lane, moment };
    let hasBegun = false;
    const trace: CallTrace = {
      namespace: context.namespace,
      processor: id,
      operation: operationName,
      question,
      calls: calls.length,
    };
    const answered = await traced(callChannel, trace, async (trace): Promise<Asked<T> | "again"> => {
      try {
        await lease.cover();
        if (lease.lost.size > 0) throw leaseLost();
        throwIfStopped(stop);
        hasBegun = true;
        const answers = await withTimeLimit(
          context.clock,
          callTimeoutMs,
          () => noAnswer(processor, calls, settings),
          (limit) =>
            unlessStopped(stop, () => whileKept(lease, () => put(calls, lend(lender, turns, limit, lease)))),
        );
        if (typeof answers?.get !== "function")
          throw new TypeError(`"${processor.name}" must answer with a Map by call id (${operationName}).`);
        // Here, where what it throws is the adapter's failure.
        const read = calls.flatMap(({ id }): [string, T][] => {
          const answer = answers.get(id);
          return answer === undefined ? [] : [[id, answer]];
        });
        return { answers: new Map(read), turns, health: "answered" };
      } catch (error) {
        const trouble = troubleOf(error);
        trace.trouble = trouble.kind === "unavailable" ? trouble.because : trouble.kind;
        tellFailure(asking, error, trouble, asked.length);
        await slowDown(asking, trouble, turns);
        const isDefinite = wasRefused(trouble, { hasBegun, takesTurns }, turns, asked.length);
        const isLostInPart = lease.lost.size > 0 && lease.lost.size < asked.length;
        // Nobody was asked yet: the others are asked without the lost ones.
        const goesOn = trouble.kind === "lease-lost" && isDefinite && isLostInPart;
        const given = goesOn ? asked.filter(({ step }) => lease.lost.has(step.id)) : asked;
        for (const claim of given)
          verdicts.set(
            claim.call.id,
            afterTrouble(claim, operation, trouble, asked.length, isDefinite, question),
          );
        return goesOn ? "again" : { answers: undefined, turns, health: healthAfter(trouble, turns) };
      } finally {
        trace.turns = turns.granted;
      }
    });
    if (answered !== "again") return answered;
  }
}

/** A refusal too shows that somebody is there. A defect of the adapter shows nothing, nor does our own limiter. */
function healthAfter(trouble: Trouble, turns: Turns): Health {
  switch (trouble.kind) {
    case "unavailable":
      return trouble.because === "unavailable" ? "unavailable" : "unknown";
    case "rate-limited":
      return turns.nextInMs === undefined ? "answered" : "unknown";
    case "account-refused":
    case "rejected":
      return "answered";
    case "lease-lost":
    case "stopped":
      return "unknown";
    default: {
      const never: never = trouble;
      return never;
    }
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
function wasRefused(
  trouble: Trouble,
  { hasBegun, takesTurns }: { readonly hasBegun: boolean; readonly takesTurns: boolean },
  turns: Turns,
  batch: number,
): boolean {
  if (trouble.kind === "lease-lost" || trouble.kind === "stopped")
    return !hasBegun || (turns.granted === 0 && takesTurns);
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

/**
 * Tells of a defect of the adapter, and of a refusal that ends a step: nothing else has its reason. In a larger batch
 * nobody knows yet whom it is about; each call is asked alone next.
 */
export function tellFailure(
  { context, id, operationName }: Asking,
  error: unknown,
  trouble: Trouble,
  batch: number,
): void {
  const isDefect = trouble.kind === "unavailable" && trouble.because === "adapter-failed";
  const endsStep = trouble.kind === "rejected" && batch === 1;
  if (isDefect || endsStep)
    context.hub.emit("work.failed", { error, processor: id, operation: operationName });
}

/** A vendor's "slow down" holds for every worker. */
export async function slowDown(
  { context, processor }: Pick<Asking, "context" | "processor">,
  trouble: Trouble,
  turns: Turns,
): Promise<void> {
  // A turn that was too far away was no vendor's word.
  if (trouble.kind !== "rate-limited" || turns.nextInMs !== undefined) return;
  const names = trouble.bucket === undefined ? [...turns.buckets] : [trouble.bucket];
  const buckets = bucketsOf(
    processor,
    names.filter((name) => name in processor.limits),
  );
  if (buckets.length > 0) await context.turns.pushBack(buckets, trouble.retryAfterMs);
}

/** What the contract does not know in a question's answers: told once to the adapter's author, without values. */
export class Mistakes {
  readonly #asking: Asking;
  readonly #question: CallTrace["question"];
  readonly #seen = new Set<string>();

  constructor(asking: Asking, question: CallTrace["question"]) {
    this.#asking = asking;
    this.#question = question;
  }

  readonly note = (mistake: string): void => void this.#seen.add(mistake);

  tell(): void {
    if (this.#seen.size === 0) return;
    const { context, id, processor, operationName: operation } = this.#asking;
    const error = new TypeError(
      `"${processor.name}" gave an answer that the contract does not know (${operation}, ${this.#question}): ${[...this.#seen].join("; ")}. It counts as none.`,
    );
    context.hub.emit("work.failed", { error, processor: id, operation });
  }
}
