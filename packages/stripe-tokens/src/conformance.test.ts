import { describeProcessor } from "@heed/testing";
import { stripeTokens } from "./stripe-tokens.ts";
import { stripeAccount } from "./testing/index.ts";

describeProcessor({
  name: "stripe-tokens",
  async create(between) {
    const account = stripeAccount({ limited: false });
    const { url, close } = await account.listen();
    const baseUrl = await between(url);
    const { key: apiKey, id } = account;
    const customersOf = (email: string) =>
      [...account.state.customers.values()].filter((customer) => customer.email === email);
    const objectsOf = (email: string) => customersOf(email).flatMap((each) => account.objectsOf(each.id));
    const add = (email: string) => {
      const customer = account.add.customer({ email, name: "Anna" });
      const card = account.add.paymentMethod(customer.id);
      customer.invoice_settings.default_payment_method = card.id;
      account.add.source(customer.id);
      account.add.invoice(customer.id);
      return customer.id;
    };
    return {
      processor: stripeTokens({ apiKey, account: id, baseUrl }),
      misconfigured: stripeTokens({ apiKey, account: "acct_another", baseUrl }),
      world: {
        add: (email) => void add(email),
        isDone: (email) => customersOf(email).every((each) => account.credentialsOf(each.id).length === 0),
        snapshot(email) {
          const held = objectsOf(email);
          return held.length === 0
            ? ""
            : JSON.stringify(held, (key, value: unknown) => (key === "created" ? undefined : value));
        },
        crowd(email) {
          const customer = add(email);
          for (let count = 0; count < 150; count += 1) account.add.paymentMethod(customer);
          return () => {
            // The last one of the first page, the newest being first.
            const method = [...account.state.paymentMethods.values()]
              .filter((each) => each.customer === customer)
              .at(-100);
            if (method !== undefined) method.customer = null;
          };
        },
        twin: (email) => void add(email),
        alike(email) {
          const customer = account.state.customers.get(add(email));
          if (customer === undefined) throw new TypeError("The account lost a customer.");
          // The search's index does not know yet that the address changed.
          customer.email = `new.${email}`;
          return customer.email;
        },
        keep: {
          category: "invoices",
          isThere: (email) => objectsOf(email).some(({ object }) => object === "invoice"),
        },
      },
      close,
    };
  },
});
