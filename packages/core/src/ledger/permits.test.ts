import { describe, expect, it } from "vitest";
import { noEvidence, openShop, shopTopics, type ShopTopic } from "../../test/shop.ts";
import type { Permit } from "../contract/permit.ts";

const anna = { email: "anna@example.org" };
const ben = { email: "ben@example.org" };
const evidence = noEvidence;
const minuteMs = 60_000;

type Shop = ReturnType<typeof openShop>;

async function permitFor(shop: Shop, topic: ShopTopic, email: string, messageKey = "m1"): Promise<Permit> {
  const answer = await shop.heed.permits.take({ topic, email, messageKey });
  if (!answer.allowed) throw new Error(`no permit: ${answer.because}`);
  return answer;
}

/** Anna and Ben, subscribed to everything that can be subscribed to. */
async function openWithSubscribers(): Promise<Shop> {
  const shop = openShop();
  for (const subject of [anna, ben]) {
    for (const purpose of ["news", "offers", "tips"] as const)
      await shop.heed.consent.give({ subject, purpose, evidence });
  }
  shop.clock.advance(minuteMs);
  return shop;
}

describe("permits.take", () => {
  it("decides by class and consent for somebody who was never asked", async () => {
    const { sendable } = openShop();
    expect(await sendable(anna.email)).toEqual({
      "product-news": "not-given",
      events: "not-given",
      offers: true,
      tips: "not-given",
      outages: true,
      receipts: true,
      terms: true,
    });
  });

  it("lets one message go to one address once, ever", async () => {
    const shop = await openWithSubscribers();
    const permit = await permitFor(shop, "product-news", anna.email, "june-issue");
    const again = {
      topic: "product-news",
      email: anna.email.toUpperCase(),
      messageKey: "june-issue",
    } as const;
    expect(await shop.heed.permits.take(again)).toEqual({ allowed: false, because: "already-sent" });
    expect(await permit.handOver()).toBe(true);
    await permit.settle("accepted");
    shop.clock.advance(400 * 86_400_000);
    expect(await shop.heed.permits.take(again)).toEqual({ allowed: false, because: "already-sent" });
    await permitFor(shop, "product-news", anna.email, "july-issue");
    await permitFor(shop, "product-news", ben.email, "june-issue");
  });

  it("gives one permit when two ask at the same time", async () => {
    const shop = await openWithSubscribers();
    const asks = Array.from({ length: 8 }, () =>
      shop.heed.permits.take({ topic: "product-news", email: anna.email, messageKey: "june-issue" }),
    );
    const answers = await Promise.all(asks);
    expect(answers.filter((answer) => answer.allowed)).toHaveLength(1);
  });

  it.each(["not-sent", "deferred"] as const)("lets a message that was %s be tried again", async (outcome) => {
    const shop = await openWithSubscribers();
    const permit = await permitFor(shop, "product-news", anna.email, "june-issue");
    await permit.handOver();
    await permit.settle(outcome);
    const again = await permitFor(shop, "product-news", anna.email, "june-issue");
    expect(await again.handOver()).toBe(true);
  });

  it.each(["accepted", "rejected", "unknown"] as const)(
    "never lets a message that was %s go out again",
    async (outcome) => {
      const shop = await openWithSubscribers();
      const permit = await permitFor(shop, "product-news", anna.email, "june-issue");
      await permit.handOver();
      await permit.settle(outcome);
      const again = { topic: "product-news", email: anna.email, messageKey: "june-issue" } as const;
      expect(await shop.heed.permits.take(again)).toEqual({ allowed: false, because: "already-sent" });
    },
  );

  it("gives the permit of a sender that died to the next, and the dead one may not send any more", async () => {
    const shop = await openWithSubscribers();
    const dead = await permitFor(shop, "product-news", anna.email);
    shop.clock.advance(15 * minuteMs);
    const tooEarly = { topic: "product-news", email: anna.email, messageKey: "m1" } as const;
    expect(await shop.heed.permits.take(tooEarly)).toEqual({ allowed: false, because: "already-sent" });
    shop.clock.advance(1);
    const next = await permitFor(shop, "product-news", anna.email);
    expect(await dead.handOver()).toBe(false);
    expect(await next.handOver()).toBe(true);
  });

  it("ends with the consent's validity", async () => {
    const { heed, clock, isSendable } = openShop();
    const until = "2026-02-01T00:00:00Z";
    await heed.consent.give({ subject: anna, purpose: "news", until, evidence });
    expect(await isSendable("product-news", anna.email)).toBe(true);
    clock.advance(30 * 86_400_000);
    expect(await isSendable("product-news", anna.email)).not.toBe(true);
  });

  it.each(["newz", "toString", "__proto__", "constructor"])("knows no topic %s", async (topic) => {
    const { heed, rows } = openShop();
    const ask = { topic: topic as ShopTopic, email: anna.email, messageKey: "m1" };
    expect(await heed.permits.take(ask)).toEqual({ allowed: false, because: "topic-not-covered" });
    expect(await rows("permits")).toEqual([]);
  });

  it("refuses a message without a key", async () => {
    const { heed } = openShop();
    const ask = { topic: "receipts", email: anna.email, messageKey: "" } as const;
    await expect(heed.permits.take(ask)).rejects.toMatchObject({ name: "InvalidInputError" });
  });

  it("carries a token for marketing, and for nothing else", async () => {
    const shop = await openWithSubscribers();
    for (const topic of Object.keys(shopTopics) as ShopTopic[]) {
      const permit = await permitFor(shop, topic, anna.email, topic);
      expect(permit.class).toBe(shopTopics[topic]);
      expect(permit.unsubscribeToken !== undefined).toBe(permit.class === "marketing");
    }
  });
});

describe("handOver", () => {
  it("says yes once", async () => {
    const shop = await openWithSubscribers();
    const permit = await permitFor(shop, "product-news", anna.email);
    expect(await permit.handOver()).toBe(true);
    expect(await permit.handOver()).toBe(false);
  });

  it.each([
    ["topic", (shop: Shop) => shop.heed.subscriptions.unsubscribe({ subject: anna, topic: "product-news" })],
    ["purpose", (shop: Shop) => shop.heed.consent.withdraw({ subject: anna, purpose: "news" })],
    ["all", (shop: Shop) => shop.heed.subscriptions.unsubscribe({ subject: anna, topic: "all" })],
    [
      "withdrawal request",
      (shop: Shop) =>
        shop.heed.requests.open({ right: "withdrawal", subject: anna, identity: "confirmed-by-link" }),
    ],
    [
      "erasure",
      (shop: Shop) => shop.heed.requests.open({ right: "erasure", subject: anna, identity: "signed-in" }),
    ],
  ])("says no after an opt-out (%s), and the signal has aborted", async (_name, optOut) => {
    const shop = await openWithSubscribers();
    const permit = await permitFor(shop, "product-news", anna.email);
    expect(permit.signal.aborted).toBe(false);
    await optOut(shop);
    expect(permit.signal.aborted).toBe(true);
    expect(await permit.handOver()).toBe(false);
  });

  it("says no after an opt-out that changed nothing else", async () => {
    const shop = openShop();
    const permit = await permitFor(shop, "offers", anna.email);
    await shop.heed.subscriptions.unsubscribe({ subject: anna, topic: "offers" });
    expect(await permit.handOver()).toBe(false);
  });

  it("says no after somebody unknown opted out of a service topic", async () => {
    const shop = openShop();
    const permit = await permitFor(shop, "outages", anna.email);
    await shop.heed.subscriptions.unsubscribe({ subject: anna, topic: "outages" });
    expect(await permit.handOver()).toBe(false);
  });

  it("says no after an erasure has ended, whatever the class", async () => {
    const shop = await openWithSubscribers();
    const receipt = await permitFor(shop, "receipts", anna.email);
    await shop.erase(anna);
    expect(await receipt.handOver()).toBe(false);
    await receipt.settle("not-sent");
    expect(await shop.rows("permits")).toEqual([]);
  });

  it("says no under the permit of an address that was linked and then opted out", async () => {
    const shop = await openWithSubscribers();
    const permit = await permitFor(shop, "product-news", ben.email);
    await shop.heed.subjects.record({
      subject: { email: [anna.email, ben.email] },
      identityVerified: true,
    });
    await shop.heed.subscriptions.unsubscribe({ subject: anna, topic: "product-news" });
    expect(await permit.handOver()).toBe(false);
  });

  it("leaves permits of other people and other topics alone", async () => {
    const shop = await openWithSubscribers();
    const ofBen = await permitFor(shop, "product-news", ben.email);
    const ofOffers = await permitFor(shop, "offers", anna.email, "m2");
    const ofReceipt = await permitFor(shop, "receipts", anna.email, "m3");
    await shop.heed.subscriptions.unsubscribe({ subject: anna, topic: "product-news" });
    for (const permit of [ofBen, ofOffers, ofReceipt]) {
      expect(permit.signal.aborted).toBe(false);
      expect(await permit.handOver()).toBe(true);
    }
  });
});

describe("handOver of what nobody can unsubscribe from", () => {
  it.each(["receipts", "terms", "outages"] as const)(
    "says yes after a no to all marketing: %s",
    async (topic) => {
      const shop = await openWithSubscribers();
      const permit = await permitFor(shop, topic, anna.email);
      await shop.heed.subscriptions.unsubscribe({ subject: anna, topic: "all" });
      expect(permit.signal.aborted).toBe(false);
      expect(await permit.handOver()).toBe(true);
    },
  );
});

describe("a message that is being handed over while the person says no", () => {
  it("is reported and recorded, once", async () => {
    const shop = await openWithSubscribers();
    const permit = await permitFor(shop, "product-news", anna.email);
    await permit.handOver();
    const optOut = { subject: anna, topic: "product-news" } as const;
    expect(await shop.heed.subscriptions.unsubscribe(optOut)).toMatchObject({ changed: true, inFlight: 1 });
    expect(await shop.heed.subscriptions.unsubscribe(optOut)).toMatchObject({ changed: false, inFlight: 0 });
    await permit.settle("accepted");
    expect(await shop.rows("permits")).toMatchObject([
      { state: "settled", outcome: "accepted", optedOutAt: shop.clock.now().toISOString() },
    ]);
    const kept = (await shop.rows("evidence")).map((row) => JSON.parse(row.entry ?? "") as { kind: string });
    expect(kept.filter(({ kind }) => kind === "message.in-flight")).toEqual([
      { kind: "message.in-flight", topic: "product-news" },
    ]);
  });

  it("is not reported when it had left before", async () => {
    const shop = await openWithSubscribers();
    const permit = await permitFor(shop, "product-news", anna.email);
    await permit.handOver();
    await permit.settle("accepted");
    const optOut = { subject: anna, topic: "product-news" } as const;
    expect(await shop.heed.subscriptions.unsubscribe(optOut)).toMatchObject({ inFlight: 0 });
  });
});

describe("settle", () => {
  it("keeps the first outcome", async () => {
    const shop = await openWithSubscribers();
    const permit = await permitFor(shop, "product-news", anna.email);
    await permit.handOver();
    await permit.settle("accepted");
    await permit.settle("not-sent");
    expect(await shop.rows("permits")).toMatchObject([{ state: "settled", outcome: "accepted" }]);
  });

  it.each(["550 5.1.1 <anna@example.org>", "toString", "constructor"])("records no %s", async (outcome) => {
    const shop = await openWithSubscribers();
    const permit = await permitFor(shop, "product-news", anna.email);
    await permit.handOver();
    await expect(permit.settle(outcome as never)).rejects.toMatchObject({ name: "InvalidInputError" });
    expect(await shop.rows("permits")).toMatchObject([{ state: "handing-over", outcome: null }]);
  });

  it("is the end: nothing is kept in memory to abort", async () => {
    const shop = await openWithSubscribers();
    const permit = await permitFor(shop, "product-news", anna.email);
    await permit.handOver();
    await permit.settle("accepted");
    await shop.heed.messages.forget({ email: anna.email });
    expect(permit.signal.aborted).toBe(false);
  });

  it("leaves a revoked permit revoked", async () => {
    const shop = await openWithSubscribers();
    const permit = await permitFor(shop, "product-news", anna.email);
    await shop.heed.subscriptions.unsubscribe({ subject: anna, topic: "product-news" });
    await permit.settle("not-sent");
    expect(await shop.rows("permits")).toMatchObject([{ state: "revoked", outcome: "not-sent" }]);
  });
});
