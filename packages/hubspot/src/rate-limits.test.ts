import { definePolicy } from "@heed/core";
import { createTestHeed, virtualClock } from "@heed/testing";
import { describe, expect, it } from "vitest";
import { askPortal } from "../test/ask-portal.ts";
import { openScene, unsubscribeCall } from "../test/scene.ts";
import { hubspot } from "./hubspot.ts";
import { hubspotPortal } from "./testing/portal.ts";

const portalOptions = {
  definitions: [{ id: "4711" }],
  timeZone: "Europe/Stockholm",
  dailyCalls: 40,
} as const;

/** A heed in front of a portal whose day ends soon, both by the same clock. */
function company(adapterOptions: { timeZone?: string; dailyCalls?: number } = {}) {
  const clock = virtualClock("2026-11-21T20:00:00.000Z", { autoAdvance: true });
  const portal = hubspotPortal({ ...portalOptions, now: () => clock.now() });
  const { heed, settle, rows } = createTestHeed({
    policy: definePolicy({
      controller: { name: "Acme", country: "SE", contact: "privacy@example.org" },
      recipients: { crm: { role: "processor", country: "US", transferTool: "scc" } },
      purposes: { news: { basis: "consent" } },
      topics: { news: { class: "marketing", purpose: "news", via: ["crm"] } },
    }),
    clock,
    processors: {
      crm: hubspot({
        client: portal.client((request) => clock.during(portal.answer(request))),
        portalId: "8675309",
        topics: { news: { subscriptionId: "4711" } },
        settlingMs: 0,
        ...adapterOptions,
      }),
    },
  });
  const refused = () => portal.calls.filter(({ answered }) => answered === 429).length;
  return { clock, portal, heed, settle, rows, refused };
}

describe("what HubSpot says is left", () => {
  it("is told to the engine after each answer, a refusal included", async () => {
    const scene = await openScene(
      { ...portalOptions, burst: { calls: 3, perMs: 10_000 } },
      { timeZone: "Europe/Stockholm" },
    );
    const seen: unknown[] = [];
    const context = {
      ...scene.context,
      observed: async (bucket: string, { remaining }: { remaining: number }) => {
        seen.push([bucket, remaining]);
      },
    };
    const call = unsubscribeCall("a", { email: "anna@example.org" });
    for (let n = 0; n < 4; n += 1)
      await scene.processor.operations.unsubscribe?.run([call], context).catch(() => undefined);
    expect(seen.slice(0, 2)).toEqual([
      ["burst", 2],
      ["daily", 39],
    ]);
    expect(seen.at(-2)).toEqual(["burst", 0]);
  });

  it("holds everything until the account's midnight once others have used the day up", async () => {
    const { clock, portal, heed, settle, rows, refused } = company({
      timeZone: "Europe/Stockholm",
      dailyCalls: 40,
    });
    // Another app of the same account.
    for (let n = 0; n < 30; n += 1) await askPortal(portal, "GET", "/account-info/2026-09/details");
    for (let n = 0; n < 12; n += 1)
      await heed.subscriptions.unsubscribe({ subject: { email: `p${n}@example.org` }, topic: "news" });
    await settle(3_600_000);
    expect(portal.calls.length).toBeGreaterThan(30);
    expect(refused()).toBe(0);
    const waiting = (await rows("steps")).filter(({ endedAt }) => endedAt === null);
    expect(waiting.length).toBeGreaterThan(0);
    for (const { dueAt, because } of waiting)
      expect([because, dueAt]).toEqual(["rate-limited", expect.stringMatching(/^2026-11-21T23:00:01/)]);
    await clock.set("2026-11-21T23:00:02.000Z");
    await settle(3_600_000);
    expect(refused()).toBe(0);
    expect(portal.calls.length).toBeGreaterThan(41);
  });
});
