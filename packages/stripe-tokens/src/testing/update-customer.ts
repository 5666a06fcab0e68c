import { one } from "./form.ts";
import { type Asked, seen } from "./route.ts";
import { noSuch } from "./stripe-failure.ts";
import type { CustomerObject, PostalAddress } from "./stripe-objects.ts";

const plainFields = ["email", "name", "phone", "description", "individual_name", "business_name"] as const;

/** Sets what was sent; the empty string clears. */
export function updateCustomer(customer: CustomerObject, asked: Asked): void {
  const { params } = asked;
  for (const field of plainFields) {
    const value = one(params, field);
    if (value !== undefined) customer[field] = value || null;
  }
  if (one(params, "address") === "") customer.address = null;
  customer.address = withParts(customer.address, "address", asked);
  if (one(params, "shipping") === "") customer.shipping = null;
  if ([...params.keys()].some((name) => name.startsWith("shipping["))) {
    const shipping = customer.shipping ?? { name: null, phone: null, address: null };
    for (const field of ["name", "phone"] as const) {
      const value = one(params, `shipping[${field}]`);
      if (value !== undefined) shipping[field] = value || null;
    }
    customer.shipping = { ...shipping, address: withParts(shipping.address, "shipping[address]", asked) };
  }
  if (one(params, "metadata") === "") customer.metadata = {};
  for (const [name, values] of params) {
    const key = /^metadata\[(.+)\]$/.exec(name)?.[1];
    if (key === undefined) continue;
    const { [key]: _, ...others } = customer.metadata;
    const value = values.at(-1);
    customer.metadata = value ? { ...others, [key]: value } : others;
  }
  const locales = params.get("preferred_locales[]");
  if (locales !== undefined) customer.preferred_locales = locales.filter((locale) => locale !== "");
  const method = one(params, "invoice_settings[default_payment_method]");
  if (method !== undefined) customer.invoice_settings.default_payment_method = ownMethod(method, asked);
}

function withParts(before: PostalAddress | null, of: string, { params }: Asked): PostalAddress | null {
  const given = ["city", "country", "line1", "line2", "postal_code", "state"].flatMap((part) => {
    const value = one(params, `${of}[${part}]`);
    return value === undefined ? [] : [[part, value || null] as const];
  });
  return given.length === 0 ? before : { ...before, ...Object.fromEntries(given) };
}

function ownMethod(id: string, asked: Asked): string | null {
  if (id === "") return null;
  if (seen(asked.state.paymentMethods, id, asked)?.customer === asked.ids[0]) return id;
  throw noSuch("PaymentMethod", id, "invoice_settings[default_payment_method]", 400);
}
