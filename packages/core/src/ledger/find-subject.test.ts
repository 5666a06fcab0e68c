import { describe, expect, it } from "vitest";
import { noEvidence as evidence, openShop } from "../../test/shop.ts";
import { ConflictError } from "../errors/conflict-error.ts";

const anna = { email: "anna@example.org" };
const minuteMs = 60_000;

describe("who a choice is about", () => {
  it("refuses an opt-in that names two people, and records nothing", async () => {
    const { heed, rows } = openShop();
    await heed.subjects.record({ subject: anna });
    await heed.subjects.record({ subject: { accountId: "4711" } });
    const both = { ...anna, accountId: "4711" };
    await expect(
      heed.subscriptions.subscribe({ subject: both, topic: "product-news", evidence }),
    ).rejects.toThrow(ConflictError);
    expect(await rows("events")).toEqual([]);
  });

  it("silences both with an opt-out that names two people", async () => {
    const { heed, clock, isSendable } = openShop();
    const people = [anna.email, "anna.b@example.net"];
    for (const email of people)
      await heed.subscriptions.subscribe({ subject: { email }, topic: "product-news", evidence });
    clock.advance(minuteMs);
    const answer = await heed.subscriptions.unsubscribe({
      subject: { email: people },
      topic: "product-news",
    });
    expect(answer.steps).toHaveLength(2);
    for (const email of people) expect(await isSendable("product-news", email)).toBe("suppressed");
  });

  it("silences somebody new beside two who are known", async () => {
    const { heed, rows, isSendable } = openShop();
    await heed.subjects.record({ subject: anna });
    await heed.subjects.record({ subject: { email: "anna.b@example.net" } });
    const email = [anna.email, "anna.b@example.net", "third@example.com"];
    await heed.subscriptions.unsubscribe({ subject: { email }, topic: "offers" });
    for (const each of email) expect(await isSendable("offers", each)).toBe("suppressed");
    expect(await rows("subjects")).toHaveLength(3);
  });

  it("makes one person of two when that was shown, with what both of them said", async () => {
    const { heed, clock, rows, isSendable } = openShop();
    await heed.subscriptions.subscribe({ subject: anna, topic: "product-news", evidence: { form: "f1" } });
    const other = { email: "anna.b@example.net" };
    clock.advance(minuteMs);
    await heed.subscriptions.unsubscribe({ subject: other, topic: "events" });
    clock.advance(minuteMs);
    await heed.subjects.record({
      subject: { email: [anna.email, other.email] },
      identityVerified: true,
    });
    expect(await rows("subjects")).toHaveLength(1);
    expect(await rows("dataKeys")).toHaveLength(1);
    for (const email of [anna.email, other.email]) {
      expect(await isSendable("product-news", email)).toBe(true);
      expect(await isSendable("events", email)).toBe("suppressed");
    }
    const again = await heed.subjects.record({ subject: { email: [anna.email, other.email] } });
    expect(again).toEqual({ changed: false });
  });

  it("knows a person in every spelling of the address", async () => {
    const { heed, clock, isSendable, rows } = openShop();
    const subscribed = { email: "Anna.Berg@Example.ORG" };
    await heed.subscriptions.subscribe({ subject: subscribed, topic: "product-news", evidence });
    expect(await isSendable("product-news", "ANNA.BERG@EXAMPLE.ORG")).toBe(true);
    clock.advance(minuteMs);
    const spelled = { email: " anna.berg@EXAMPLE.org " };
    await heed.subscriptions.unsubscribe({ subject: spelled, topic: "product-news" });
    expect(await isSendable("product-news", subscribed.email)).toBe("suppressed");
    expect(await rows("subjects")).toHaveLength(1);
  });

  it("keeps people apart who differ by a tag or a dot", async () => {
    const { heed, clock, isSendable } = openShop();
    for (const email of ["anna.berg@example.org", "annaberg@example.org", "anna.berg+shop@example.org"])
      await heed.subscriptions.subscribe({ subject: { email }, topic: "product-news", evidence });
    clock.advance(minuteMs);
    await heed.subscriptions.unsubscribe({
      subject: { email: "anna.berg@example.org" },
      topic: "product-news",
    });
    expect(await isSendable("product-news", "annaberg@example.org")).toBe(true);
    expect(await isSendable("product-news", "anna.berg+shop@example.org")).toBe(true);
  });
});
