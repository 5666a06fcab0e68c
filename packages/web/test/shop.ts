import { definePolicy, keyring, newKey } from "@heed/core";
import type { HeedStorage } from "@heed/core/storage";
import { createTestHeed } from "@heed/testing";

const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  purposes: {
    sales: { basis: "contract" },
    news: { basis: "consent" },
    ads: { basis: "consent", title: "Matching offers" },
  },
  topics: {
    "product-news": { class: "marketing", purpose: "news", title: "Product news" },
    offers: { class: "marketing", purpose: "news" },
    receipts: { class: "transactional", purpose: "sales", title: "Receipts" },
  },
});

export const evidence = { noticeVersion: "2026-01", noticeSha256: "a".repeat(64) };

/** A real heed, and what lies in its storage. */
export function openShop(given: { readonly storage?: HeedStorage; readonly keys?: string } = {}) {
  const { storage } = given;
  const { heed, clock, rows } = createTestHeed({
    policy,
    keys: keyring(given.keys ?? newKey()),
    ...(storage === undefined ? {} : { storage }),
  });
  return {
    heed,
    rows,
    advance: (ms: number) => clock.advance(ms),
    kinds: async () => (await rows("events")).map(({ kind }) => kind),
    /** The token of an unsubscribe link that was mailed. */
    async linkFor(topic: "product-news" | "offers", email: string): Promise<string> {
      await heed.subscriptions.subscribe({ subject: { email }, topic, evidence });
      await clock.advance(1000);
      const permit = await heed.permits.take({ topic, email, messageKey: clock.now().toISOString() });
      if (!permit.allowed || permit.unsubscribeToken === undefined) throw new Error("no token");
      return permit.unsubscribeToken;
    },
    /** The token of a link that asks whether a subscription was theirs. */
    async askedFor(email: string): Promise<string> {
      const asked = await heed.subscriptions.request({
        subject: { email },
        topic: "product-news",
        evidence,
      });
      if (!asked.asked) throw new Error(`not asked: ${asked.because}`);
      await clock.advance(1000);
      return asked.token;
    },
  };
}
