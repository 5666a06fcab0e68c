import { type BillingAdditions, billingAdditions } from "./billing-additions.ts";
import { reindex } from "./customer-routes.ts";
import { type Chosen, type Workshop, making, ownership, put } from "./making.ts";
import { type PaymentAdditions, paymentAdditions } from "./payment-additions.ts";
import {
  blankCustomer,
  type CustomerAccountObject,
  type CustomerObject,
  type PaymentMethodObject,
  type RecordObject,
  type SourceObject,
} from "./stripe-objects.ts";

/** Puts objects into the account, as the shop did before anybody asked for anything. */
export interface Additions extends BillingAdditions, PaymentAdditions {
  /** `livemode` decides for all that is added to the customer later. Default: test mode. */
  customer(chosen?: Chosen<CustomerObject>): CustomerObject;
  /** An account of the v2 API that stands for a customer: `acct_…`. */
  customerAccount(chosen?: Chosen<CustomerAccountObject>): CustomerAccountObject;
  /** Attached to the customer or account. A card unless `type` says otherwise. */
  paymentMethod(owner: string, chosen?: Chosen<PaymentMethodObject>): PaymentMethodObject;
  /** A legacy card, bank account or source. The first one becomes the customer's default. */
  source(customer: string, chosen?: Chosen<SourceObject> & { object?: string }): SourceObject;
  /** What is only read: `credit_note`, `invoiceitem`, `quote`, `promotion_code`, `tax_id`, … */
  record(customer: string, object: string, fields?: Readonly<Record<string, unknown>>): RecordObject;
}

export function additions(world: Workshop): Additions {
  const { state } = world;
  const made = making(world);
  const { base, owner } = made;

  return {
    ...billingAdditions(made),
    ...paymentAdditions(made),
    customer(chosen) {
      const customer: CustomerObject = {
        ...base("cus", "customer", chosen?.livemode ?? false),
        deleted: false,
        ...blankCustomer(),
        test_clock: null,
        ...chosen,
      };
      reindex(customer, world);
      return put(state.customers, customer);
    },
    customerAccount: (chosen) =>
      put(state.customerAccounts, {
        ...base("acct", "v2.core.account", chosen?.livemode ?? false),
        closed: false,
        contact_email: null,
        display_name: null,
        ...chosen,
      }),
    paymentMethod(id, chosen) {
      const of = owner(id);
      const type = chosen?.type ?? "card";
      return put(state.paymentMethods, {
        ...base("pm", "payment_method", of.livemode),
        ...ownership(of),
        type,
        allow_redisplay: "unspecified",
        billing_details: { name: of.name, email: of.email },
        ...(type === "card" ? { card } : {}),
        ...chosen,
      });
    },
    source(id, { object = "card", ...chosen } = {}) {
      const customer = made.customer(id);
      const prefix = { card: "card", bank_account: "ba" }[object] ?? "src";
      const about = base(prefix, object, customer.livemode);
      const source = put(state.sources, {
        ...about,
        customer: id,
        name: customer.name,
        last4: "4242",
        ...chosen,
      });
      customer.default_source ??= source.id;
      return source;
    },
    record(id, object, fields) {
      const of = owner(id);
      return put(state.records, { ...base(object, object, of.livemode), ...ownership(of), ...fields });
    },
  };
}

const card = { brand: "visa", last4: "4242", exp_month: 12, exp_year: 2030, fingerprint: "Xt5EWLLDS7FJjR1c" };
