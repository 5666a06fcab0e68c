import { Client } from "@hubspot/api-client";
import { setupServer } from "msw/node";
import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import { hubspot } from "./hubspot.ts";
import { hubspotPortal } from "./testing/portal.ts";

const context = { turn: async () => {}, signal: new AbortController().signal, now: () => new Date() };
const base = { accessToken: "pat-eu1-stand-in", portalId: 8675309, topics: {} } as const;

describe("hubspot", () => {
  // The client keeps limiter and retries for the whole process: each new one sets them anew.
  afterEach(() => {
    void new Client();
  });

  it("speaks to api.hubapi.com, through a client of the application's", async () => {
    const portal = hubspotPortal();
    const world = setupServer(...portal.handlers());
    world.listen({ onUnhandledFrame: "error" });
    onTestFinished(() => world.close());
    const client = new Client({ accessToken: "expired" });
    const { accessToken: _, ...rest } = base;
    const processor = hubspot({ client, ...rest });
    client.setAccessToken(portal.accessToken);
    expect(await processor.check(context)).toMatchObject({ account: "8675309", lacks: [] });
    expect(portal.countCalls("account-info")).toBe(1);
  });

  it("leaves the limiter of the application's other clients in place", async () => {
    const portal = hubspotPortal();
    const server = await portal.listen();
    onTestFinished(() => server.close());
    // One call at a time, and a second at the same time is refused.
    const limited = new Client({
      accessToken: portal.accessToken,
      basePath: server.url,
      limiterOptions: { maxConcurrent: 1, highWater: 0, strategy: 2 },
    });
    hubspot({ ...base, baseUrl: server.url });
    const path = "/account-info/2026-09/details";
    const both = await Promise.allSettled([limited.apiRequest({ path }), limited.apiRequest({ path })]);
    expect(both.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
  });

  it("refuses a client that limits or repeats by itself", () => {
    const { accessToken: _, ...rest } = base;
    for (const config of [{ limiterOptions: { minTime: 100 } }, { numberOfApiCallRetries: 3 }]) {
      expect(() => hubspot({ client: new Client(config), ...rest })).toThrow(TypeError);
    }
  });

  it.each([
    ["neither client nor token", { accessToken: undefined }, /client or an accessToken/],
    ["an unknown option", { acessToken: "x" }, /options/],
    ["a portal id that is none", { portalId: "anna@example.org" }, /portalId/],
    [
      "a subscription id that is none",
      { topics: { news: { subscriptionId: "news" } } },
      /topics\.news\.subscriptionId/,
    ],
    [
      "a subscription id beyond what a number holds",
      { topics: { news: { subscriptionId: "9007199254740993" } } },
      /large/,
    ],
    ["an undated version", { apiVersion: "v3" }, /apiVersion/],
    ["a zone that is none", { timeZone: "Mars/Base" }, /timeZone/],
    ["a daily quota of nothing", { dailyCalls: 0 }, /dailyCalls/],
    ["a fate of notes that is none", { engagements: { notes: "delete" } }, /engagements\.notes/],
    ["a negative duration", { settlingMs: -1 }, /settlingMs/],
  ])("refuses %s with a TypeError that quotes nothing", (_, wrong, message) => {
    // Only untyped code can get here.
    const make = () => Reflect.apply(hubspot, undefined, [{ ...base, ...wrong }]);
    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
    expect(make).not.toThrow(/anna|Mars|pat-eu1/);
  });

  it("declares what it does", () => {
    const processor = hubspot({
      ...base,
      topics: { news: { subscriptionId: "4711" } },
      settlingMs: 5000,
      rateLimit: { calls: 190, perMs: 10_000 },
    });
    expect(processor).toMatchObject({
      specificationVersion: "v1",
      name: "hubspot",
      account: "8675309",
      topics: { news: { subscriptionId: "4711" } },
      limits: {
        burst: { calls: 190, perMs: 10_000 },
        daily: { calls: 250_000, perDay: { zone: "UTC" } },
      },
      operations: {
        erase: {
          repeat: "safe",
          settlingMs: 5000,
          matches: "one",
          effects: ["irreversible", "blocks-address"],
        },
        unsubscribe: { repeat: "safe", settlingMs: 5000, verifyAfterMs: 5000 },
        exclude: { matches: "one", effects: ["irreversible", "blocks-address"] },
      },
    });
    expect(Object.keys(processor.operations).toSorted()).toEqual([
      "erase",
      "exclude",
      "export",
      "observe",
      "rectify",
      "restrict",
      "subscribe",
      "unsubscribe",
    ]);
  });
});
