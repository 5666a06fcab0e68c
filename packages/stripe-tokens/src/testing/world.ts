import { type Fault, plans } from "./faults.ts";
import { idempotency } from "./idempotency.ts";
import { rateWindows } from "./rate-windows.ts";
import { type StripeState, emptyState } from "./stripe-objects.ts";
import { type StripeSwitches, type SetSwitches, setSwitches } from "./switches.ts";

/** One call that reached the account. */
export interface LoggedCall {
  readonly requestId: string;
  /** For example `POST /v1/payment_methods/{id}/detach`; `undefined` for a URL that Stripe does not know. */
  readonly endpoint: string | undefined;
  readonly method: string;
  readonly path: string;
  /** As they were sent, flat: `{ "expand[]": ["sources"] }`. */
  readonly params: Readonly<Record<string, readonly string[]>>;
  /** The API's version that the request asked for. */
  readonly version: string;
  readonly idempotencyKey: string | undefined;
  /** The status answered; `undefined` where no answer was given. */
  status: number | undefined;
  /** The code of the error answered: `resource_missing`, `parameter_unknown`, … */
  code: string | undefined;
}

/** An account and everything that decides how it answers. */
export interface World {
  readonly switches: SetSwitches;
  readonly state: StripeState;
  /** Counts the objects that are made, for their ids. */
  readonly count: { made: number };
  readonly calls: LoggedCall[];
  /** The number of a call that arrives. */
  readonly nextCall: () => number;
  readonly faults: ReturnType<typeof plans<Fault>>;
  readonly hooks: ReturnType<typeof plans<() => void>>;
  readonly windows: ReturnType<typeof rateWindows>;
  readonly kept: ReturnType<typeof idempotency>;
  /** Customers that a write is under way for. */
  readonly locked: Set<string>;
  /** Key to whether it opens live mode. */
  readonly keys: ReadonlyMap<string, boolean>;
}

export function createWorld(given: StripeSwitches): World {
  const switches = setSwitches(given);
  let arrived = 0;
  const account = switches.id.replace(/^acct_/, "");
  return {
    switches,
    state: emptyState(),
    count: { made: 0 },
    calls: [],
    nextCall: () => (arrived += 1),
    faults: plans(),
    hooks: plans(),
    windows: rateWindows(switches.now),
    kept: idempotency(switches.now),
    locked: new Set(),
    keys: new Map([
      [`sk_test_${account}`, false],
      [`sk_live_${account}`, true],
    ]),
  };
}
