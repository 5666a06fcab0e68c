import type { Call, Finding, Outcome } from "@heed/core/contract";
import type { Stripe } from "stripe";
import type { StripeKind } from "./find-customers.ts";
import { ownersOf } from "./owner.ts";
import type { StripeCalls } from "./stripe-calls.ts";

const plainFields = new Set(["email", "name", "individual_name", "business_name", "phone", "description"]);
const addressParts = "city|country|line1|line2|postal_code|state";
const nestedField = new RegExp(
  `^(?:address|shipping|address\\.(?:${addressParts})|shipping\\.(?:name|phone)|` +
    `shipping\\.address\\.(?:${addressParts})|metadata\\.[\\w-]{1,40})$`,
);
/** Fields whose values an invoice copies when it is finalised. */
const copied = /^(?:email|name|phone|address|shipping)/;

type Changes = Call<"rectify">["input"]["changes"];

/**
 * Sets fields of every customer of the subject, by Stripe's own names: `email`, `name`, `individual_name`,
 * `business_name`, `phone`, `description`, and with a dot what lies within: `address.line1`, `shipping.name`,
 * `shipping.address.city`, `metadata.nickname`. `null` clears; `address` and `shipping` can be cleared as a whole.
 * A field that a customer does not have goes to a human. Invoices that are final keep their copies.
 */
export async function rectify(
  calls: StripeCalls,
  call: Call<"rectify", StripeKind>,
): Promise<Outcome<"rectify">> {
  const { changes } = call.input;
  const fields = Object.keys(changes);
  const customers = ownersOf(call).filter(({ kind }) => kind === "customer");
  if (customers.length < ownersOf(call).length) {
    return { status: "manual", instruction: "Correct this person's account of Stripe's v2 API by hand." };
  }
  const isUnknown = (field: string) =>
    !(plainFields.has(field) || nestedField.test(field)) ||
    ((field === "address" || field === "shipping") && changes[field] !== null);
  if (fields.some(isUnknown)) {
    return {
      status: "manual",
      instruction: `Correct by hand what is no field of a customer at Stripe, or rename it: ${[...plainFields].join(", ")}, address.line1, shipping.name, metadata.key, and the like.`,
    };
  }
  let affected = 0;
  let invoiced = false;
  if (customers.length === 0) return { status: "absent" };
  for (const owner of customers) {
    const record = await calls.customerRecord(owner.id);
    if (record === undefined || record["deleted"] === true) continue;
    const wrong = fields.filter((field) => !isAsAsked(record, field, changes[field] ?? null));
    if (wrong.length > 0) {
      await calls.updateCustomer(owner.id, updateOf(record, wrong, changes));
      affected += 1;
    }
    if (!invoiced && fields.some((field) => copied.test(field))) {
      invoiced = typeof (await calls.newestInvoice(owner)) === "object";
    }
  }
  const retained = invoiced ? [{ category: "invoices", reason: "copies-on-final-invoices" }] : [];
  return { status: "done", affected, ...(retained.length > 0 ? { retained } : {}) };
}

/** Reads every customer and compares each field. */
export async function readRectified(calls: StripeCalls, call: Call<"rectify", StripeKind>): Promise<Finding> {
  for (const { kind, id } of ownersOf(call)) {
    const record = kind === "customer" ? await calls.customerRecord(id) : undefined;
    if (record === undefined || record["deleted"] === true) continue;
    for (const [field, value] of Object.entries(call.input.changes)) {
      if (!isAsAsked(record, field, value)) return { seen: "not-as-asked" };
    }
  }
  return { seen: "as-asked" };
}

/** What Stripe was not given, and what is empty, is `null` there or left out. */
function isAsAsked(record: object, field: string, wanted: string | null): boolean {
  return (valueAt(record, field) ?? "") === (wanted ?? "");
}

function valueAt(record: unknown, field: string): unknown {
  let value = record;
  for (const name of field.split(".")) {
    if (typeof value !== "object" || value === null) return undefined;
    value = new Map<string, unknown>(Object.entries(value)).get(name);
  }
  return value;
}

/** The empty string clears. A shipping address Stripe takes only as a whole, with its name. */
function updateOf(record: object, fields: readonly string[], changes: Changes): Stripe.CustomerUpdateParams {
  const under = (prefix: string): Record<string, string> =>
    Object.fromEntries(
      fields.flatMap((field) => {
        const name = field.startsWith(prefix) ? field.slice(prefix.length) : ".";
        return name.includes(".") ? [] : [[name, changes[field] ?? ""]];
      }),
    );
  const address = under("address.");
  const metadata = under("metadata.");
  const kept = (field: string) => {
    const value = valueAt(record, field);
    return typeof value === "string" ? value : "";
  };
  const ships = fields.some((field) => field.startsWith("shipping."));
  return {
    ...under(""),
    ...(Object.keys(address).length > 0 ? { address } : {}),
    ...(Object.keys(metadata).length > 0 ? { metadata } : {}),
    ...(ships
      ? {
          shipping: {
            name: kept("shipping.name"),
            ...(kept("shipping.phone") === "" ? {} : { phone: kept("shipping.phone") }),
            ...under("shipping."),
            address: {
              ...Object.fromEntries(
                addressParts.split("|").flatMap((part) => {
                  const value = kept(`shipping.address.${part}`);
                  return value === "" ? [] : [[part, value]];
                }),
              ),
              ...under("shipping.address."),
            },
          },
        }
      : {}),
  };
}
