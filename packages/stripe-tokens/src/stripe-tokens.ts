import {
  type Call,
  type CallContext,
  type Finding,
  type Outcome,
  onlyKeys,
  ProcessorError,
  type ProcessorV1,
} from "@heed/core/contract";
import { answerEach } from "./answer-each.ts";
import { checkAccount } from "./check-account.ts";
import { type StripeKind, findCustomers } from "./find-customers.ts";
import { forgetCustomer } from "./forget-tokens.ts";
import { clearance } from "./paying-guard.ts";
import { retainedRecords } from "./retained-records.ts";
import { type StripeCalls, stripeCalls } from "./stripe-calls.ts";
import { type StripeAccess, stripeClient } from "./stripe-client.ts";
import { type StripeBucket, stripeLimits } from "./stripe-limits.ts";
import { isForgotten } from "./verify-forgotten.ts";

/** How {@link stripeTokens} reaches which account. */
export type StripeTokensOptions = StripeAccess & {
  /** The account, `acct_…`. `check()` proves that the key opens this one. */
  readonly account: string;
  /** Whether live mode is meant. Default `false`: live keys and live customers are refused. */
  readonly live?: boolean;
  /**
   * Whether to look for other spellings of an address (`Anna@` for `anna@`) by Stripe's search as well, which
   * Stripe does not offer to accounts in India. Default `true`. Without it only the spellings that heed was
   * told, and their lower-case forms, are found.
   */
  readonly searchSpellings?: boolean;
  /**
   * How long Stripe may lag behind a write, in milliseconds. Default 60 000: lists are up to date at once,
   * the search is behind by up to a minute.
   */
  readonly settlingMs?: number;
};

const optionKeys = {
  client: true,
  apiKey: true,
  baseUrl: true,
  account: true,
  live: true,
  searchSpellings: true,
  settlingMs: true,
};

/**
 * The processor for payment credentials that are stored at Stripe.
 *
 * It has one operation, `forgetTokens`: every payment method and legacy source of every customer of the
 * subject is detached for good, the defaults that point to them are cleared, and the account is read back by
 * another list. It is guarded: while the subject still pays, in any of these customers, nothing is touched,
 * whatever `endsPaidService` says, since detaching ends no subscription but lets its next payment fail.
 * Customers, invoices and charges stay.
 *
 * @throws InvalidInputError `unknown-option`
 * @throws TypeError when the options contradict each other, or a key of live mode is given without `live`
 * @see https://docs.stripe.com/api/payment_methods/detach
 */
export function stripeTokens(options: StripeTokensOptions): ProcessorV1<StripeKind, never, StripeBucket> {
  onlyKeys(options, "stripeTokens", optionKeys);
  const { account, live = false, searchSpellings = true, settlingMs = 60_000 } = options;
  if (!/^acct_\w+$/.test(account)) throw new TypeError("The account is not of the form acct_….");
  if (!(settlingMs >= 0)) throw new TypeError("settlingMs is not a duration in milliseconds.");
  const client = stripeClient(options, live);
  const forgetting = (context: CallContext<StripeBucket>) => stripeCalls(client, context, "forgetTokens");

  return {
    specificationVersion: "v1",
    name: "stripe-tokens",
    account,
    identifiers: { email: /^[^@\s]+@[^@\s]+$/, stripeCustomerId: /^cus_\w{1,251}$/ },
    topics: {},
    limits: stripeLimits(live),
    operations: {
      forgetTokens: {
        batchSize: 10,
        repeat: "safe",
        settlingMs,
        matches: "several",
        effects: ["irreversible"],
        resolve: (batch, context) =>
          answerEach(batch, (call) => findCustomers(forgetting(context), call, { live, searchSpellings })),
        guard: (batch, context) =>
          answerEach(batch, (call) => clearance(forgetting(context), customersOf(call))),
        run: (batch, context) => answerEach(batch, (call) => forget(forgetting(context), call)),
        verify: (batch, context) =>
          answerEach(batch, (call) => readBack(forgetting(context), customersOf(call))),
      },
    },
    check: (context) => checkAccount(stripeCalls(client, context, "check"), { live, searchSpellings }),
  };
}

async function forget(
  calls: StripeCalls,
  call: Call<"forgetTokens", StripeKind>,
): Promise<Outcome<"forgetTokens">> {
  const customers = customersOf(call);
  if (customers.length === 0) return { status: "absent" };
  try {
    let affected = 0;
    for (const customer of customers) affected += await forgetCustomer(calls, customer);
    const retained = await retainedRecords(calls, customers, call.input.keep);
    return { status: "done", affected, ...(retained.length > 0 ? { retained } : {}) };
  } catch (error) {
    if (!(error instanceof ProcessorError)) throw error;
    return { status: "failed", error };
  }
}

async function readBack(calls: StripeCalls, customers: readonly string[]): Promise<Finding> {
  for (const customer of customers) {
    if (!(await isForgotten(calls, customer))) return { seen: "not-as-asked" };
  }
  return { seen: "as-asked" };
}

function customersOf(call: Call<"forgetTokens", StripeKind>): readonly string[] {
  return call.targets.filter(({ kind }) => kind === "customer").map(({ id }) => id);
}
