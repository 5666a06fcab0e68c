import type { Asker } from "./ask-stripe.ts";
import { type Owner, ownedBy } from "./owner.ts";
import { identifiedSchema, listedMethodSchema, paymentMethodSchema } from "./stripe-answers.ts";

/** Payment methods by both of their lists, and legacy sources. */
export function credentialCalls({ client, ask, all, found, moment }: Asker) {
  return {
    /** All types, by way of the customer. */
    methodsOfCustomer: (customer: string) =>
      all("customer-method-list", listedMethodSchema, (page, options) =>
        client.customers.listPaymentMethods(customer, page, options),
      ),
    /** The other way to the same methods. Without a type it leaves `custom` ones out. */
    methodsFiledUnder: (owner: Owner, type?: "custom") =>
      moment.methods(`${owner.id} ${type ?? ""}`, () =>
        all("method-list", listedMethodSchema, (page, options) =>
          client.paymentMethods.list({ ...ownedBy(owner), ...(type ? { type } : {}), ...page }, options),
        ),
      ),
    method: (id: string) =>
      found("method-read", paymentMethodSchema, (options) => client.paymentMethods.retrieve(id, {}, options)),
    detach: (id: string) =>
      ask("detach", paymentMethodSchema, (options) => client.paymentMethods.detach(id, {}, options)),

    sources: (customer: string) =>
      all("source-list", identifiedSchema, (page, options) =>
        client.customers.listSources(customer, page, options),
      ),
    deleteSource: (customer: string, id: string) =>
      ask("source-delete", identifiedSchema, (options) =>
        client.customers.deleteSource(customer, id, {}, options),
      ),
  };
}
