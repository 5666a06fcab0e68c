import { z } from "zod";

/** A page of one of Stripe's lists; a search says in `next_page` how to go on. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ data: z.array(item), has_more: z.boolean(), next_page: z.string().nullish() });
}

const id = z.string().min(1);

/** A pointer to another object: its id, or the object itself where it was expanded. */
const pointer = z.union([id, z.looseObject({})]).nullable();

export const accountSchema = z.object({ id });
export const identifiedSchema = z.object({ id });

/** A customer as far as finding needs it. */
export const foundCustomerSchema = z.object({ id, livemode: z.boolean(), email: z.string().nullish() });

/** What is left of a deleted customer. It has no mode and no defaults. */
const deletedCustomerSchema = z.object({ id, deleted: z.literal(true) });

export const retrievedCustomerSchema = z.union([deletedCustomerSchema, foundCustomerSchema]);

const credentialsOfCustomerSchema = z.object({
  id,
  default_source: pointer,
  invoice_settings: z.object({ default_payment_method: pointer }),
});

/** A customer's defaults. */
export const customerDefaultsSchema = z.union([deletedCustomerSchema, credentialsOfCustomerSchema]);

/** A customer's defaults and, expanded, its legacy sources. */
export const customerCredentialsSchema = z.union([
  deletedCustomerSchema,
  credentialsOfCustomerSchema.extend({ sources: pageOf(identifiedSchema) }),
]);

export const paymentMethodSchema = z.object({ id, customer: pointer });
export const subscriptionSchema = z.object({
  id,
  status: z.string(),
  default_payment_method: pointer,
  default_source: pointer,
});
export const withStatusSchema = z.object({ id, status: z.string() });
export const chargeSchema = z.object({ id, disputed: z.boolean() });

export type FoundCustomer = z.infer<typeof foundCustomerSchema>;
