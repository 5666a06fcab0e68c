import { z } from "zod";
import { vendorLine, type VendorAccess } from "./vendor-line.ts";

const objectSchema = z.looseObject({ id: z.string(), object: z.string() });
const listSchema = z.looseObject({ data: z.array(objectSchema) });

/** An object as Stripe shows it. */
export type SeenObject = z.infer<typeof objectSchema>;

const all = { limit: "100" };

/** What the demo itself does at Stripe: makes customers who pay, ends what they pay, and looks at what there is. */
export function stripeDesk(access: VendorAccess) {
  const line = vendorLine("Stripe", { ...access, headers: { "Stripe-Version": "2026-10-28.endive" } });
  const get = (path: string, query: Readonly<Record<string, string>> = {}) =>
    line(objectSchema, { method: "GET", path, query });
  const list = async (path: string, query: Readonly<Record<string, string>> = {}) =>
    (await line(listSchema, { method: "GET", path, query: { ...all, ...query } })).data;
  const post = async (path: string, form: Readonly<Record<string, string>>) =>
    (await line(objectSchema, { method: "POST", path, form })).id;

  return {
    account: async () => (await get("/v1/account")).id,
    addCustomer: (email: string, name: string) => post("/v1/customers", { email, name }),
    /** A card that Stripe has for tries. */
    addCard: (customer: string) => post("/v1/payment_methods/pm_card_visa/attach", { customer }),
    addProduct: (name: string) => post("/v1/products", { name }),
    archiveProduct: (id: string) => post(`/v1/products/${id}`, { active: "false" }),
    subscribe: (customer: string, card: string, product: string) =>
      post("/v1/subscriptions", {
        customer,
        default_payment_method: card,
        "items[0][price_data][currency]": "eur",
        "items[0][price_data][product]": product,
        "items[0][price_data][recurring][interval]": "month",
        "items[0][price_data][unit_amount]": "1200",
      }),
    async cancelSubscriptions(customer: string): Promise<void> {
      for (const { id } of await list("/v1/subscriptions", { customer }))
        await line(objectSchema, { method: "DELETE", path: `/v1/subscriptions/${id}` });
    },
    customersOf: (email: string) => list("/v1/customers", { email }),
    cardsOf: (customer: string) => list(`/v1/customers/${customer}/payment_methods`),
    /** The customer, if it was not deleted, and the records that are kept of it. */
    async recordsOf(customer: string): Promise<readonly SeenObject[]> {
      const record = await get(`/v1/customers/${customer}`);
      return [
        ...(record["deleted"] === true ? [] : [record]),
        ...(await list("/v1/invoices", { customer })),
        ...(await list("/v1/charges", { customer })),
      ];
    },
    card: (id: string) => get(`/v1/payment_methods/${id}`),
  };
}
