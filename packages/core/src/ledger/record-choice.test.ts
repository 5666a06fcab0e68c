import { describe, expect, it } from "vitest";
import { noEvidence as evidence, openShop } from "../../test/shop.ts";

const anna = { email: "anna@example.org" };
const minuteMs = 60_000;

describe("idempotency", () => {
  it("records an event of one id once", async () => {
    const { heed, clock, rows } = openShop();
    const ask = { subject: anna, topic: "product-news", id: "signup-1", evidence } as const;
    expect(await heed.subscriptions.subscribe(ask)).toMatchObject({ changed: true, eventId: "signup-1" });
    clock.advance(minuteMs);
    await heed.subscriptions.unsubscribe({ subject: anna, topic: "product-news", id: "optout-1" });
    clock.advance(minuteMs);
    expect(await heed.subscriptions.subscribe(ask)).toMatchObject({ changed: false, eventId: "signup-1" });
    const optOut = { subject: anna, topic: "product-news", id: "optout-1" } as const;
    expect(await heed.subscriptions.unsubscribe(optOut)).toMatchObject({
      changed: false,
      eventId: "optout-1",
    });
    expect((await rows("events")).map((row) => row.id)).toEqual(["signup-1", "optout-1"]);
    expect((await heed.subscriptions.state({ subject: anna, topic: "product-news" })).state).toBe(
      "not-given",
    );
  });
});

describe("an id that somebody else's event has", () => {
  it("means another event, also that of somebody who was erased", async () => {
    const { heed, rows } = openShop();
    const optOut = { topic: "product-news", id: "1" } as const;
    await heed.subscriptions.unsubscribe({ ...optOut, subject: anna });
    expect(
      await heed.subscriptions.unsubscribe({ ...optOut, subject: { email: "bo@example.org" } }),
    ).toMatchObject({
      changed: true,
      eventId: "1",
    });
    await heed.requests.open({ right: "erasure", subject: anna, identity: "signed-in" });
    await heed.work.drain();
    await expect(heed.subscriptions.unsubscribe({ ...optOut, subject: anna })).resolves.toMatchObject({
      eventId: "1",
    });
    expect((await rows("events")).filter((row) => row.id === "1")).toHaveLength(3);
  });
});

describe("recording", () => {
  it("goes strictly forward under a clock that stands still", async () => {
    const { heed, rows } = openShop();
    for (let round = 0; round < 5; round += 1) {
      await heed.subscriptions.subscribe({ subject: anna, topic: "product-news", evidence });
      await heed.subscriptions.unsubscribe({ subject: anna, topic: "product-news" });
    }
    const recorded = (await rows("events")).map((row) => row.recordedAt);
    expect(recorded).toHaveLength(10);
    expect(new Set(recorded).size).toBe(10);
    expect(recorded.toSorted()).toEqual(recorded);
    expect((await heed.subscriptions.state({ subject: anna, topic: "product-news" })).state).toBe(
      "not-given",
    );
  });

  it("refuses an opt-in without evidence, and takes `none` for an answer", async () => {
    const { heed, rows } = openShop();
    const bare = { subject: anna, topic: "product-news" } as never;
    await expect(heed.subscriptions.subscribe(bare)).rejects.toThrow(/evidence/);
    expect(await rows("events")).toEqual([]);
    await heed.subscriptions.subscribe({ subject: anna, topic: "product-news", evidence: { none: true } });
    expect(await rows("events")).toHaveLength(1);
  });

  it("tells of it after the commit, with ids and nothing else", async () => {
    const { heed } = openShop();
    const told: unknown[] = [];
    heed.on("choice.recorded", (event) => told.push(event));
    const { eventId, steps } = await heed.subscriptions.unsubscribe({ subject: anna, topic: "all" });
    expect(told).toEqual([{ eventId, steps }]);
  });
});

describe("a name that the policy does not have", () => {
  it("is refused everywhere, and leaves the ledger as it was", async () => {
    const { heed, rows } = openShop();
    for (const name of ["product-newz", "__proto__", "constructor", "toString", ""]) {
      const topic = name as "offers";
      const purpose = name as "news";
      const permit = await heed.permits.take({ topic, email: anna.email, messageKey: "m1" });
      expect(permit).toEqual({ allowed: false, because: "topic-not-covered" });
      const notCovered = { name: "InvalidInputError", code: "topic-not-covered" };
      const unknown = { name: "InvalidInputError", code: "unknown-name" };
      const give = { subject: anna, evidence };
      await expect(heed.subscriptions.subscribe({ ...give, topic })).rejects.toMatchObject(notCovered);
      await expect(heed.subscriptions.unsubscribe({ ...give, topic })).rejects.toMatchObject(notCovered);
      await expect(heed.subscriptions.state({ subject: anna, topic })).rejects.toMatchObject(notCovered);
      await expect(heed.consent.give({ ...give, purpose })).rejects.toMatchObject(unknown);
      await expect(heed.consent.withdraw({ ...give, purpose })).rejects.toMatchObject(unknown);
      await expect(heed.consent.state({ subject: anna, purpose })).rejects.toMatchObject(unknown);
    }
    for (const table of ["subjects", "identifiers", "events", "suppressions", "permits", "evidence"] as const)
      expect(await rows(table)).toEqual([]);
  });

  it("cannot be `all` for an opt-in: there is no opting in to everything", async () => {
    const { heed } = openShop();
    const everything = { subject: anna, topic: "all" as "offers", evidence };
    await expect(heed.subscriptions.subscribe(everything)).rejects.toMatchObject({
      code: "topic-not-covered",
    });
  });
});
