import { HeedError } from "@heed/core/contract";
import { describe, expect, it } from "vitest";
import {
  eraseCall,
  failureOf,
  openScene,
  printed,
  questionsOf,
  type Scene,
  unsubscribeCall,
  withTargets,
} from "../test/scene.ts";
import type { PortalFault } from "./testing/faults.ts";

const canary = "anna.canary@example.org";
const body = {
  status: "error",
  message: `Nothing could be done for ${canary}.`,
  correlationId: "aeb5f871-7f07-4993-9211-075dc63e7cbf",
  category: "VALIDATION_ERROR",
  errors: [{ message: canary, context: { ids: [canary] } }],
};

const faults: [what: string, fault: PortalFault["fault"], expected: object][] = [
  ["401", { status: 401, body }, { name: "RejectedError", code: "unauthorized", status: 401 }],
  ["403", { status: 403, body }, { name: "RejectedError", code: "forbidden", status: 403 }],
  [
    "403 for a scope",
    { status: 403, body: { ...body, category: "MISSING_SCOPES" } },
    { name: "RejectedError", code: "missing-scope" },
  ],
  ["404 of a URL", { status: 404, body }, { name: "RejectedError", code: "unknown-route" }],
  [
    "404 of a proxy",
    { status: 404, body: `<h1>${canary}</h1>` },
    { name: "RejectedError", code: "unknown-route" },
  ],
  ["429", { status: 429, body }, { name: "RateLimitedError", retryAfterMs: 10_000 }],
  [
    "429 with Retry-After",
    { status: 429, body, headers: { "Retry-After": "7" } },
    { name: "RateLimitedError", retryAfterMs: 7000, bucket: "burst" },
  ],
  [
    "477",
    { status: 477, body, headers: { "Retry-After": "3600" } },
    { name: "RateLimitedError", retryAfterMs: 3_600_000 },
  ],
  ["423", { status: 423, body }, { name: "UnavailableError", status: 423 }],
  ["500", { status: 500, body }, { name: "UnavailableError", status: 500 }],
  ["502 of a proxy", { status: 502, body: `<h1>${canary}</h1>` }, { name: "UnavailableError", status: 502 }],
  ["garbage", "garbage", { name: "UnavailableError", code: "unreadable-answer" }],
  [
    "another shape",
    { status: 200, body: { results: canary } },
    { name: "UnavailableError", code: "unreadable-answer" },
  ],
  ["an empty answer", "empty", { name: "UnavailableError", code: "unreadable-answer" }],
  ["a dropped connection", "drop", { name: "UnavailableError", code: "unavailable" }],
];

/** Every question that the engine asks, about the canary. */
const questions: [what: string, ask: (scene: Scene) => Promise<unknown>][] = [
  ["erase.resolve", (scene) => questionsOf(scene, "erase").resolve([eraseCall("a", { email: canary })])],
  [
    "erase.run",
    (scene) =>
      questionsOf(scene, "erase").run([
        withTargets(eraseCall("a", { email: canary }), [{ kind: "contact", id: "101" }]),
      ]),
  ],
  ["erase.verify", (scene) => questionsOf(scene, "erase").verify([eraseCall("a", { email: canary })])],
  [
    "unsubscribe.resolve",
    (scene) => questionsOf(scene, "unsubscribe").resolve([unsubscribeCall("a", { email: canary })]),
  ],
  [
    "unsubscribe.run",
    (scene) => questionsOf(scene, "unsubscribe").run([unsubscribeCall("a", { email: canary })]),
  ],
  [
    "unsubscribe.run for all",
    (scene) => questionsOf(scene, "unsubscribe").run([unsubscribeCall("a", { email: canary }, "all")]),
  ],
  [
    "unsubscribe.verify",
    (scene) => questionsOf(scene, "unsubscribe").verify([unsubscribeCall("a", { email: canary })]),
  ],
  ["check", ({ processor, context }) => processor.check(context)],
];

describe.each(questions)("%s", (_, ask) => {
  it.each(faults)("translates %s, and prints nobody", async (_what, fault, expected) => {
    const scene = await openScene();
    const id = scene.portal.addContact({ email: canary });
    scene.portal.inject({ fault, times: 10 });

    const error = await failureOf(ask(scene));

    expect(error).toBeInstanceOf(HeedError);
    expect(error).toMatchObject({ processor: "hubspot", ...expected });
    expect(printed(error)).not.toMatch(/canary/);
    expect(scene.portal.search(canary)).toEqual([`contact ${id}`]);
  });
});

describe("a refusal of one call", () => {
  it("is failed, keeps HubSpot's correlation id, and prints nobody", async () => {
    const scene = await openScene();
    scene.portal.inject({ method: "POST", path: "/statuses/", fault: { status: 400, body } });
    const outcomes = await questionsOf(scene, "unsubscribe").run([unsubscribeCall("a", { email: canary })]);
    expect(outcomes.get("a")).toMatchObject({
      status: "failed",
      error: { name: "RejectedError", status: 400, operation: "unsubscribe", requestId: body.correlationId },
    });
    expect(printed(outcomes)).not.toMatch(/canary/);
  });

  it("does not take a correlation id that is no id", async () => {
    const scene = await openScene();
    const fault = { status: 400, body: { ...body, correlationId: canary } };
    scene.portal.inject({ method: "POST", path: "/statuses/", fault });
    const outcomes = await questionsOf(scene, "unsubscribe").run([unsubscribeCall("a", { email: canary })]);
    expect(outcomes.get("a")).toMatchObject({ status: "failed", error: { requestId: undefined } });
    expect(printed(outcomes)).not.toMatch(/canary/);
  });
});

describe("the portal's own limits", () => {
  it("become a RateLimitedError that says how long to wait", async () => {
    const scene = await openScene({ burst: { calls: 3, perMs: 10_000 } });
    const ask = () => questionsOf(scene, "erase").resolve([eraseCall("a", { email: canary })]);
    await ask();
    expect(await failureOf(ask())).toMatchObject({
      name: "RateLimitedError",
      retryAfterMs: 10_000,
      bucket: "burst",
    });
    scene.pass(10_000);
    await expect(ask()).resolves.toBeDefined();
  });

  it("wait for midnight of the account's zone when the day is used up", async () => {
    const scene = await openScene({ dailyCalls: 0 }, { timeZone: "Europe/Stockholm" });
    // It is 11:00 in Stockholm.
    expect(await failureOf(scene.processor.check(scene.context))).toMatchObject({
      name: "RateLimitedError",
      retryAfterMs: 13 * 60 * 60 * 1000,
    });
  });
});
