import type { CallContext, OperationName } from "@heed/core/contract";
import type { Stripe } from "stripe";
import type { z } from "zod";
import {
  accountSchema,
  chargeSchema,
  customerCredentialsSchema,
  customerDefaultsSchema,
  foundCustomerSchema,
  identifiedSchema,
  pageOf,
  paymentMethodSchema,
  retrievedCustomerSchema,
  subscriptionSchema,
  withStatusSchema,
} from "./stripe-answers.ts";
import { isMissing, stripeError, unreadable } from "./stripe-error.ts";
import type { EndpointBucket, StripeBucket } from "./stripe-limits.ts";

/** Every call that the adapter makes to Stripe, for one question of the engine. */
export type StripeCalls = ReturnType<typeof stripeCalls>;

type Send = (options: Stripe.RequestOptions) => Promise<unknown>;
type SendPage = (after: string | undefined, options: Stripe.RequestOptions) => Promise<unknown>;

/**
 * Lends the calls to one question of the engine. Each takes its turns, goes out once, and answers parsed or
 * with one of heed's errors; when it is no longer waited for, it ends with the signal's own reason.
 *
 * Lists of a customer that does not exist are empty: which account and mode the key opens is for `check()`
 * to prove. No idempotency key is set: Stripe replays what it stored under one, a 500 included, for a day.
 * The client makes a new one for each POST.
 */
export function stripeCalls(
  client: Stripe,
  context: CallContext<StripeBucket>,
  operation: OperationName | "check",
) {
  async function ask<T>(bucket: EndpointBucket, answer: z.ZodType<T>, send: Send): Promise<T> {
    await context.turn("global", bucket);
    let given: unknown;
    try {
      given = await untilAborted(send({ maxNetworkRetries: 0 }), context.signal);
    } catch (error) {
      context.signal.throwIfAborted();
      throw stripeError(error, { operation, bucket });
    }
    const parsed = answer.safeParse(given);
    if (!parsed.success) throw unreadable(given, { operation, bucket });
    return parsed.data;
  }

  async function all<T extends { id: string }>(
    bucket: EndpointBucket,
    item: z.ZodType<T>,
    send: SendPage,
  ): Promise<T[]> {
    const answer = pageOf(item);
    const nothing: z.infer<typeof answer> = { data: [], has_more: false };
    let page = await orMissing(nothing, () => ask(bucket, answer, (options) => send(undefined, options)));
    const found = new Map(page.data.map((each) => [each.id, each]));
    while (page.has_more) {
      const after = page.next_page ?? page.data.at(-1)?.id;
      const before = found.size;
      const next = await orMissing(undefined, () => ask(bucket, answer, (options) => send(after, options)));
      for (const each of next?.data ?? []) found.set(each.id, each);
      // Where the list went on from is gone, or nothing new came: what is behind it was not seen.
      if (next === undefined || found.size === before) throw unreadable(next, { operation, bucket });
      page = next;
    }
    return [...found.values()];
  }

  return {
    account: () =>
      ask("account-read", accountSchema, (options) => client.accounts.retrieveCurrent({}, options)),

    /** Any one customer of the account. */
    anyCustomer: async () =>
      (
        await ask("customer-list", pageOf(foundCustomerSchema), (options) =>
          client.customers.list({ limit: 1 }, options),
        )
      ).data[0],
    /** Stripe compares exactly, letter case included. */
    customersListedAs: (email: string) =>
      all("customer-list", foundCustomerSchema, (after, options) =>
        client.customers.list({ email, ...pageAfter(after) }, options),
      ),
    /** Stripe ignores letter case here, and lags behind what was written. */
    customersSearchedAs: (email: string) => {
      const query = `email:'${email.replaceAll(/[\\']/g, String.raw`\$&`)}'`;
      return all("customer-search", foundCustomerSchema, (after, options) =>
        client.customers.search({ query, limit: 100, ...(after ? { page: after } : {}) }, options),
      );
    },
    customer: (id: string) =>
      orMissing(undefined, () =>
        ask("customer-read", retrievedCustomerSchema, (options) =>
          client.customers.retrieve(id, {}, options),
        ),
      ),
    customerDefaults: (id: string) =>
      orMissing(undefined, () =>
        ask("customer-read", customerDefaultsSchema, (options) => client.customers.retrieve(id, {}, options)),
      ),
    customerCredentials: (id: string) =>
      orMissing(undefined, () =>
        ask("customer-read", customerCredentialsSchema, (options) =>
          client.customers.retrieve(id, { expand: ["sources"] }, options),
        ),
      ),
    clearCustomerDefault: (id: string) =>
      ask("customer-update", identifiedSchema, (options) =>
        client.customers.update(id, { invoice_settings: { default_payment_method: "" } }, options),
      ),

    /** All types, by way of the customer. */
    methodsOfCustomer: (customer: string) =>
      all("customer-method-list", identifiedSchema, (after, options) =>
        client.customers.listPaymentMethods(customer, pageAfter(after), options),
      ),
    /** The other way to the same methods. Without a type it leaves `custom` ones out. */
    methodsFiledUnder: (customer: string, type?: "custom") =>
      all("method-list", identifiedSchema, (after, options) =>
        client.paymentMethods.list({ customer, ...(type ? { type } : {}), ...pageAfter(after) }, options),
      ),
    method: (id: string) =>
      orMissing(undefined, () =>
        ask("method-read", paymentMethodSchema, (options) => client.paymentMethods.retrieve(id, {}, options)),
      ),
    detach: (id: string) =>
      ask("detach", paymentMethodSchema, (options) => client.paymentMethods.detach(id, {}, options)),

    sources: (customer: string) =>
      all("source-list", identifiedSchema, (after, options) =>
        client.customers.listSources(customer, pageAfter(after), options),
      ),
    deleteSource: (customer: string, id: string) =>
      ask("source-delete", identifiedSchema, (options) =>
        client.customers.deleteSource(customer, id, {}, options),
      ),

    /** Ended ones as well: Stripe leaves them out of this list unless asked. */
    subscriptions: (customer: string) =>
      all("subscription-list", subscriptionSchema, (after, options) =>
        client.subscriptions.list({ customer, status: "all", ...pageAfter(after) }, options),
      ),
    clearSubscriptionDefaults: (id: string, which: { method: boolean; source: boolean }) =>
      ask("subscription-update", identifiedSchema, (options) =>
        client.subscriptions.update(
          id,
          {
            ...(which.method ? { default_payment_method: "" } : {}),
            ...(which.source ? { default_source: "" } : {}),
          },
          options,
        ),
      ),
    schedules: (customer: string) =>
      all("schedule-list", withStatusSchema, (after, options) =>
        client.subscriptionSchedules.list({ customer, ...pageAfter(after) }, options),
      ),
    openInvoices: (customer: string) =>
      all("invoice-list", identifiedSchema, (after, options) =>
        client.invoices.list({ customer, status: "open", ...pageAfter(after) }, options),
      ),
    hasInvoices: (customer: string) =>
      orMissing(false, async () => {
        const page = await ask("invoice-list", pageOf(identifiedSchema), (options) =>
          client.invoices.list({ customer, limit: 1 }, options),
        );
        return page.data.length > 0;
      }),
    charges: (customer: string) =>
      all("charge-list", chargeSchema, (after, options) =>
        client.charges.list({ customer, ...pageAfter(after) }, options),
      ),
    hasCharges: (customer: string) =>
      orMissing(false, async () => {
        const page = await ask("charge-list", pageOf(identifiedSchema), (options) =>
          client.charges.list({ customer, limit: 1 }, options),
        );
        return page.data.length > 0;
      }),
    disputes: (charge: string) =>
      all("dispute-list", withStatusSchema, (after, options) =>
        client.disputes.list({ charge, ...pageAfter(after) }, options),
      ),
  };
}

/** The next hundred of a list, the most that Stripe gives at once. */
function pageAfter(after: string | undefined): { limit: number; starting_after?: string } {
  return after === undefined ? { limit: 100 } : { limit: 100, starting_after: after };
}

async function orMissing<T, M>(missing: M, ask: () => Promise<T>): Promise<T | M> {
  try {
    return await ask();
  } catch (error) {
    if (isMissing(error)) return missing;
    throw error;
  }
}

/** The client cannot be interrupted, so its answer is left behind. A write in flight is unknown then. */
function untilAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abandon = () => reject(signal.reason);
    if (signal.aborted) abandon();
    else signal.addEventListener("abort", abandon, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener("abort", abandon));
  });
}
