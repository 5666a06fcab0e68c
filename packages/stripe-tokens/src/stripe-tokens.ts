import {
  type Call,
  type CallContext,
  type Operation,
  type OperationName,
  onlyKeys,
  type ProcessorV1,
} from "@heed/core/contract";
import { answerEach } from "./answer-each.ts";
import { checkAccount } from "./check-account.ts";
import { erase } from "./erase-customer.ts";
import { exportRecords } from "./export-records.ts";
import { findCredentials, findCustomers } from "./find-credentials.ts";
import type { StripeKind } from "./find-customers.ts";
import { forgetTokens, readForgotten } from "./forget-operation.ts";
import { orFailed } from "./or-failed.ts";
import { ownersOf } from "./owner.ts";
import { Moment, Moments } from "./moment.ts";
import { observe } from "./observe.ts";
import { clearance } from "./paying-guard.ts";
import { readRectified, rectify } from "./rectify-customer.ts";
import { stripeCalls } from "./stripe-calls.ts";
import { type StripeAccess, stripeClient } from "./stripe-client.ts";
import { type StripeBucket, stripeLimits, type StripePace } from "./stripe-limits.ts";
import { sightingsIn, type StripeWebhooks } from "./webhook.ts";
import { readErased } from "./verify-erased.ts";

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
   * Whether an erasure also redacts what Stripe keeps of a deleted customer (charges, invoices, payment methods),
   * once the last transaction is ninety days old. Default `false`: it stays, and is reported. Redaction jobs are a
   * preview of Stripe's, and a redacted payment can be neither refunded nor defended in a dispute. An account
   * without them is told of by `check()`, and what stays is reported.
   */
  readonly redaction?: boolean;
  /**
   * How many reads a day may go to Stripe, by its allowance: 500 for each transaction of the last thirty days, and
   * at least 10,000 a month. What is beyond waits for the next day. Default: as many as the other limits allow.
   */
  readonly readsPerDay?: number;
  /**
   * How closely the limits of a second are used: `burst` calls may go at once (default 4), and a call reaches Stripe
   * within `delayMs` of its turn (default 500). Where calls arrive sooner, a smaller delay lets more of them through.
   */
  readonly pace?: StripePace;
  /**
   * How long Stripe may lag behind a write, in milliseconds. Default 60 000: lists are up to date at once,
   * the search is behind by up to a minute.
   */
  readonly settlingMs?: number;
  /** Takes Stripe's webhooks in: `heed.webhooks.receive()`. Default: none are taken. */
  readonly webhooks?: StripeWebhooks;
};

const optionKeys = {
  client: true,
  apiKey: true,
  baseUrl: true,
  account: true,
  live: true,
  searchSpellings: true,
  redaction: true,
  readsPerDay: true,
  pace: true,
  settlingMs: true,
  webhooks: true,
};

/** The processor that {@link stripeTokens} makes. */
export type StripeProcessor = ProcessorV1<StripeKind, never, StripeBucket>;
type Does<N extends OperationName> = Operation<N, StripeKind, StripeBucket>;

/**
 * The processor for payment credentials, and customers, at Stripe.
 *
 * - `forgetTokens`: what could save a credential again is ended, every payment method and legacy source of every
 *   customer of the subject is let go of for good, the defaults that point to them are cleared, and the account
 *   is read back by another list. Customers, invoices and charges stay. With `endsPaidService: "allowed"`
 *   everything is first told to end with what is paid for, and nothing is let go of before it has.
 * - `erase`: as that, and then the customer is deleted. What Stripe keeps is reported as retained.
 * - `export`: everything that Stripe lists of the subject.
 * - `rectify`: fields of the customer, by Stripe's own names.
 * - `observe`: whose customer it is that a webhook named.
 *
 * What destroys is guarded: while the subject pays, owes or disputes in any of these customers, nothing is
 * touched, since detaching ends no subscription but lets its next payment fail.
 *
 * @throws InvalidInputError `unknown-option`
 * @throws TypeError when the options contradict each other, or a key of live mode is given without `live`
 * @see https://docs.stripe.com/api/payment_methods/detach
 */
export function stripeTokens(options: StripeTokensOptions): StripeProcessor {
  onlyKeys(options, "stripeTokens", optionKeys);
  const { account, live = false, searchSpellings = true, redaction = false, readsPerDay, pace } = options;
  const { settlingMs = 60_000, webhooks } = options;
  if (!/^acct_\w+$/.test(account)) throw new TypeError("The account is not of the form acct_….");
  if (!(settlingMs >= 0)) throw new TypeError("settlingMs is not a duration in milliseconds.");
  if (readsPerDay !== undefined && !(Number.isInteger(readsPerDay) && readsPerDay > 0)) {
    throw new TypeError("readsPerDay is not a number of reads.");
  }
  const client = stripeClient(options, live);
  const search = { live, searchSpellings };
  const countsReads = readsPerDay !== undefined;
  const moments = new Moments();
  const callsFor = (
    operation: OperationName | "check",
    context: CallContext<StripeBucket>,
    call?: Pick<Call, "id">,
  ) => {
    const moment = call === undefined ? new Moment() : moments.for(context, call);
    return stripeCalls({ client, context, operation, countsReads, moment });
  };
  const every = { batchSize: 10, settlingMs, matches: "several" } as const;

  const forgetOperation: Does<"forgetTokens"> = {
    ...every,
    repeat: "safe",
    effects: ["irreversible", "ends-paid-service"],
    resolve: (batch, context) =>
      answerEach(batch, (call) => findCredentials(callsFor("forgetTokens", context, call), call, search)),
    guard: (batch, context) =>
      answerEach(batch, (call) => {
        const { endsPaidService } = call.input;
        const judging = { now: context.now(), endsPaidService };
        return clearance(callsFor("forgetTokens", context, call), ownersOf(call), judging);
      }),
    run: (batch, context) =>
      answerEach(batch, (call) =>
        orFailed(() => forgetTokens(callsFor("forgetTokens", context, call), call, context.now())),
      ),
    verify: (batch, context) =>
      answerEach(batch, (call) => readForgotten(callsFor("forgetTokens", context, call), call)),
  };
  const eraseOperation: Does<"erase"> = {
    ...every,
    repeat: "safe",
    effects: ["irreversible"],
    resolve: (batch, context) =>
      answerEach(batch, (call) => findCredentials(callsFor("erase", context, call), call, search)),
    guard: (batch, context) =>
      answerEach(batch, (call) =>
        clearance(callsFor("erase", context, call), ownersOf(call), { now: context.now() }),
      ),
    run: (batch, context) =>
      answerEach(batch, (call) =>
        orFailed(() => erase(callsFor("erase", context, call), call, { now: context.now(), redaction })),
      ),
    verify: (batch, context) =>
      answerEach(batch, (call) => readErased(callsFor("erase", context, call), call, searchSpellings)),
  };
  const exportOperation: Does<"export"> = {
    ...every,
    repeat: "safe",
    resolve: (batch, context) =>
      answerEach(batch, (call) => findCustomers(callsFor("export", context), call, search)),
    run: (batch, context) =>
      answerEach(batch, (call) => orFailed(() => exportRecords(callsFor("export", context), call))),
    verify: { acknowledgedOnly: "An export changes nothing that could be read back." },
  };
  const rectifyOperation: Does<"rectify"> = {
    ...every,
    repeat: "safe",
    resolve: (batch, context) =>
      answerEach(batch, (call) => findCustomers(callsFor("rectify", context), call, search)),
    run: (batch, context) =>
      answerEach(batch, (call) => orFailed(() => rectify(callsFor("rectify", context), call))),
    verify: (batch, context) =>
      answerEach(batch, (call) => readRectified(callsFor("rectify", context), call)),
  };

  const observeOperation: Does<"observe"> = {
    ...every,
    settlingMs: 0,
    repeat: "safe",
    resolve: (batch, context) =>
      answerEach(batch, (call) => findCustomers(callsFor("observe", context), call, search)),
    run: (batch, context) =>
      answerEach(batch, (call) => orFailed(() => observe(callsFor("observe", context), call))),
    verify: { acknowledgedOnly: "It only looks." },
  };

  return {
    specificationVersion: "v1",
    name: "stripe-tokens",
    account,
    identifiers: {
      email: /^[^@\s]+@[^@\s]+$/,
      stripeCustomerId: /^cus_\w{1,251}$/,
      stripeAccountId: /^acct_\w{1,250}$/,
    },
    topics: {},
    limits: stripeLimits(live, readsPerDay, pace),
    operations: {
      forgetTokens: forgetOperation,
      erase: eraseOperation,
      export: exportOperation,
      rectify: rectifyOperation,
      observe: observeOperation,
    },
    check: (context) =>
      checkAccount(callsFor("check", context), { live, searchSpellings, redaction, readsPerDay }),
    ...(webhooks === undefined
      ? {}
      : {
          webhook: (request: Request, now: Date) => sightingsIn(request, now, { client, live, ...webhooks }),
        }),
  };
}
