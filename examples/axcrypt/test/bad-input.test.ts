import { createHeed, definePolicy, ephemeralKeys, isHeedError, keyring, memory, newKey } from "@heed/core";
import { sqlite } from "@heed/sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { evidence, scene, type Scene } from "./scene.ts";

const always = Number.POSITIVE_INFINITY;
const unknownUrl = { status: 404, body: { status: "error", message: "Unrecognized request URL" } };

/** How each vendor is struck and mended, and whether it still has the person. */
const vendorsOf = (axcrypt: Scene) =>
  ({
    HubSpot: {
      processor: "crm",
      strike: (what: string) => {
        const fault = {
          "401": { status: 401, body: { category: "INVALID_AUTHENTICATION" } },
          "404 for an unknown URL": unknownUrl,
          "429": { status: 429, body: { policyName: "TEN_SECONDLY_ROLLING" } },
          "500": { status: 500, body: "oops" },
          garbage: "garbage",
          nothing: "drop",
        }[what];
        axcrypt.portal.inject({ fault: fault as "drop", times: always });
      },
      heal: () => axcrypt.portal.heal(),
      holds: () => axcrypt.portal.search("anna@example.se").length > 0,
    },
    Stripe: {
      processor: "billing",
      strike: (what: string) => {
        const fault = {
          "401": 401,
          "404 for an unknown URL": 404,
          "429": "rate-limit",
          "500": 500,
          garbage: "garbage",
          nothing: "drop-before",
        }[what];
        axcrypt.stripe.fault("*", fault as number, { times: always });
      },
      heal: () => axcrypt.stripe.heal(),
      holds: () =>
        axcrypt.stripe.credentialsOf([...axcrypt.stripe.state.customers.keys()][0] ?? "").length > 0,
    },
  }) as const;

describe("a processor that answers badly", () => {
  const named: Readonly<Record<string, readonly string[]>> = {
    "401": ["account-refused"],
    "404 for an unknown URL": ["account-refused"],
    "429": ["rate-limited"],
    "500": ["unavailable"],
    garbage: ["unavailable"],
    nothing: ["unavailable"],
  };

  describe.each(["HubSpot", "Stripe"] as const)("%s", (name) => {
    // Side by side: each waits for its vendor's turns most of the time.
    it.concurrent.for(Object.keys(named))(
      "on %s has a named state, erases nothing it claims to, and goes on when it is mended",
      async (what, { onTestFinished }) => {
        const axcrypt = await scene();
        onTestFinished(axcrypt.close);
        const { heed, person, settle, application } = axcrypt;
        const { processor, strike, heal, holds } = vendorsOf(axcrypt)[name];
        const subject = await person("anna@example.se", { stripe: [{ cards: 1, paying: false }] });
        strike(what);
        const { id } = await heed.requests.open({ right: "erasure", subject, identity: "signed-in" });
        for (let round = 0; round < 3; round += 1) {
          const { nextAt = "" } = await heed.work.drain();
          axcrypt.clock.skip(Math.max(0, Date.parse(nextAt) - axcrypt.clock.now().getTime()));
        }
        const stuck = await heed.requests.get(id);
        expect(stuck.state).toBe("executing");
        const waiting = stuck.steps.filter((step) => step.processor === processor && step.state === "due");
        expect(waiting.length).toBeGreaterThan(0);
        for (const { because } of waiting) expect(named[what]).toContain(because);
        expect(holds()).toBe(true);
        // The other processors did not wait for it.
        expect(application.holds("anna@example.se")).toBe(false);

        heal();
        axcrypt.clock.skip(3_600_000);
        await settle();
        expect((await heed.requests.get(id)).state).toBe("partially_fulfilled");
        expect(holds()).toBe(false);
      },
    );
  });
});

describe("a caller that asks badly", () => {
  let axcrypt: Scene;
  beforeEach(async () => {
    axcrypt = await scene();
  });
  afterEach(async () => {
    await axcrypt.close();
  });

  it.each([
    "",
    "anna",
    "anna@",
    "@example.se",
    "a b@example.se",
    "anna@example.se,bo@example.se",
    "Anna <anna@example.se>",
    "anna@example.se\r\nBcc: x@y.z",
  ])("is told that %j is not an address, and nothing is recorded", async (email) => {
    const { heed } = axcrypt;
    const calls = [
      heed.consent.give({ subject: { email }, purpose: "direct-marketing", evidence }),
      heed.consent.withdraw({ subject: { email }, purpose: "direct-marketing" }),
      heed.requests.open({ right: "erasure", subject: { email }, identity: "signed-in" }),
      heed.permits.take({ topic: "newsletter", email, messageKey: "m" }),
    ];
    for (const call of calls) {
      await expect(call).rejects.toSatisfy(
        (error) =>
          isHeedError(error) &&
          error.name === "InvalidInputError" &&
          (email === "" || !error.message.includes(email)),
      );
    }
    expect((await heed.work.drain()).open).toBe(0);
  });

  it("is told which name the policy does not have", async () => {
    const { heed } = axcrypt;
    const subject = { email: "anna@example.se" };
    const purpose = "telemetry" as "account";
    await expect(heed.consent.give({ subject, purpose, evidence })).rejects.toThrow(
      /"telemetry".*purposes.*direct-marketing/,
    );
    await expect(
      heed.requests.open({ right: "access" as "erasure", subject, identity: "signed-in" }),
    ).rejects.toThrow(/right/);
    await expect(
      heed.requests.open({ right: "erasure", subject, identity: "trust-me" as "signed-in" }),
    ).rejects.toThrow(/signed-in/);
    await expect(heed.requests.get("nothing")).rejects.toThrow(/no such request/i);
  });

  it("is told what to do about keys", () => {
    expect(() => keyring(undefined)).toThrow(/npx @heed\/cli keys/);
    const policy = definePolicy({
      controller: { name: "A", country: "SE", contact: "a@b.se" },
      purposes: {},
      topics: {},
    });
    expect(() => createHeed({ policy, storage: sqlite("/nowhere/heed.db"), keys: ephemeralKeys() })).toThrow(
      /npx @heed\/cli keys/,
    );
  });

  it("is told when storage was written with keys that it does not have, and the ledger stays as it is", async () => {
    const policy = definePolicy({
      controller: { name: "A", country: "SE", contact: "a@b.se" },
      purposes: { news: { basis: "consent" } },
      topics: { news: { class: "marketing", purpose: "news" } },
    });
    const storage = memory();
    const first = createHeed({ policy, storage, keys: keyring(newKey()) });
    const { id } = await first.requests.open({
      right: "erasure",
      subject: { accountId: "1" },
      identity: "signed-in",
    });
    const stranger = createHeed({ policy, storage, keys: keyring(newKey()) });
    await expect(stranger.requests.get(id)).rejects.toMatchObject({ code: "unknown-key" });
    expect((await first.requests.get(id)).state).toBe("executing");
  });
});
