import type { HeedContext } from "../context.ts";
import type { Decision } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { HeedError } from "../errors/heed-error.ts";
import { holdReads, holdsIn, isHeldBy } from "../holds/hold.ts";
import { lockNames } from "../ledger/under-lock.ts";
import { isHeld, type Claim } from "./claim.ts";

/**
 * The leases of the steps that a question is about, prolonged for as long as it is asked.
 *
 * A step can be lost alone: another worker took it over, it was cancelled, or a legal hold landed on what is about
 * to be destroyed. The others go on, except where the question must end with it: one that destroys carries them all.
 */
export class Lease {
  readonly #context: HeedContext;
  readonly #claims: readonly Claim[];
  readonly #leaseMs: number;
  readonly #destroys: boolean;
  readonly #endsWithOne: () => boolean;
  readonly #lost = new Set<string>();
  #untilMs: number;
  #untilElapsedMs: number;

  constructor(
    context: HeedContext,
    claims: readonly Claim[],
    leaseMs: number,
    question: { readonly destroys: boolean; readonly endsWithOne: () => boolean },
  ) {
    this.#context = context;
    this.#claims = claims;
    this.#leaseMs = leaseMs;
    this.#destroys = question.destroys;
    this.#endsWithOne = question.endsWithOne;
    this.#untilMs = Math.min(...claims.map(({ step }) => Date.parse(step.leaseUntil ?? "")));
    this.#untilElapsedMs = Math.min(...claims.map((claim) => claim.leaseElapsesMs));
  }

  /** Ids of the steps that are no longer this worker's, as far as it knows. */
  get lost(): ReadonlySet<string> {
    return this.#lost;
  }

  /**
   * Makes sure that half a lease is left in `waitMs` milliseconds. Looks in the storage whenever the lease could
   * have run out meanwhile, by the date or by time elapsed: a process that stood still finds out here.
   * @throws HeedError `lease-lost` when none of the steps is this worker's any more, or, where the question
   *   ends with one, when one is not
   */
  async cover(waitMs = 0): Promise<void> {
    for (;;) {
      const hasLost = this.#lost.size > 0;
      if (hasLost && (this.#lost.size === this.#claims.length || this.#endsWithOne())) throw leaseLost();
      // Again after a renewal: the process may have stood still in it.
      if (this.#leftMs() >= waitMs + this.#leaseMs / 2) return;
      await this.#renew(this.#leaseMs + waitMs);
    }
  }

  #leftMs(): number {
    const { clock } = this.#context;
    return Math.min(
      this.#untilMs - clock.now().getTime(),
      this.#untilElapsedMs - (clock.elapsedMs?.() ?? Number.NEGATIVE_INFINITY),
    );
  }

  /** Prolongs until `signal` aborts. @throws HeedError `lease-lost` */
  async keep(signal: AbortSignal): Promise<never> {
    for (;;) {
      await this.#context.clock.sleep(this.#leaseMs / 3, signal);
      await this.cover();
    }
  }

  async #renew(forMs: number): Promise<void> {
    const { clock, storage, namespace } = this.#context;
    const ids = this.#claims.map(({ step }) => step.id).filter((id) => !this.#lost.has(id));
    if (ids.length === 0) return;
    const elapsedMs = clock.elapsedMs?.() ?? Number.POSITIVE_INFINITY;
    const { held, untilMs } = await storage.transact({
      lock: lockNames({ steps: ids }),
      clock,
      read: { steps: { from: "steps", where: { id: ids } }, ...holdReads(namespace, ids) },
      decide: (rows, now): Decision<{ held: ReadonlySet<string>; untilMs: number }> => {
        const holds = this.#destroys ? holdsIn(rows) : [];
        const isOurs = (row: Row<"steps">, step: Row<"steps">) =>
          row.id === step.id && isHeld(row, step) && row.cancel === 0 && !isHeldBy(holds, row);
        const held = this.#claims
          .filter(({ step }) => rows.steps.some((row) => isOurs(row, step)))
          .map(({ step }) => step.id);
        const untilMs = Date.parse(now) + forMs;
        const leaseUntil = new Date(untilMs).toISOString();
        return {
          writes: held.length === 0 ? [] : [{ update: "steps", where: { id: held }, set: { leaseUntil } }],
          answer: { held: new Set(held), untilMs },
        };
      },
    });
    for (const id of ids) if (!held.has(id)) this.#lost.add(id);
    this.#untilMs = untilMs;
    this.#untilElapsedMs = elapsedMs + forMs;
  }
}

/** What a question about steps that are no longer this worker's ends with. */
export function leaseLost(): HeedError {
  return new HeedError("The lease of these steps is lost.", { code: "lease-lost" });
}
