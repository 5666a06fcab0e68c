import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { noEvidence, openShop, shopTopics, type ShopTopic } from "../../test/shop.ts";
import type { Permit, PermitAnswer, SendOutcome } from "../contract/permit.ts";

const anna = { email: "anna@example.org" };
const outcomes = ["accepted", "rejected", "deferred", "not-sent", "unknown"] as const;
const topics = Object.keys(shopTopics) as ShopTopic[];

async function openSubscribed() {
  const shop = openShop();
  for (const purpose of ["news", "offers", "tips"] as const)
    await shop.heed.consent.give({ subject: anna, purpose, evidence: noEvidence });
  shop.clock.advance(1);
  return shop;
}

type Shop = Awaited<ReturnType<typeof openSubscribed>>;

const take = (shop: Shop, topic: ShopTopic, messageKey = "m1"): Promise<PermitAnswer> =>
  shop.heed.permits.take({ topic, email: anna.email, messageKey });

/** Takes, hands over and settles. */
async function send(shop: Shop, topic: ShopTopic, outcome: SendOutcome): Promise<Permit> {
  const permit = await take(shop, topic);
  if (!permit.allowed) throw new Error(`no permit: ${permit.because}`);
  expect(await permit.handOver()).toBe(true);
  await permit.settle(outcome);
  return permit;
}

describe("a return tag", () => {
  it("is 128 bits in lower case, another one for each message, and the same in no other place", async () => {
    const shop = await openSubscribed();
    const tags = new Set<string>();
    for (let n = 0; n < 200; n += 1) {
      const permit = await take(shop, topics[n % topics.length] ?? "terms", `m${n}`);
      if (!permit.allowed) throw new Error("no permit");
      expect(permit.returnTag).toMatch(/^[a-z2-7]{26}$/);
      tags.add(permit.returnTag ?? "");
    }
    expect(tags.size).toBe(200);
    // Every character is drawn: one that were not would say that bits are missing.
    expect(new Set([...tags].map((tag) => tag[0])).size).toBeGreaterThan(20);
    expect(await shop.placesOf([...tags][0] ?? "")).toEqual(["permits.id"]);
  });
});

describe("a message whose outcome is unknown", () => {
  const others = topics.filter((topic) => shopTopics[topic] !== "marketing");

  it.each(others)("is repeated once, as the same message (%s)", async (topic) => {
    const shop = await openSubscribed();
    const first = await send(shop, topic, "unknown");
    const again = await send(shop, topic, "unknown");
    expect(again.returnTag).toBe(first.returnTag);
    expect(await take(shop, topic)).toEqual({ allowed: false, because: "already-sent" });
    expect(await shop.rows("permits")).toHaveLength(1);
  });

  it("is not repeated as marketing, under whichever topic its key comes back", async () => {
    const shop = await openSubscribed();
    await send(shop, "product-news", "unknown");
    for (const topic of ["product-news", "receipts"] as const)
      expect(await take(shop, topic)).toEqual({ allowed: false, because: "already-sent" });
    const other = await openSubscribed();
    await send(other, "receipts", "unknown");
    expect(await take(other, "product-news")).toEqual({ allowed: false, because: "already-sent" });
  });

  it("keeps its tag, and its one repeat, over tries that surely did not leave", async () => {
    const shop = await openSubscribed();
    const early = await send(shop, "receipts", "not-sent");
    const first = await send(shop, "receipts", "unknown");
    expect(first.returnTag).not.toBe(early.returnTag);
    for (const outcome of ["deferred", "not-sent", "unknown"] as const)
      expect((await send(shop, "receipts", outcome)).returnTag).toBe(first.returnTag);
    expect(await take(shop, "receipts")).toMatchObject({ because: "already-sent" });
  });

  it("is no longer in the hands of whoever sent it first", async () => {
    const shop = await openSubscribed();
    const first = await send(shop, "receipts", "unknown");
    const again = await take(shop, "receipts");
    if (!again.allowed) throw new Error("no permit");
    expect(await first.handOver()).toBe(false);
    await first.settle("accepted");
    expect(again.signal.aborted).toBe(false);
    expect(await again.handOver()).toBe(true);
    expect(await shop.rows("permits")).toMatchObject([{ state: "handing-over", outcome: null }]);
    await shop.heed.messages.forget(anna);
    expect(again.signal.aborted).toBe(true);
  });

  it("is taken again by class and outcomes, whatever came before", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...topics),
        fc.array(fc.constantFrom(...outcomes), { minLength: 1, maxLength: 5 }),
        async (topic, history) => {
          const shop = await openSubscribed();
          let unknown = 0;
          for (const outcome of history) {
            await send(shop, topic, outcome);
            unknown += outcome === "unknown" ? 1 : 0;
            const surelyNot = outcome === "not-sent" || outcome === "deferred";
            const isRepeat = outcome === "unknown" && unknown === 1 && shopTopics[topic] !== "marketing";
            const answer = await take(shop, topic);
            expect(answer.allowed).toBe(surelyNot || isRepeat);
            if (!answer.allowed) return;
            await answer.settle("not-sent");
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});
