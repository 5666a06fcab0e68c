import type { HeedContext } from "../context.ts";
import type { OperationName } from "../contract/operation.ts";
import { dueStep } from "../contract/due-step.ts";
import type { ProcessorV1 } from "../contract/processor.ts";
import type { Decision, DueStep } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { AccountChecks, type AccountState } from "./account-check.ts";
import { carryOut } from "./batch.ts";
import type { BatchSettings } from "./ask.ts";
import { accountOf, isLeftAlone, recordHealth, takeProbe, type Health, type Leave } from "./breaker.ts";
import { claim, type Claim, type Claimed } from "./claim.ts";
import { operationOf } from "./operation-of.ts";
import { settleClaims } from "./settle-claims.ts";
import { throwIfStopped, unlessStopped } from "./stopped.ts";
import { batchChannel, claimChannel, traced, type BatchTrace, type ClaimTrace } from "./tracing.ts";
import type { Unreadable } from "./unreadable.ts";

/** How batches are run. */
export interface RunSettings extends BatchSettings {
  /**
   * After how many batches in a row that gave no usable answer a vendor account is left alone for a while. A
   * batch of steps that had failed before does not count: that may be theirs. Default 5.
   */
  readonly breakerAfter: number;
}

const mostOverdue = 100;

/** The worker was told to stop before the account was proven. */
interface NotAsked {
  readonly proven: false;
  readonly because: null;
  readonly retryInMs: 0;
}

/** Runs one batch from delivery's word to its settling: proves the account, leases, asks, settles. */
export class BatchRun {
  readonly #context: HeedContext;
  readonly #settings: RunSettings;
  readonly #checks: AccountChecks;
  readonly #unreadable: Unreadable;
  /** Processors whose breaker is open, until when (RFC 3339). A hint: the storage has the truth. */
  readonly #open = new Map<string, string>();

  constructor(context: HeedContext, settings: RunSettings, unreadable: Unreadable) {
    this.#context = context;
    this.#unreadable = unreadable;
    this.#settings = settings;
    this.#checks = new AccountChecks(context, settings);
  }

  /** Whether the processor is left alone now. */
  isBlocked(id: string): boolean {
    const until = this.#open.get(id);
    const now = this.#context.clock.now().toISOString();
    return until !== undefined && isLeftAlone(until, now, this.#settings.callTimeoutMs);
  }

  /** Whether its breaker is open, or waits for a probe: one batch at a time. */
  isProbing(id: string): boolean {
    return this.#open.has(id);
  }

  /**
   * @param onLeased told once these steps can no longer be due
   * @returns the steps that were settled, as they are now
   */
  async carryOut(
    id: string,
    steps: readonly DueStep[],
    stop: AbortSignal,
    onLeased: () => void,
  ): Promise<readonly Row<"steps">[]> {
    const [first] = steps;
    if (first === undefined) return [];
    const { namespace } = this.#context;
    const trace: BatchTrace = {
      namespace,
      processor: id,
      operation: first.operation,
      phase: first.phase,
      steps: steps.length,
    };
    return traced(batchChannel, trace, async (trace) => {
      const { claimed, settled } = await this.#run(id, first.operation, steps, stop, onLeased);
      trace.claimed = claimed;
      return settled;
    });
  }

  /** Ends steps whose deadline has passed while the breaker is open. */
  async endOverdue(id: string): Promise<void> {
    const { storage, clock, namespace } = this.#context;
    const processor = this.#context.processors[id];
    if (processor === undefined) return;
    const leftOut = new Set(this.#unreadable.stepsOf(id));
    const steps = await storage.transact({
      lock: [],
      clock,
      read: {
        steps: {
          from: "steps",
          where: {
            namespace,
            processor: id,
            state: "due",
            endedAt: { isNull: true },
            deadlineAt: { atMost: clock.now().toISOString() },
          },
          limit: mostOverdue + leftOut.size,
        },
      },
      decide: ({ steps }): Decision<readonly DueStep[]> => ({
        writes: [],
        answer: steps
          .filter((step) => !leftOut.has(step.id))
          .slice(0, mostOverdue)
          .map((step) => dueStep(step)),
      }),
    });
    if (steps.length === 0) return;
    const { claims } = await this.#claim(id, processor, steps, { willRun: false });
    // Somebody has closed the breaker in between. They are overdue all the same.
    await settleClaims(this.#context, claims, () => ({
      to: "again",
      dueInMs: 0,
      because: "unavailable",
      counts: false,
    }));
  }

  async #run(
    id: string,
    operationName: OperationName,
    steps: readonly DueStep[],
    stop: AbortSignal,
    onLeased: () => void,
  ): Promise<{ readonly claimed: number; readonly settled: readonly Row<"steps">[] }> {
    const context = this.#context;
    const processor = context.processors[id];
    const operation = operationOf(processor, operationName);
    const leave: Leave =
      processor !== undefined && this.#open.has(id)
        ? await takeProbe(context, accountOf(processor), this.#settings.callTimeoutMs)
        : "closed";
    const isProbe = leave === "probe";
    const account = await this.#account(id, operation === undefined ? undefined : processor, leave, stop);
    const lacking = account.proven
      ? account.checked.lacks.find((each) => each.operation === operationName)
      : undefined;
    const { claims, hasFailed } = await this.#claim(id, processor, steps, {
      isProbe,
      unknownTopics: account.proven ? account.checked.unknownTopics : [],
      willRun: account.proven && lacking === undefined,
    });
    onLeased();
    const claimed = claims.length;
    if (claimed === 0 || processor === undefined || operation === undefined) return { claimed, settled: [] };
    const note = (health: Health) => this.#note(id, processor, claims, health, { isProbe, hasFailed });
    if (!account.proven) {
      const { because, retryInMs } = account;
      await settleClaims(context, claims, () => ({
        to: "again",
        dueInMs: retryInMs,
        because,
        counts: because !== null,
      }));
      await note(because === "unavailable" ? "unavailable" : "unknown");
      return { claimed, settled: [] };
    }
    if (lacking !== undefined) {
      const instruction = `"${id}" cannot do this: ${lacking.needs} is missing. Grant it and retry the step, or do it by hand.`;
      await settleClaims(context, claims, () => ({
        to: "end",
        state: "manual",
        because: "capability-missing",
        instruction,
      }));
      return { claimed, settled: [] };
    }
    const settled: Row<"steps">[] = [];
    const settings = this.#settings;
    // A claim may have been sent to look first, so one batch can hold two phases.
    for (const group of Map.groupBy(claims, (each: Claim) => each.phase).values()) {
      const asking = { context, id, processor, operationName, operation, settings, moment: {}, stop };
      const { health, isRefused, ...carried } = await carryOut(asking, group);
      settled.push(...carried.settled);
      if (isRefused) this.#checks.forget(id);
      await note(health);
    }
    return { claimed, settled };
  }

  /** What is known of the account; behind an open breaker nobody is asked. */
  async #account(
    id: string,
    processor: ProcessorV1 | undefined,
    leave: Leave,
    stop: AbortSignal,
  ): Promise<AccountState | NotAsked> {
    if (processor === undefined) return { proven: false, because: "no-such-operation", retryInMs: 0 };
    if (leave === "blocked") return { proven: false, because: "unavailable", retryInMs: 0 };
    try {
      throwIfStopped(stop);
      return await unlessStopped(stop, () => this.#checks.prove(id, processor));
    } catch (error) {
      if (!stop.aborted) throw error;
      return { proven: false, because: null, retryInMs: 0 };
    }
  }

  async #claim(
    id: string,
    processor: ProcessorV1 | undefined,
    steps: readonly DueStep[],
    how: {
      readonly isProbe?: boolean;
      readonly unknownTopics?: readonly string[];
      readonly willRun: boolean;
    },
  ): Promise<Claimed> {
    const trace: ClaimTrace = {
      namespace: this.#context.namespace,
      processor: id,
      operation: steps[0]?.operation ?? "",
      steps: steps.length,
    };
    return traced(claimChannel, trace, async (trace) => {
      const claimed = await claim(this.#context, {
        steps,
        leaseMs: this.#settings.leaseMs,
        ...(processor === undefined ? {} : { account: accountOf(processor) }),
        ...how,
      });
      trace.claimed = claimed.claims.length;
      this.#unreadable.leave(id, trace.operation, claimed.unreadable);
      if (how.isProbe !== true) this.#know(id, claimed.blockedUntil);
      return claimed;
    });
  }

  #know(id: string, openUntil: string | undefined): void {
    if (openUntil === undefined) this.#open.delete(id);
    else this.#open.set(id, openUntil);
  }

  /** Tells the breaker what a batch showed, where that changes anything. */
  async #note(
    id: string,
    processor: ProcessorV1,
    claims: readonly Claim[],
    health: Health,
    { isProbe, hasFailed }: { readonly isProbe: boolean; readonly hasFailed: boolean },
  ): Promise<void> {
    if (health === "unknown") return;
    if (health === "answered" && !hasFailed && !this.#open.has(id)) return;
    const isTheirs = claims.every(({ step }) => step.tries > 0);
    if (health === "unavailable" && isTheirs && !isProbe) return;
    const limit = this.#settings.breakerAfter;
    const until = await recordHealth(this.#context, accountOf(processor), health, { isProbe, limit });
    this.#know(id, until);
  }
}
