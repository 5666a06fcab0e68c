import { describe, expect, it } from "vitest";
import { handClock } from "../../test/hand-clock.ts";
import { noEvidence as evidence } from "../../test/shop.ts";
import type { TopicClass } from "../contract/permit.ts";
import { createHeed } from "../heed.ts";
import { ephemeralKeys } from "../keys/keyring.ts";
import { memory } from "../memory/memory.ts";
import { definePolicy } from "./define-policy.ts";

const anna = { email: "anna@example.org" };
const until = "2026-02-15T12:00:00.000Z";
const monthMs = 31 * 86_400_000;

/** A company whose alerts about a paid service go to those who pay for it, and whose other topic asks nobody. */
function openCompany(topicClass: TopicClass) {
  const clock = handClock();
  const basis = topicClass === "marketing" ? "legitimate-interest" : "contract";
  const heed = createHeed({
    policy: definePolicy({
      controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
      purposes: { pro: { basis } },
      topics: {
        "pro-alerts": { class: topicClass, purpose: "pro", subscribersOnly: true },
        account: { class: topicClass, purpose: "pro" },
      },
    }),
    storage: memory(),
    keys: ephemeralKeys(),
    clock,
  });
  let messages = 0;
  const take = async (topic: "pro-alerts" | "account") => {
    messages += 1;
    const answer = await heed.permits.take({ topic, email: anna.email, messageKey: `m${messages}` });
    return answer.allowed ? true : answer.because;
  };
  return { heed, clock, take };
}

describe.each(["service", "transactional", "legal", "marketing"] as const)(
  "a %s topic for subscribers only",
  (topicClass) => {
    it("goes to nobody who did not subscribe, also where the legal basis asks for no consent", async () => {
      const { heed, take } = openCompany(topicClass);
      for (const isKnown of [false, true]) {
        if (isKnown) await heed.subjects.record({ subject: anna });
        expect([await take("pro-alerts"), await take("account")]).toEqual(["not-given", true]);
      }
    });

    it("goes to subscribers until what they have paid for ends", async () => {
      const { heed, clock, take } = openCompany(topicClass);
      const subscription = { subject: anna, topic: "pro-alerts", evidence } as const;
      await heed.subscriptions.subscribe({ ...subscription, until });
      expect(await take("pro-alerts")).toBe(true);
      clock.advance(monthMs - 1);
      expect(await take("pro-alerts")).toBe(true);
      clock.advance(1);
      expect(await take("pro-alerts")).toBe("not-given");
      await heed.subscriptions.subscribe(subscription);
      expect(await take("pro-alerts")).toBe(true);
    });

    it("ends when the person says so", async () => {
      const { heed, clock, take } = openCompany(topicClass);
      await heed.subscriptions.subscribe({ subject: anna, topic: "pro-alerts", evidence });
      clock.advance(1000);
      await heed.subscriptions.unsubscribe({ subject: anna, topic: "pro-alerts" });
      expect(await take("pro-alerts")).toBe("suppressed");
    });

    it("ends with all marketing where it is marketing, and not otherwise", async () => {
      const { heed, clock, take } = openCompany(topicClass);
      await heed.subscriptions.subscribe({ subject: anna, topic: "pro-alerts", evidence, until });
      clock.advance(1000);
      await heed.subscriptions.unsubscribe({ subject: anna, topic: "all" });
      expect(await take("pro-alerts")).toBe(topicClass === "marketing" ? "suppressed" : true);
    });
  },
);

it("a policy refuses an option that says nothing clear about whom a topic is for", () => {
  const policy = {
    controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
    purposes: { pro: { basis: "contract" } },
    topics: { alerts: { class: "service", purpose: "pro", subscribersOnly: "yes" } },
  };
  expect(() => definePolicy(policy as never)).toThrow("topics.alerts.subscribersOnly");
});
