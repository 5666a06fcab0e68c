import type { Stripe } from "stripe";
import type { Asker } from "./ask-stripe.ts";
import {
  accountSchema,
  customerAccountSchema,
  customerSchema,
  identifiedSchema,
  listedCustomerSchema,
  recordSchema,
  retrievedCustomerSchema,
} from "./stripe-answers.ts";

/** The account itself, its customers, and the accounts of the v2 API that stand for customers. */
export function customerCalls({ client, ask, all, newest, found, moment }: Asker) {
  return {
    account: () =>
      ask("account-read", accountSchema, (options) => client.accounts.retrieveCurrent({}, options)),

    /** Any one customer of the account. */
    anyCustomer: () =>
      newest("customer-list", listedCustomerSchema, (options) =>
        client.customers.list({ limit: 1 }, options),
      ),
    /** With everything on each that points to a credential. Stripe compares exactly, letter case included. */
    async customersListedAs(email: string) {
      const expand = ["data.sources", "data.subscriptions"];
      const customers = await all("customer-list", customerSchema, (page, options) =>
        client.customers.list({ email, expand, ...page }, options),
      );
      for (const customer of customers) moment.saw(customer);
      return customers;
    },
    /** Stripe ignores letter case here, and lags behind what was written. */
    customersSearchedAs: (email: string) => {
      const query = `email:'${email.replaceAll(/[\\']/g, String.raw`\$&`)}'`;
      return all("customer-search", identifiedSchema, ({ limit, starting_after: page }, options) =>
        client.customers.search({ query, limit, ...(page === undefined ? {} : { page }) }, options),
      );
    },
    /** With everything on it that points to a credential. */
    customer: (id: string) =>
      moment.customer(id, () =>
        found("customer-read", retrievedCustomerSchema, (options) =>
          client.customers.retrieve(id, { expand: ["sources", "subscriptions"] }, options),
        ),
      ),
    /** As Stripe answers it, with its tax ids. */
    customerRecord: (id: string) =>
      found("customer-read", recordSchema, (options) =>
        client.customers.retrieve(id, { expand: ["tax_ids"] }, options),
      ),
    updateCustomer: (id: string, changes: Stripe.CustomerUpdateParams) =>
      ask("customer-update", identifiedSchema, (options) => client.customers.update(id, changes, options)),
    clearCustomerDefault: (id: string) =>
      ask("customer-update", identifiedSchema, (options) =>
        client.customers.update(id, { invoice_settings: { default_payment_method: "" } }, options),
      ),
    deleteCustomer: (id: string) =>
      ask("customer-delete", identifiedSchema, (options) => client.customers.del(id, {}, options)),

    customerAccount: (id: string) =>
      found("customer-account-read", customerAccountSchema, (options) =>
        client.v2.core.accounts.retrieve(id, {}, options),
      ),
    closeCustomerAccount: (id: string) =>
      ask("customer-account-close", identifiedSchema, (options) =>
        client.v2.core.accounts.close(id, { applied_configurations: ["customer"] }, options),
      ),
  };
}
