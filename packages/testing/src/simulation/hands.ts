import { randomUUID } from "node:crypto";
import type { Company } from "./company.ts";
import type { Person } from "./model.ts";
import type { Random } from "./random.ts";

/** The person is in every system of the company that they do not object to; somebody new may be paying. */
export function moveIn({ vendors, rows }: Company, person: Person, random: Random, isNew = false): void {
  const { crm, news, billing } = vendors;
  const [first = ""] = person.emails;
  const isOut = (vendor: "crm" | "news") => person.keptOutSinceMs(vendor) !== undefined;
  if (crm.find(first).length === 0 && !isOut("crm")) crm.add({ id: randomUUID(), emails: person.emails });
  for (const email of person.emails) {
    if (news.find(email).length === 0 && random.chance(0.7) && !isOut("news"))
      news.add({ id: randomUUID(), emails: [email] });
    rows.add(email);
  }
  const isPaying = isNew && random.chance(0.3);
  if (billing.find(first).length === 0)
    billing.add({ id: randomUUID(), emails: [first], cards: 2, isPaying });
}

/** A choice that heed could not carry out at a vendor is carried out there by hand. */
export function tellByHand({ vendors }: Company, person: Person, processor: string): void {
  if (processor !== "crm" && processor !== "news") return;
  const vendor = vendors[processor];
  for (const topic of Object.keys(vendor.processor.topics))
    for (const email of person.emails) {
      const isIn = person.mayMail(email, topic) && person.keptOutSinceMs(processor) === undefined;
      const [to, from] = isIn ? [vendor.optedIn, vendor.optedOut] : [vendor.optedOut, vendor.optedIn];
      from.get(email)?.delete(topic);
      if (to === vendor.optedIn && vendor.find(email).length === 0)
        vendor.add({ id: randomUUID(), emails: [email] });
      to.set(email, new Set([...(to.get(email) ?? []), topic]));
    }
}

/** What a step asked of a human is done in the world. */
export function doByHand(
  { vendors, rows }: Company,
  person: Person,
  processor: string,
  operation: string,
): void {
  for (const email of person.emails) {
    if (processor === "app") rows.delete(email);
    if (operation === "forgetTokens")
      for (const record of vendors.billing.find(email)) Object.assign(record, { cards: 0, isPaying: false });
    if (processor !== "crm" && processor !== "news") continue;
    const vendor = vendors[processor];
    const isRemoval = operation === "erase" || operation === "exclude";
    if (isRemoval) for (const { id } of vendor.find(email)) vendor.records.delete(id);
    if (isRemoval || operation === "unsubscribe") vendor.optedIn.delete(email);
  }
}
