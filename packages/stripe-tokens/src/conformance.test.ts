import { type WorldFault, describeProcessor } from "@heed/testing";
import { stripeTokens } from "./stripe-tokens.ts";
import { type Fault, stripeAccount } from "./testing/index.ts";

const faults: Readonly<Record<WorldFault, Fault>> = {
  unauthorized: 401,
  forbidden: 403,
  "unknown-url": 404,
  "rate-limited": "rate-limit",
  unavailable: 503,
  garbage: "garbage",
  "cut-before": "drop-before",
  "cut-after": "drop-after",
  hang: "hang",
  "ignores-writes": "pretend",
};

describeProcessor({
  name: "stripe-tokens",
  operations: ["forgetTokens"],
  async create() {
    const account = stripeAccount({ limited: false });
    const { url: baseUrl, close } = await account.listen();
    const customersOf = (email: string) =>
      [...account.state.customers.values()].filter((customer) => customer.email === email);
    const { key: apiKey, id } = account;
    return {
      processor: stripeTokens({ apiKey, account: id, baseUrl }),
      misconfigured: stripeTokens({ apiKey, account: "acct_another", baseUrl }),
      world: {
        add(email) {
          const customer = account.add.customer({ email, name: "Anna" });
          const card = account.add.paymentMethod(customer.id);
          customer.invoice_settings.default_payment_method = card.id;
          account.add.source(customer.id);
          account.add.invoice(customer.id);
        },
        holds: (_, email) =>
          customersOf(email).some(({ id: each }) => account.credentialsOf(each).length > 0),
        snapshot: (email) =>
          JSON.stringify(customersOf(email).map(({ id: customer }) => account.objectsOf(customer))),
        fault: (fault) => account.fault("*", faults[fault], { times: Infinity }),
        heal: () => account.heal(),
        requests: () => ({ total: account.count(), mutating: account.writes().length }),
      },
      close,
    };
  },
});
