import type { HeedContext } from "../context.ts";
import type { Decision } from "../contract/storage.ts";
import { HeedError } from "../errors/heed-error.ts";
import { lockNames } from "../ledger/under-lock.ts";
import { isHeld, type Claim } from "./claim.ts";

/** The leases of the steps that a question is about, prolonged for as long as it is asked. */
export class Lease {
  readonly #context: HeedContext;
  readonly #claims: readonly Claim[];
  readonly #leaseMs: number;
  #untilMs: number;

  constructor(context: HeedContext, claims: readonly Claim[], leaseMs: number) {
    this.#context = context;
    this.#claims = claims;
    this.#leaseMs = leaseMs;
    this.#untilMs = Math.min(...claims.map(({ step }) => Date.parse(step.leaseUntil ?? "")));
  }

  /**
   * Makes sure that half a lease is left in `waitMs` milliseconds.
   * @throws HeedError `lease-lost` when one of the steps is no longer this worker's
   */
  async cover(waitMs = 0): Promise<void> {
    const now = this.#context.clock.now().getTime();
    if (now + waitMs + this.#leaseMs / 2 <= this.#untilMs) return;
    this.#untilMs = await renew(this.#context, this.#claims, this.#leaseMs + waitMs);
  }

  /** Prolongs until `signal` aborts. @throws HeedError `lease-lost` */
  async keep(signal: AbortSignal): Promise<never> {
    for (;;) {
      await this.#context.clock.sleep(this.#leaseMs / 3, signal);
      await this.cover();
    }
  }
}

async function renew(context: HeedContext, claims: readonly Claim[], leaseMs: number): Promise<number> {
  const ids = claims.map(({ step }) => step.id);
  return context.storage.transact({
    lock: lockNames({ steps: ids }),
    clock: context.clock,
    read: { steps: { from: "steps", where: { id: ids } } },
    decide: ({ steps }, now): Decision<number> => {
      const isStillHeld = claims.every(({ step }) =>
        steps.some((row) => row.id === step.id && isHeld(row, step) && row.cancel === 0),
      );
      if (!isStillHeld) throw new HeedError("The lease of these steps is lost.", { code: "lease-lost" });
      const until = Date.parse(now) + leaseMs;
      return {
        writes: [{ update: "steps", where: { id: ids }, set: { leaseUntil: new Date(until).toISOString() } }],
        answer: until,
      };
    },
  });
}
