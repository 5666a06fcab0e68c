import { definePolicy } from "@heed/core";
import { createTestHeed, virtualClock } from "@heed/testing";
import { hubspot } from "../src/hubspot.ts";
import type { HubspotPortalOptions } from "../src/testing/options.ts";
import { hubspotPortal } from "../src/testing/portal.ts";

const topics = { "product-news": { subscriptionId: "4711" } } as const;

/** A company whose one processor is a portal in the same process, on a virtual clock; no connections between. */
export function openCompany(
  portalOptions: HubspotPortalOptions = {},
  {
    settlingMs = 30_000,
    portalAheadMs = 0,
    burst = 1,
    answerMs = 0,
  }: { settlingMs?: number; portalAheadMs?: number; burst?: number; answerMs?: number } = {},
) {
  let calls = 0;
  const meanwhile = new Map<number, () => Promise<unknown> | void>();
  const clock = virtualClock("2026-11-21T10:00:00.000Z", { autoAdvance: true });
  const portal = hubspotPortal({
    now: () => new Date(clock.now().getTime() + portalAheadMs),
    definitions: [{ id: "4711" }],
    burst: { calls: 190, perMs: 10_000 },
    ...portalOptions,
  });
  const crm = hubspot({
    client: portal.client(async (request) => {
      const response = await clock.during(answer(request));
      // What was asked for is done by now, and nobody knows yet.
      await clock.sleep(answerMs);
      return response;
    }),
    portalId: portal.portalId,
    topics,
    settlingMs,
    webhooks: { clientSecret: "stand-in-secret" },
    rateLimit: { calls: 190, perMs: 10_000, burst, delayMs: 0 },
  });

  async function answer(request: Request) {
    await meanwhile.get(calls)?.();
    calls += 1;
    return portal.answer(request);
  }

  const policy = definePolicy({
    controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
    recipients: { crm: { role: "processor", country: "US", transferTool: "scc" } },
    purposes: { news: { basis: "consent" } },
    topics: { "product-news": { class: "marketing", purpose: "news", via: ["crm"] } },
  });
  return {
    portal,
    ...createTestHeed({ policy, clock, processors: { crm } }),
    /** How many calls have been made. */
    calls: () => calls,
    /** Lets something happen on the way of a call, counted from the next one on, from 0. */
    during: (call: number, act: () => Promise<unknown> | void) => void meanwhile.set(calls + call, act),
  };
}
