import { describe, expect, it } from "vitest";
import { askPortal as ask } from "../../test/ask-portal.ts";
import { hubspotPortal } from "./portal.ts";

const account = "/account-info/2026-09/details";
const contacts = "/crm/objects/2026-09/contacts";

describe("every endpoint", () => {
  it("needs the token", async () => {
    const portal = hubspotPortal();
    portal.addContact({ email: "anna@example.org" });
    const { status, body } = await ask(
      portal,
      "POST",
      `${contacts}/gdpr-delete`,
      { objectId: "101" },
      "another",
    );
    expect(status).toBe(401);
    expect(body).toMatchObject({ category: "INVALID_AUTHENTICATION" });
    expect(portal.search("anna@example.org")).toEqual(["contact 101"]);
  });

  it("needs its scope, and says which", async () => {
    const portal = hubspotPortal({ scopes: ["crm.objects.contacts.read"] });
    portal.addContact({ email: "anna@example.org" });
    expect((await ask(portal, "GET", `${contacts}/101`)).status).toBe(200);
    const { status, body } = await ask(portal, "POST", `${contacts}/gdpr-delete`, { objectId: "101" });
    expect(status).toBe(403);
    expect(body).toMatchObject({
      category: "MISSING_SCOPES",
      errors: [{ context: { missingScopes: ["crm.objects.contacts.write"] } }],
    });
    expect(portal.search("anna@example.org")).toEqual(["contact 101"]);
  });

  it("counts against the rolling limit, and says how much is left", async () => {
    let instant = 0;
    const portal = hubspotPortal({ burst: { calls: 2, perMs: 10_000 }, now: () => new Date(instant) });
    const first = await ask(portal, "GET", account);
    expect(first.headers.get("X-HubSpot-RateLimit-Max")).toBe("2");
    expect(first.headers.get("X-HubSpot-RateLimit-Remaining")).toBe("1");
    instant = 6000;
    await ask(portal, "GET", account);
    instant = 9999;
    const refused = await ask(portal, "GET", account);
    expect(refused.status).toBe(429);
    expect(refused.body).toMatchObject({
      message: "You have reached your ten_secondly_rolling limit.",
      policyName: "TEN_SECONDLY_ROLLING",
    });
    expect(refused.headers.get("Retry-After")).toBeNull();
    // The window rolls: only the first call has left it.
    instant = 10_000;
    expect((await ask(portal, "GET", account)).status).toBe(200);
    expect((await ask(portal, "GET", account)).status).toBe(429);
  });

  it("says Retry-After where the switch says so", async () => {
    const portal = hubspotPortal({ burst: { calls: 0, perMs: 10_000 }, retryAfterHeader: true });
    expect((await ask(portal, "GET", account)).headers.get("Retry-After")).toBe("10");
  });

  it("counts against the day, which ends at midnight of the account's zone", async () => {
    let instant = Date.parse("2026-11-21T22:30:00Z");
    const portal = hubspotPortal({ dailyCalls: 1, now: () => new Date(instant) });
    await ask(portal, "GET", account);
    expect((await ask(portal, "GET", account)).body).toMatchObject({ policyName: "DAILY" });
    instant = Date.parse("2026-11-21T23:00:00Z");
    expect((await ask(portal, "GET", account)).status).toBe(200);
  });

  it("is logged", async () => {
    const portal = hubspotPortal();
    await ask(portal, "POST", `${contacts}/gdpr-delete`, { objectId: "1" });
    expect(portal.calls).toMatchObject([
      {
        method: "POST",
        path: `${contacts}/gdpr-delete`,
        route: "POST /crm/objects/:version/contacts/gdpr-delete",
        body: { objectId: "1" },
        answered: 404,
      },
    ]);
    expect(portal.countCalls("gdpr-delete")).toBe(1);
    expect(portal.countCalls(/^GET/)).toBe(0);
  });
});

describe("what no route knows", () => {
  it.each([
    ["POST", `${contacts}/batch/upsert`],
    ["PUT", `${contacts}/101`],
    ["DELETE", "/crm/lists/2026-09/1"],
    ["POST", "/crm/objects/2027-03/contacts/gdpr-delete"],
    ["GET", "/"],
  ])("is refused: %s %s", async (method, path) => {
    const portal = hubspotPortal();
    portal.addContact({ email: "anna@example.org" });
    const { status, body } = await ask(portal, method, path);
    expect(status).toBe(404);
    expect(body).not.toHaveProperty("category");
    expect(portal.search("anna@example.org")).toEqual(["contact 101"]);
  });
});

describe("a fault", () => {
  it("hits the calls it names, so often as it says, before or after the effect", async () => {
    const portal = hubspotPortal();
    portal.addContact({ email: "anna@example.org" });
    portal.inject({ method: "POST", path: "gdpr-delete", skip: 1, times: 2, fault: { status: 500 } });
    const statuses = [];
    for (let at = 0; at < 4; at += 1) {
      await ask(portal, "GET", account);
      statuses.push((await ask(portal, "POST", `${contacts}/gdpr-delete`, { objectId: "999" })).status);
    }
    expect(statuses).toEqual([404, 500, 500, 404]);

    portal.inject({ path: /gdpr/, fault: "garbage" });
    expect((await ask(portal, "POST", `${contacts}/gdpr-delete`, { objectId: "101" })).body).toBeTypeOf(
      "string",
    );
    expect(portal.search("anna@example.org")).toEqual(["contact 101"]);
    portal.inject({ path: /gdpr/, fault: "empty", afterEffect: true });
    expect((await ask(portal, "POST", `${contacts}/gdpr-delete`, { objectId: "101" })).body).toBe("");
    expect(portal.search("anna@example.org")).toEqual([]);
  });
});
