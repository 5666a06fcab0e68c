import { type Chosen, type Making, ownership, put } from "./making.ts";
import type {
  ChargeObject,
  DisputeObject,
  InvoiceObject,
  ScheduleObject,
  SubscriptionObject,
} from "./stripe-objects.ts";

const monthSeconds = 30 * 86_400;

/** What a customer pays. */
export interface BillingAdditions {
  /** Default: `active`, renewed every thirty days from now on. */
  subscription(
    owner: string,
    chosen?: Chosen<SubscriptionObject> & {
      /** Seconds since 1970: the end of what is paid for. Default: in thirty days. */
      readonly periodEnd?: number;
    },
  ): SubscriptionObject;
  /** Default status: `not_started`. */
  schedule(owner: string, chosen?: Chosen<ScheduleObject>): ScheduleObject;
  /** Default status: `paid`. */
  invoice(owner: string, chosen?: Chosen<InvoiceObject>): InvoiceObject;
  /** Default: paid and collected. `null`: a guest's. */
  charge(owner: string | null, chosen?: Chosen<ChargeObject>): ChargeObject;
  /** Disputes the charge. Default status: `needs_response`. */
  dispute(charge: string, chosen?: Chosen<Omit<DisputeObject, "charge">>): DisputeObject;
}

export function billingAdditions({ world: { state }, base, owner }: Making): BillingAdditions {
  return {
    subscription(id, { periodEnd, ...chosen } = {}) {
      const of = owner(id);
      const about = base("sub", "subscription", of.livemode);
      const current_period_end = periodEnd ?? about.created + monthSeconds;
      return put(state.subscriptions, {
        ...about,
        ...ownership(of),
        status: "active",
        default_payment_method: null,
        default_source: null,
        cancel_at_period_end: false,
        cancel_at: null,
        ended_at: null,
        schedule: null,
        items: { object: "list", data: [{ id: about.id.replace("sub", "si"), current_period_end }] },
        payment_settings: { save_default_payment_method: "off" },
        ...chosen,
      });
    },
    schedule(id, chosen) {
      const of = owner(id);
      const about = base("sub_sched", "subscription_schedule", of.livemode);
      const schedule = put(state.schedules, {
        ...about,
        ...ownership(of),
        status: "not_started",
        subscription: null,
        ...chosen,
      });
      const subscription = state.subscriptions.get(schedule.subscription ?? "");
      if (subscription) subscription.schedule = schedule.id;
      return schedule;
    },
    invoice(id, chosen) {
      const of = owner(id);
      return put(state.invoices, {
        ...base("in", "invoice", of.livemode),
        ...ownership(of),
        customer_email: of.email,
        customer_name: of.name,
        total: 1200,
        status: "paid",
        default_payment_method: null,
        default_source: null,
        ...chosen,
      });
    },
    charge(id, chosen) {
      const of = owner(id);
      return put(state.charges, {
        ...base("ch", "charge", of.livemode),
        ...ownership(of),
        amount: 1200,
        billing_details: { name: of.name, email: of.email },
        receipt_email: null,
        disputed: false,
        status: "succeeded",
        captured: true,
        refunded: false,
        payment_intent: null,
        outcome: { risk_level: "normal", risk_score: 17 },
        payment_method_details: { type: "card", card: { last4: "4242", fingerprint: "Xt5EWLLDS7FJjR1c" } },
        ...chosen,
      });
    },
    dispute(charge, chosen) {
      const disputed = state.charges.get(charge);
      if (disputed === undefined) throw new TypeError("The account has no such charge to dispute.");
      disputed.disputed = true;
      const about = base("dp", "dispute", disputed.livemode);
      return put(state.disputes, { ...about, charge, status: "needs_response", ...chosen });
    },
  };
}
