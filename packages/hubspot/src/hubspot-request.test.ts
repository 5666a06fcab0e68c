import { describe, expect, it } from "vitest";
import {
  carryOut,
  eraseCall,
  failureOf,
  openScene,
  printed,
  questionsOf,
  unsubscribeCall,
  withTargets,
} from "../test/scene.ts";
import { hubspot } from "./hubspot.ts";

describe("turns", () => {
  it("are taken before every call, one each", async () => {
    const scene = await openScene();
    scene.portal.addContact({ email: "anna@example.org", additionalEmails: ["anna.b@example.net"] });
    await scene.processor.check(scene.context);
    await carryOut(scene, "unsubscribe", [
      unsubscribeCall("a", { email: "anna@example.org" }, ["product-news", "events"]),
    ]);
    await carryOut(scene, "unsubscribe", [unsubscribeCall("a", { email: "anna@example.org" }, "all")]);
    await carryOut(scene, "erase", [eraseCall("a", { email: "anna@example.org" })]);
    // At each turn the portal had seen no more than the calls of the turns before.
    expect(scene.turns.filter((seen, at) => seen > at)).toEqual([]);
    expect(scene.turns).toHaveLength(scene.portal.calls.length);
    expect(scene.turns.length).toBeGreaterThan(30);
  });

  it("that are refused let nothing out", async () => {
    const scene = await openScene();
    const refusal = new Error("The lease is lost.");
    const context = { ...scene.context, turn: () => Promise.reject(refusal) };
    const run = scene.processor.operations.unsubscribe?.run(
      [unsubscribeCall("a", { email: "anna@example.org" })],
      context,
    );
    expect(await failureOf(Promise.resolve(run))).toBe(refusal);
    expect(scene.portal.calls).toEqual([]);
  });
});

describe("an answer that is no longer waited for", () => {
  it("leaves a write unknown until it is read back", async () => {
    const scene = await openScene();
    const id = scene.portal.addContact({ email: "anna.canary@example.org" });
    const call = withTargets(eraseCall("a", { email: "anna.canary@example.org" }), [{ kind: "contact", id }]);
    scene.portal.inject({ path: "gdpr-delete", fault: "hang", afterEffect: true });
    const running = failureOf(questionsOf(scene, "erase").run([call]));
    await expect.poll(() => scene.portal.calls.length).toBe(1);
    scene.abort();
    const error = await running;
    expect(error).toMatchObject({ name: "UnavailableError", code: "abandoned" });
    expect(printed(error)).not.toMatch(/canary/);

    const fresh = { ...scene.context, signal: new AbortController().signal };
    const { verify } = scene.processor.operations.erase ?? {};
    if (typeof verify !== "function") throw new TypeError("There is no read-back.");
    expect((await verify([call], fresh)).get("a")).toEqual({ seen: "as-asked" });
  });

  it("is not asked for when the wait ended before", async () => {
    const scene = await openScene();
    scene.abort();
    const error = await failureOf(scene.processor.check(scene.context));
    expect(error).toMatchObject({ name: "UnavailableError", code: "abandoned" });
    expect(scene.portal.calls).toEqual([]);
  });
});

describe("a client that throws", () => {
  it("is heard for its system error code, and for nothing that may name anyone", async () => {
    const scene = await openScene();
    const below = Object.assign(new Error("connect to anna.canary@example.org"), { code: "ECONNRESET" });
    const client = {
      config: {},
      apiRequest: () => Promise.reject(new TypeError("fetch failed for anna.canary", { cause: below })),
    };
    const processor = hubspot({ client, portalId: "1", topics: {} });
    const error = await failureOf(processor.check(scene.context));
    expect(error).toMatchObject({ name: "UnavailableError", cause: { message: "ECONNRESET" } });
    expect(printed(error)).not.toMatch(/canary/);
  });
});

describe("apiVersion", () => {
  it("goes into every path", async () => {
    const scene = await openScene({ versions: ["2026-03"] }, { apiVersion: "2026-03" });
    scene.portal.addContact({ email: "anna@example.org" });
    const { findings } = await carryOut(scene, "erase", [eraseCall("a", { email: "anna@example.org" })]);
    expect(findings.get("a")).toEqual({ seen: "as-asked" });
    expect(scene.portal.calls.every(({ path }) => path.includes("/2026-03/"))).toBe(true);
  });

  it("that HubSpot does not route is never taken for absence", async () => {
    const scene = await openScene({ versions: ["2026-03"] });
    const id = scene.portal.addContact({ email: "anna@example.org" });
    const call = withTargets(eraseCall("a", { email: "anna@example.org" }), [{ kind: "contact", id }]);
    const { resolve, run, verify } = questionsOf(scene, "erase");
    for (const ask of [resolve, run, verify]) {
      expect(await failureOf(ask([call]))).toMatchObject({ name: "RejectedError", code: "unknown-route" });
    }
    expect(scene.portal.search("anna@example.org")).toEqual(["contact 101"]);
  });
});
