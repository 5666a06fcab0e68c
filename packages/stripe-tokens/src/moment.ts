import type { Call, CallContext } from "@heed/core/contract";
import type { Customer, Invoice, ListedMethod, RetrievedCustomer } from "./stripe-answers.ts";

/**
 * What Stripe just said for one call, so that of two questions that belong together the second does not ask what the
 * first was told: a run after its guard, a read-back after the finding beside it. It is used once, and a write ends it.
 */
export class Moment {
  readonly #customers = new Map<string, RetrievedCustomer | undefined>();
  readonly #invoices = new Map<string, readonly Invoice[]>();
  readonly #methods = new Map<string, readonly ListedMethod[]>();

  /** A customer that was read as one of many. */
  saw(customer: Customer): void {
    this.#customers.set(customer.id, customer);
  }

  customer(id: string, ask: () => Promise<RetrievedCustomer | undefined>) {
    return once(this.#customers, id, ask);
  }

  invoices(owner: string, ask: () => Promise<readonly Invoice[]>) {
    return once(this.#invoices, owner, ask);
  }

  methods(owner: string, ask: () => Promise<readonly ListedMethod[]>) {
    return once(this.#methods, owner, ask);
  }

  /** Something is about to change, or may have. */
  end(): void {
    this.#customers.clear();
    this.#invoices.clear();
    this.#methods.clear();
  }
}

/** The moments of calls, for as long as the engine's questions belong together. */
export class Moments {
  readonly #of = new WeakMap<object, Map<string, Moment>>();

  for({ moment }: Pick<CallContext, "moment">, { id }: Pick<Call, "id">): Moment {
    if (moment === undefined) return new Moment();
    const all = this.#of.get(moment) ?? new Map<string, Moment>();
    this.#of.set(moment, all);
    const own = all.get(id) ?? new Moment();
    all.set(id, own);
    return own;
  }
}

async function once<T>(known: Map<string, T>, id: string, ask: () => Promise<T>): Promise<T> {
  const had = known.get(id);
  if (had !== undefined) {
    known.delete(id);
    return had;
  }
  const value = await ask();
  known.set(id, value);
  return value;
}
