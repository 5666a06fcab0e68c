import { type Asker, pageAfter } from "./ask-stripe.ts";
import { type Owner, ownedBy } from "./owner.ts";
import { chargeSchema, recordSchema } from "./stripe-answers.ts";
import { z } from "zod";

const chargeRecordSchema = z.looseObject(chargeSchema.shape);

/** Everything that Stripe lists of a customer or account, as it answered it, page by page. */
export function exportCalls({ client, each, found }: Asker) {
  return {
    /** What is listed by customer and by account alike. */
    listsOf: (owner: Owner) => {
      const of = ownedBy(owner);
      return {
        "payment-methods": () =>
          each("method-list", recordSchema, (after, options) =>
            client.paymentMethods.list({ ...of, ...pageAfter(after) }, options),
          ),
        subscriptions: () =>
          each("subscription-list", recordSchema, (after, options) =>
            client.subscriptions.list({ ...of, status: "all", ...pageAfter(after) }, options),
          ),
        "subscription-schedules": () =>
          each("schedule-list", recordSchema, (after, options) =>
            client.subscriptionSchedules.list({ ...of, ...pageAfter(after) }, options),
          ),
        invoices: () =>
          each("invoice-list", recordSchema, (after, options) =>
            client.invoices.list({ ...of, ...pageAfter(after) }, options),
          ),
        "invoice-items": () =>
          each("invoice-item-list", recordSchema, (after, options) =>
            client.invoiceItems.list({ ...of, ...pageAfter(after) }, options),
          ),
        "credit-notes": () =>
          each("credit-note-list", recordSchema, (after, options) =>
            client.creditNotes.list({ ...of, ...pageAfter(after) }, options),
          ),
        "payment-intents": () =>
          each("payment-intent-list", recordSchema, (after, options) =>
            client.paymentIntents.list({ ...of, ...pageAfter(after) }, options),
          ),
        "setup-intents": () =>
          each("setup-intent-list", recordSchema, (after, options) =>
            client.setupIntents.list({ ...of, ...pageAfter(after) }, options),
          ),
        "checkout-sessions": () =>
          each("session-list", recordSchema, (after, options) =>
            client.checkout.sessions.list({ ...of, ...pageAfter(after) }, options),
          ),
        quotes: () =>
          each("quote-list", recordSchema, (after, options) =>
            client.quotes.list({ ...of, ...pageAfter(after) }, options),
          ),
        "promotion-codes": () =>
          each("promotion-code-list", recordSchema, (after, options) =>
            client.promotionCodes.list({ ...of, ...pageAfter(after) }, options),
          ),
      };
    },
    sourceRecords: (customer: string) =>
      each("source-list", recordSchema, (after, options) =>
        client.customers.listSources(customer, pageAfter(after), options),
      ),
    balanceTransactions: (customer: string) =>
      each("balance-transaction-list", recordSchema, (after, options) =>
        client.customers.listBalanceTransactions(customer, pageAfter(after), options),
      ),
    /** With what was paid back. */
    chargeRecords: (customer: string) =>
      each("charge-list", chargeRecordSchema, (after, options) =>
        client.charges.list({ customer, expand: ["data.refunds"], ...pageAfter(after) }, options),
      ),
    disputeRecords: (charge: string) =>
      each("dispute-list", recordSchema, (after, options) =>
        client.disputes.list({ charge, ...pageAfter(after) }, options),
      ),
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
