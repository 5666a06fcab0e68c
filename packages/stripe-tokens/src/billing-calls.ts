import type { Stripe } from "stripe";
import type { Asker } from "./ask-stripe.ts";
import { type Owner, ownedBy } from "./owner.ts";
import {
  createdSchema,
  identifiedSchema,
  invoiceSchema,
  subscriptionSchema,
  withStatusSchema,
} from "./stripe-answers.ts";

/** What an owner subscribes to and owes: subscriptions, schedules, invoices. */
export function billingCalls({ client, ask, all, newest, moment }: Asker) {
  return {
    /** Those that were not cancelled: Stripe leaves these out unless asked. */
    subscriptions: (owner: Owner) =>
      all("subscription-list", subscriptionSchema, (page, options) =>
        client.subscriptions.list({ ...ownedBy(owner), ...page }, options),
      ),
    updateSubscription: (id: string, changes: Stripe.SubscriptionUpdateParams) =>
      ask("subscription-update", subscriptionSchema, (options) =>
        client.subscriptions.update(id, changes, options),
      ),
    /** At once, without an invoice and without giving anything back. */
    cancelSubscription: (id: string) =>
      ask("subscription-cancel", identifiedSchema, (options) =>
        client.subscriptions.cancel(id, { invoice_now: false, prorate: false }, options),
      ),
    schedules: (owner: Owner) =>
      all("schedule-list", withStatusSchema, (page, options) =>
        client.subscriptionSchedules.list({ ...ownedBy(owner), ...page }, options),
      ),
    releaseSchedule: (id: string) =>
      ask("schedule-release", identifiedSchema, (options) =>
        client.subscriptionSchedules.release(id, {}, options),
      ),
    /** Of every status, so that the guard's question answers that of the run too. */
    invoices: (owner: Owner) =>
      moment.invoices(owner.id, () =>
        all("invoice-list", invoiceSchema, (page, options) =>
          client.invoices.list({ ...ownedBy(owner), ...page }, options),
        ),
      ),
    newestInvoice: (owner: Owner) =>
      newest("invoice-list", createdSchema, (options) =>
        client.invoices.list({ ...ownedBy(owner), limit: 1 }, options),
      ),
    clearInvoiceDefaults: (id: string, which: { method: boolean; source: boolean }) =>
      ask("invoice-update", identifiedSchema, (options) =>
        client.invoices.update(
          id,
          {
            ...(which.method ? { default_payment_method: "" } : {}),
            ...(which.source ? { default_source: "" } : {}),
          },
          options,
        ),
      ),
    deleteDraft: (id: string) =>
      ask("invoice-delete", identifiedSchema, (options) => client.invoices.del(id, {}, options)),
  };
}
