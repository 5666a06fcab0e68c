import type { Asker } from "./ask-stripe.ts";
import { type Owner, ownedBy } from "./owner.ts";
import {
  chargeSchema,
  chargedPaymentSchema,
  createdSchema,
  sessionSchema,
  withStatusSchema,
} from "./stripe-answers.ts";

/** Payments that are under way or over: intents, Checkout Sessions, charges, disputes. */
export function paymentCalls({ client, ask, all, newest }: Asker) {
  return {
    setupIntents: (owner: Owner) =>
      all("setup-intent-list", withStatusSchema, (page, options) =>
        client.setupIntents.list({ ...ownedBy(owner), ...page }, options),
      ),
    cancelSetupIntent: (id: string) =>
      ask("setup-intent-cancel", withStatusSchema, (options) =>
        client.setupIntents.cancel(id, { cancellation_reason: "requested_by_customer" }, options),
      ),
    paymentIntents: (owner: Owner) =>
      all("payment-intent-list", withStatusSchema, (page, options) =>
        client.paymentIntents.list({ ...ownedBy(owner), ...page }, options),
      ),
    /** With the charge that each made last: Stripe lists no charges of an account of the v2 API. */
    chargedPayments: (owner: Owner) =>
      all("payment-intent-list", chargedPaymentSchema, (page, options) =>
        client.paymentIntents.list({ ...ownedBy(owner), expand: ["data.latest_charge"], ...page }, options),
      ),
    cancelPaymentIntent: (id: string) =>
      ask("payment-intent-cancel", withStatusSchema, (options) =>
        client.paymentIntents.cancel(id, { cancellation_reason: "requested_by_customer" }, options),
      ),

    openSessions: (owner: Owner) =>
      all("session-list", sessionSchema, (page, options) =>
        client.checkout.sessions.list({ ...ownedBy(owner), status: "open", ...page }, options),
      ),
    /** Those of everybody who gave this address at the checkout, guests included. */
    sessionsOf: (email: string) =>
      all("session-list", sessionSchema, (page, options) =>
        client.checkout.sessions.list({ customer_details: { email }, ...page }, options),
      ),
    expireSession: (id: string) =>
      ask("session-expire", withStatusSchema, (options) => client.checkout.sessions.expire(id, {}, options)),

    charges: (customer: string) =>
      all("charge-list", chargeSchema, (page, options) =>
        client.charges.list({ customer, ...page }, options),
      ),
    newestCharge: (customer: string) =>
      newest("charge-list", createdSchema, (options) => client.charges.list({ customer, limit: 1 }, options)),
    newestPayment: (owner: Owner) =>
      newest("payment-intent-list", createdSchema, (options) =>
        client.paymentIntents.list({ ...ownedBy(owner), limit: 1 }, options),
      ),
    disputes: (charge: string) =>
      all("dispute-list", withStatusSchema, (page, options) =>
        client.disputes.list({ charge, ...page }, options),
      ),
  };
}
