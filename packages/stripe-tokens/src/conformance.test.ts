import type { OperationName } from "@heed/core/contract";
import { type World, describeProcessor } from "@heed/testing";
import { eitherWay } from "../test/subject.ts";
import { stripeTokens } from "./stripe-tokens.ts";
import { type StripeAccount, stripeAccount } from "./testing/index.ts";

const changes = { name: "Anna Andersson", phone: null };

/** The account as the kit asks it. Whom an object is of is known here, since Stripe forgets the addresses of the erased. */
function worldOf(account: StripeAccount): World {
  const people = new Map<string, string[]>();
  const idsOf = (email: string) => people.get(email) ?? [];
  const customersOf = (email: string) => idsOf(email).flatMap((id) => account.state.customers.get(id) ?? []);
  const objectsOf = (email: string) => idsOf(email).flatMap((id) => account.objectsOf(id));
  const add = (email: string) => {
    const customer = account.add.customer({ email, name: "Anna", phone: "+46 8 123456" });
    const { id } = customer;
    customer.invoice_settings.default_payment_method = account.add.paymentMethod(id).id;
    account.add.source(id);
    account.add.setupIntent(id);
    account.add.checkoutSession(id);
    account.add.invoice(id);
    people.set(email, [...idsOf(email), id]);
    return id;
  };
  return {
    add: (email) => void add(email),
    isDone(email, { operation }) {
      if (operation === "erase") return customersOf(email).every(({ deleted }) => deleted);
      if (operation === "rectify") {
        const left = customersOf(email).filter(({ deleted }) => !deleted);
        return left.every(({ name, phone }) => name === changes.name && phone === null);
      }
      return idsOf(email).every((id) => account.credentialsOf(id).length === 0);
    },
    snapshot(email) {
      const held = objectsOf(email);
      return held.length === 0
        ? ""
        : JSON.stringify(held, (key, value: unknown) => (key === "created" ? undefined : value));
    },
    crowd: (email, operation) => crowds[operation]?.(account, () => add(email)) ?? (() => {}),
    twin: (email) => void add(email),
    alike(email) {
      const customer = account.state.customers.get(add(email));
      if (customer === undefined) throw new TypeError("The account lost a customer.");
      // The search's index does not know yet that the address changed.
      customer.email = `new.${email}`;
      people.set(
        email,
        idsOf(email).filter((id) => id !== customer.id),
      );
      people.set(customer.email, [customer.id]);
      return customer.email;
    },
    keep: {
      category: "invoices",
      isThere: (email) => objectsOf(email).some(({ object }) => object === "invoice"),
    },
    facts: (email) => [email, "Anna", "+46 8 123456", "4242", ...objectsOf(email).map(({ id }) => id)],
    replies: {
      unauthorized: refusal(401, "Invalid API Key provided: sk_test_***"),
      missingScope: refusal(
        403,
        "The provided key does not have the required permissions for this endpoint.",
      ),
      unknownUrl: refusal(404, "Unrecognized request URL (GET: /v1/x)."),
      rateLimited: {
        ...refusal(429, "Request rate limit exceeded.", "rate_limit"),
        headers: { "Stripe-Rate-Limited-Reason": "endpoint-rate" },
      },
    },
  };
}

function refusal(status: number, message: string, code?: string) {
  return { status, body: { error: { type: "invalid_request_error", message, ...(code ? { code } : {}) } } };
}

type Crowd = (account: StripeAccount, add: () => string) => () => void;

function manyMethods(account: StripeAccount, add: () => string): () => void {
  const customer = add();
  for (let count = 0; count < 150; count += 1) account.add.paymentMethod(customer);
  return () => {
    const held = [...account.state.paymentMethods.values()].find((each) => each.customer === customer);
    if (held !== undefined) held.customer = null;
  };
}

/** More than one page of what each operation works through, and how one of it goes. */
const manyCustomers: Crowd = (account, add) => {
  const ids = Array.from({ length: 105 }, add);
  return () => account.deleteCustomer(ids[0] ?? "");
};
const crowds: { readonly [N in OperationName]?: Crowd } = {
  forgetTokens: manyMethods,
  erase: manyMethods,
  export: manyMethods,
  rectify: manyCustomers,
  observe: manyCustomers,
};

for (const [named, switches] of eitherWay) {
  describeProcessor({
    name: `stripe-tokens, Stripe ${named}`,
    async create(between) {
      const account = stripeAccount({ limited: false, ...switches });
      const baseUrl = await between(account.answer);
      const { key: apiKey, id } = account;
      return {
        processor: stripeTokens({ apiKey, account: id, baseUrl }),
        misconfigured: stripeTokens({ apiKey, account: "acct_another", baseUrl }),
        world: worldOf(account),
        inputs: { rectify: { changes } },
      };
    },
  });
}
