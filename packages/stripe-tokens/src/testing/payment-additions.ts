import { type Chosen, type Making, ownership, put } from "./making.ts";
import type { CheckoutSessionObject, PaymentIntentObject, SetupIntentObject } from "./stripe-objects.ts";

/** Payments and set-ups that are under way or over. `null` as the owner: a guest's. */
export interface PaymentAdditions {
  /** Default status: `requires_payment_method`. */
  setupIntent(owner: string | null, chosen?: Chosen<SetupIntentObject>): SetupIntentObject;
  /** Default status: `requires_payment_method`. */
  paymentIntent(owner: string | null, chosen?: Chosen<PaymentIntentObject>): PaymentIntentObject;
  /** Default: `open`, for a payment. */
  checkoutSession(owner: string | null, chosen?: Chosen<CheckoutSessionObject>): CheckoutSessionObject;
}

export function paymentAdditions({ world: { state }, base, owner }: Making): PaymentAdditions {
  return {
    setupIntent(id, chosen) {
      const of = owner(id);
      const about = base("seti", "setup_intent", of.livemode);
      return put(state.setupIntents, {
        ...about,
        ...ownership(of),
        status: "requires_payment_method",
        payment_method: null,
        client_secret: `${about.id}_secret_canary`,
        ...chosen,
      });
    },
    paymentIntent(id, chosen) {
      const of = owner(id);
      const about = base("pi", "payment_intent", of.livemode);
      return put(state.paymentIntents, {
        ...about,
        ...ownership(of),
        status: "requires_payment_method",
        amount: 1200,
        payment_method: null,
        setup_future_usage: null,
        client_secret: `${about.id}_secret_canary`,
        receipt_email: of.email,
        latest_charge: null,
        ...chosen,
      });
    },
    checkoutSession(id, chosen) {
      const of = owner(id);
      const about = base("cs", "checkout.session", of.livemode);
      return put(state.checkoutSessions, {
        ...about,
        ...ownership(of),
        status: "open",
        mode: "payment",
        client_secret: `${about.id}_secret_canary`,
        payment_intent: null,
        setup_intent: null,
        customer_email: null,
        customer_details: null,
        ...chosen,
      });
    },
  };
}
