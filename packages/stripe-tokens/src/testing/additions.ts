import { reindex } from "./customer-routes.ts";
import type {
  ChargeObject,
  CustomerObject,
  DisputeObject,
  InvoiceObject,
  PaymentMethodObject,
  ScheduleObject,
  SourceObject,
  StripeObject,
  SubscriptionObject,
} from "./stripe-objects.ts";
import type { World } from "./world.ts";

/** The fields of an object that a test may choose; what it leaves out gets a plain default. */
type Chosen<T> = Partial<Omit<T, "object" | "customer" | "created">>;

/** Puts objects into the account, as the shop did before anybody asked for anything. */
export interface Additions {
  /** `livemode` decides for all that is added to the customer later. Default: test mode. */
  customer(chosen?: Chosen<CustomerObject>): CustomerObject;
  /** Attached to the customer. A card unless `type` says otherwise. */
  paymentMethod(customer: string, chosen?: Chosen<PaymentMethodObject>): PaymentMethodObject;
  /** A legacy card, bank account or source. The first one becomes the customer's default. */
  source(customer: string, chosen?: Chosen<SourceObject> & { object?: string }): SourceObject;
  /** Default status: `active`. */
  subscription(customer: string, chosen?: Chosen<SubscriptionObject>): SubscriptionObject;
  /** Default status: `not_started`. */
  schedule(customer: string, chosen?: Chosen<ScheduleObject>): ScheduleObject;
  /** Default status: `paid`. */
  invoice(customer: string, chosen?: Chosen<InvoiceObject>): InvoiceObject;
  charge(customer: string, chosen?: Chosen<ChargeObject>): ChargeObject;
  /** Disputes the charge. Default status: `needs_response`. */
  dispute(charge: string, chosen?: Chosen<Omit<DisputeObject, "charge">>): DisputeObject;
}

export function additions(world: World): Additions {
  const { state, switches } = world;
  let made = 0;

  function base(prefix: string, object: string, livemode: boolean): StripeObject {
    made += 1;
    const created = Math.floor(switches.now().getTime() / 1000);
    return { id: `${prefix}_${String(made).padStart(14, "0")}`, object, created, livemode };
  }
  function owner(id: string): CustomerObject {
    const customer = state.customers.get(id);
    if (customer === undefined) throw new TypeError("The account has no such customer to add this to.");
    return customer;
  }

  return {
    customer(chosen) {
      const customer: CustomerObject = {
        ...base("cus", "customer", chosen?.livemode ?? false),
        deleted: false,
        email: null,
        name: null,
        phone: null,
        description: null,
        default_source: null,
        invoice_settings: { default_payment_method: null },
        ...chosen,
      };
      reindex(customer, world);
      return put(state.customers, customer);
    },
    paymentMethod(customer, chosen) {
      const { livemode, name, email } = owner(customer);
      const type = chosen?.type ?? "card";
      return put(state.paymentMethods, {
        ...base("pm", "payment_method", livemode),
        type,
        customer,
        allow_redisplay: "unspecified",
        billing_details: { name, email },
        ...(type === "card" ? { card } : {}),
        ...chosen,
      });
    },
    source(customer, { object = "card", ...chosen } = {}) {
      const { livemode, name } = owner(customer);
      const prefix = { card: "card", bank_account: "ba" }[object] ?? "src";
      const about = base(prefix, object, livemode);
      const source = put(state.sources, { ...about, customer, name, last4: "4242", ...chosen });
      owner(customer).default_source ??= source.id;
      return source;
    },
    subscription: (customer, chosen) =>
      put(state.subscriptions, {
        ...base("sub", "subscription", owner(customer).livemode),
        customer,
        status: "active",
        default_payment_method: null,
        default_source: null,
        ...chosen,
      }),
    schedule(customer, chosen) {
      const about = base("sub_sched", "subscription_schedule", owner(customer).livemode);
      return put(state.schedules, { ...about, customer, status: "not_started", ...chosen });
    },
    invoice(customer, chosen) {
      const { livemode, email, name } = owner(customer);
      return put(state.invoices, {
        ...base("in", "invoice", livemode),
        customer,
        customer_email: email,
        customer_name: name,
        total: 1200,
        status: "paid",
        ...chosen,
      });
    },
    charge(customer, chosen) {
      const { livemode, email, name } = owner(customer);
      return put(state.charges, {
        ...base("ch", "charge", livemode),
        customer,
        amount: 1200,
        disputed: false,
        billing_details: { name, email },
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

const card = { brand: "visa", last4: "4242", exp_month: 12, exp_year: 2030, fingerprint: "Xt5EWLLDS7FJjR1c" };

function put<T extends StripeObject>(rows: Map<string, T>, row: T): T {
  rows.set(row.id, row);
  return row;
}
