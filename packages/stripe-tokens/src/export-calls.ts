import type { Asker, SendPage } from "./ask-stripe.ts";
import { type Owner, ownedBy } from "./owner.ts";
import { chargeSchema, recordSchema } from "./stripe-answers.ts";
import type { EndpointBucket } from "./stripe-limits.ts";
import { z } from "zod";

const chargeRecordSchema = z.looseObject(chargeSchema.shape);

/** Everything that Stripe lists of a customer or account, as it answered it, page by page. */
export function exportCalls({ client, each, found }: Asker) {
  const records = (bucket: EndpointBucket, send: SendPage) => each(bucket, recordSchema, send);
  return {
    /** What is listed by customer and by account alike. */
    listsOf: (owner: Owner) => {
      const of = ownedBy(owner);
      return {
        "payment-methods": () =>
          records("method-list", (page, options) => client.paymentMethods.list({ ...of, ...page }, options)),
        subscriptions: () =>
          records("subscription-list", (page, options) =>
            client.subscriptions.list({ ...of, status: "all", ...page }, options),
          ),
        "subscription-schedules": () =>
          records("schedule-list", (page, options) =>
            client.subscriptionSchedules.list({ ...of, ...page }, options),
          ),
        invoices: () =>
          records("invoice-list", (page, options) => client.invoices.list({ ...of, ...page }, options)),
        "invoice-items": () =>
          records("invoice-item-list", (page, options) =>
            client.invoiceItems.list({ ...of, ...page }, options),
          ),
        "credit-notes": () =>
          records("credit-note-list", (page, options) =>
            client.creditNotes.list({ ...of, ...page }, options),
          ),
        "payment-intents": () =>
          records("payment-intent-list", (page, options) =>
            client.paymentIntents.list({ ...of, ...page }, options),
          ),
        "setup-intents": () =>
          records("setup-intent-list", (page, options) =>
            client.setupIntents.list({ ...of, ...page }, options),
          ),
        "checkout-sessions": () =>
          records("session-list", (page, options) =>
            client.checkout.sessions.list({ ...of, ...page }, options),
          ),
        quotes: () =>
          records("quote-list", (page, options) => client.quotes.list({ ...of, ...page }, options)),
        "promotion-codes": () =>
          records("promotion-code-list", (page, options) =>
            client.promotionCodes.list({ ...of, ...page }, options),
          ),
      };
    },
    sourceRecords: (customer: string) =>
      records("source-list", (page, options) => client.customers.listSources(customer, page, options)),
    balanceTransactions: (customer: string) =>
      records("balance-transaction-list", (page, options) =>
        client.customers.listBalanceTransactions(customer, page, options),
      ),
    /** With what was paid back. */
    chargeRecords: (customer: string) =>
      each("charge-list", chargeRecordSchema, (page, options) =>
        client.charges.list({ customer, expand: ["data.refunds"], ...page }, options),
      ),
    disputeRecords: (charge: string) =>
      records("dispute-list", (page, options) => client.disputes.list({ charge, ...page }, options)),
    /** A payment with the charge that it made last. */
    paymentRecord: (id: string) =>
      found("payment-intent-read", recordSchema, (options) =>
        client.paymentIntents.retrieve(id, { expand: ["latest_charge"] }, options),
      ),
    accountRecord: (id: string) =>
      found("customer-account-read", recordSchema, (options) =>
        client.v2.core.accounts.retrieve(id, { include: ["configuration.customer", "identity"] }, options),
      ),
  };
}
