import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { hubspotErase, hubspotUnsubscribe, leastMs, stripeForget, stripeLimitsOf } from "./least.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/limits.md"), "utf8");
const people = <T>(count: number, person: T): readonly T[] => Array.from({ length: count }, () => person);
const contact = { addresses: 1, contacts: 1 };
const hubspot = (calls: number) => ({ burst: { calls, perMs: 10_000 } });
const cells = (row: string) =>
  row
    .split("|")
    .map((cell) => cell.replaceAll("*", "").trim())
    .filter((cell) => cell !== "");
/** The cells of the page's rows that begin so, without their emphasis. */
const rowsOf = (first: string) =>
  page
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map(cells)
    .filter(([cell]) => cell === first);

describe("the least at HubSpot", () => {
  const plans = {
    "unsubscribe, batched": hubspotUnsubscribe(people(100_000, contact), { batched: true }),
    "unsubscribe, single": hubspotUnsubscribe(people(100_000, contact), { batched: false }),
    erase: hubspotErase(people(100_000, contact)),
  };

  it.each(Object.entries(plans))("is for 100,000 people what the page says: %s", (name, plan) => {
    const times = [100, 110, 190, 250].map((burst) => {
      const seconds = leastMs(plan, hubspot(burst)) / 1000;
      return seconds < 1000 ? `${seconds} s` : `${(seconds / 60).toFixed(1)} min`;
    });
    const said = rowsOf(name).find((row) => row.length > 5);
    expect(said?.slice(1, 6)).toEqual([plan.calls.toLocaleString("en"), ...times]);
    expect(rowsOf("altogether").flat()).toContain(plan.calls.toLocaleString("en"));
  });

  it("counts further addresses, brands, contacts and engagements", () => {
    const one = (person: typeof contact, brands = 1, batched = false) =>
      hubspotUnsubscribe([person], { batched, brands }).calls;
    // Looked up, opted out, read back.
    expect(one(contact)).toBe(3);
    // A second address: another write, and a read of its own.
    expect(one({ addresses: 2, contacts: 1 })).toBe(5);
    expect(one({ addresses: 2, contacts: 1 }, 1, true)).toBe(4);
    expect(one(contact, 2)).toBe(5);
    // Looked up twice, six inventories, deleted, and two looks of three calls each.
    expect(hubspotErase([contact]).calls).toBe(15);
    expect(hubspotErase([{ addresses: 2, contacts: 2 }]).calls).toBe(16);
    // Archived, and read back twice.
    expect(hubspotErase([{ ...contact, engagements: { notes: 101 } }]).calls).toBe(15 + 3 * 2);
  });
});

describe("the least at Stripe", () => {
  const card = { customers: 1, cards: 1 };
  const forget = stripeForget(people(100_000, card));

  it("is for 100,000 people what the page says", () => {
    const least = leastMs(forget, stripeLimitsOf(forget), 60_000);
    expect(rowsOf("this plan")).toEqual([
      [
        "this plan",
        "17",
        forget.calls.toLocaleString("en"),
        `${(least / 1000).toLocaleString("en")} s`,
        "the account's 100 a second",
      ],
    ]);
    expect(forget.calls).toBe(17 * 100_000);
  });

  it("counts customers, cards, spellings and defaults that were left dangling", () => {
    expect(stripeForget([card]).calls).toBe(17);
    expect(stripeForget([{ ...card, cards: 3 }]).calls).toBe(19);
    expect(stripeForget([{ ...card, customers: 2 }]).calls).toBe(28);
    expect(stripeForget([{ ...card, spellings: 2 }]).calls).toBe(21);
    expect(stripeForget([{ ...card, dangling: 1 }]).calls).toBe(18);
  });

  it("is bound by one endpoint where people have many cards", () => {
    const many = stripeForget(people(1000, { customers: 1, cards: 9 }));
    expect(leastMs(many, stripeLimitsOf(many))).toBe((9000 / 25 - 1) * 1000);
  });
});

describe("the least time", () => {
  const plan = (calls: number, secondLook = 0) => ({
    calls,
    byBucket: { burst: calls },
    secondLook: { burst: secondLook },
  });

  it("begins with a whole window at once", () => {
    expect(leastMs(plan(190), hubspot(190))).toBe(0);
    expect(leastMs(plan(191), hubspot(190))).toBe(10_000);
    expect(leastMs(plan(0), hubspot(190))).toBe(0);
  });

  it("waits for a second look once, and only where there is nobody else to work on", () => {
    expect(leastMs(plan(12, 2), hubspot(190), 60_000)).toBe(60_000);
    expect(leastMs(plan(12), hubspot(190), 60_000)).toBe(0);
    expect(leastMs(plan(19_000, 1900), hubspot(190), 60_000)).toBe(990_000);
  });

  it("knows no bucket without a limit", () => {
    expect(() => leastMs(plan(1), {})).toThrow(TypeError);
  });
});
