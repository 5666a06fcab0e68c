import { z } from "zod";

/** A page of one of Stripe's lists; a search says in `next_page` how to go on. */
function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ data: z.array(item), has_more: z.boolean(), next_page: z.string().nullish() });
}

type Page<T> = ReturnType<typeof pageOf<z.ZodType<T>>>;
const known = new WeakMap<z.ZodType, Page<unknown>>();

/** The same, made once for each schema: zod compiles a schema at its first use, which takes longer than to read a page. */
export function knownPageOf<T>(item: z.ZodType<T>): Page<T> {
  const page = known.get(item) ?? pageOf(item);
  known.set(item, page);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is kept under an item is a page of it
  return page as Page<T>;
}

const id = z.string().min(1);
/** Seconds since 1970. */
const seconds = z.number().int();

/** A pointer to another object: its id, or the object itself where it was expanded. */
const pointer = z.union([id, z.looseObject({})]).nullable();
/** As {@link pointer}, of objects on which Stripe may leave it out. */
const maybePointer = pointer.optional().transform((value) => value ?? null);

export const accountSchema = z.object({ id });
export const identifiedSchema = z.object({ id });
export const withStatusSchema = z.object({ id, status: z.string() });
export const createdSchema = z.object({ id, created: seconds });
/** Anything that Stripe holds, as it answered it. */
export const recordSchema = z.looseObject({ id });

/** What is left of a deleted customer. It has no mode and no defaults. */
const deletedCustomerSchema = z.object({ id, deleted: z.literal(true) });

export const paymentMethodSchema = z.object({ id, customer: pointer, customer_account: maybePointer });
export const listedMethodSchema = z.object({ id, type: z.string() });

export const subscriptionSchema = z.object({
  id,
  status: z.string(),
  created: seconds,
  default_payment_method: pointer,
  default_source: pointer,
  cancel_at: seconds.nullish(),
  cancel_at_period_end: z.boolean().nullish(),
  schedule: maybePointer,
  items: z.object({ data: z.array(z.object({ current_period_end: seconds.nullish() })) }).nullish(),
  payment_settings: z.object({ save_default_payment_method: z.string().nullish() }).nullish(),
});

/** Whose mode shows which mode a key opens. */
export const listedCustomerSchema = z.object({ id, livemode: z.boolean() });

/** A customer with everything on it that points to a credential: its defaults, sources and live subscriptions. */
export const customerSchema = z.object({
  id,
  livemode: z.boolean(),
  email: z.string().nullish(),
  default_source: pointer,
  invoice_settings: z.object({ default_payment_method: pointer }),
  sources: pageOf(identifiedSchema),
  subscriptions: pageOf(subscriptionSchema),
});

export const retrievedCustomerSchema = z.union([deletedCustomerSchema, customerSchema]);

/** An account of the v2 API that stands for a customer. */
export const customerAccountSchema = z.object({
  id,
  livemode: z.boolean(),
  closed: z.boolean().nullish(),
});

export const sessionSchema = z.looseObject({
  id,
  customer: maybePointer,
  customer_account: maybePointer,
  created: seconds,
  payment_intent: maybePointer,
  customer_details: z.object({ email: z.string().nullish() }).nullish(),
});

export const chargeSchema = z.object({
  id,
  disputed: z.boolean(),
  status: z.string().nullish(),
  captured: z.boolean().nullish(),
  refunded: z.boolean().nullish(),
});
/** A payment with the charge that it made last. */
export const chargedPaymentSchema = z.object({
  id,
  status: z.string(),
  latest_charge: chargeSchema.nullish(),
});

export const invoiceSchema = z.object({
  id,
  status: z.string().nullable(),
  default_payment_method: maybePointer,
  default_source: maybePointer,
});

export const redactionJobSchema = z.object({ id, status: z.string() });
export const validationErrorSchema = z.object({ id, code: z.string() });

export type ListedMethod = z.infer<typeof listedMethodSchema>;
export type Customer = z.infer<typeof customerSchema>;
export type RetrievedCustomer = z.infer<typeof retrievedCustomerSchema>;
export type Invoice = z.infer<typeof invoiceSchema>;
export type Subscription = z.infer<typeof subscriptionSchema>;
export type Charge = z.infer<typeof chargeSchema>;
export type GuestSession = z.infer<typeof sessionSchema>;
