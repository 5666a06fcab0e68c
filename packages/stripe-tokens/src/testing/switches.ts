/**
 * How the account behaves. What Stripe does not document, or is said to do differently from time to time, is
 * a switch; code that works with Stripe works with it either way.
 */
export interface StripeSwitches {
  /** The account's id. Default `acct_heed`. */
  readonly id?: string;
  /** The account's clock. Default: the machine's. */
  readonly now?: () => Date;
  /** How many of the newest calls are remembered. Default: all. */
  readonly remembers?: number;
  /**
   * Whether calls are counted and answered 429: 25 a second on each endpoint, 20 on search, 100 in live mode
   * and 25 in test mode over all. Default `true`.
   */
  readonly limited?: boolean;
  /** How long the search index is behind, in milliseconds. Default 0. */
  readonly searchLagMs?: number;
  /** Whether the search compares addresses whatever their letter case. Default `true`. */
  readonly searchIgnoresCase?: boolean;
  /** Whether Checkout Sessions are listed by an address whatever its letter case. Default `false`. */
  readonly sessionsIgnoreCase?: boolean;
  /** Whether defaults still point to a payment method after it was detached. Default `true`. */
  readonly danglingDefaults?: boolean;
  /** Whether legacy sources show among the payment methods as well. Default `true`. */
  readonly legacyAmongMethods?: boolean;
  /** The `code` of the error for detaching what is detached already. Default: none. */
  readonly detachedAgainCode?: string;
  /** What a list answers that is asked for a customer that does not exist. Default 400. */
  readonly unknownCustomer?: 400 | 404 | "empty";
  /** Whether what hangs at a deleted customer can still be listed. Default `true`. */
  readonly deletedListable?: boolean;
  /** Whether payment methods stay attached when their customer is deleted. Default `true`. */
  readonly deletedKeepMethods?: boolean;
  /** How many rows an expanded list inside an object has at most. Default 10. */
  readonly subListSize?: number;
  /** Whether two writes to one customer at a time collide with `lock_timeout`. Default `false`: they wait. */
  readonly writesCollide?: boolean;
  /** Whether the account has redaction jobs, which are a preview. Default `false`: their URLs are unknown. */
  readonly redaction?: boolean;
  /** How long a job validates, and redacts, in milliseconds. Default 0. */
  readonly redactionMs?: number;
  /** Whether a job takes a customer that was deleted. Default `true`. */
  readonly redactsDeleted?: boolean;
}

/** The switches with their defaults. */
export type SetSwitches = Required<Omit<StripeSwitches, "detachedAgainCode">> &
  Pick<StripeSwitches, "detachedAgainCode">;

export function setSwitches(given: StripeSwitches): SetSwitches {
  return {
    id: "acct_heed",
    now: () => new Date(),
    remembers: Number.POSITIVE_INFINITY,
    limited: true,
    searchLagMs: 0,
    searchIgnoresCase: true,
    sessionsIgnoreCase: false,
    danglingDefaults: true,
    legacyAmongMethods: true,
    unknownCustomer: 400,
    deletedListable: true,
    deletedKeepMethods: true,
    subListSize: 10,
    writesCollide: false,
    redaction: false,
    redactionMs: 0,
    redactsDeleted: true,
    ...given,
  };
}
