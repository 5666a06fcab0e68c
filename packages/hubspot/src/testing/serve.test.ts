import { describe, expect, it, onTestFinished } from "vitest";
import { hubspotPortal } from "./portal.ts";

describe("a portal that listens", () => {
  it("answers over real HTTP, addresses with odd characters included", async () => {
    const portal = hubspotPortal({ definitions: [{ id: "4711" }] });
    const server = await portal.listen();
    onTestFinished(() => server.close());
    const headers = { Authorization: `Bearer ${portal.accessToken}`, "Content-Type": "application/json" };
    const email = "a/b+100%'räk@example.org";
    const response = await fetch(
      `${server.url}/communication-preferences/2026-09/statuses/${encodeURIComponent(email)}`,
      {
        method: "POST",
        headers,
        body: JSON.stringify({
          subscriptionId: 4711,
          statusState: "UNSUBSCRIBED",
          channel: "EMAIL",
          legalBasis: "NON_GDPR",
          legalBasisExplanation: "Räksmörgås",
        }),
      },
    );
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toMatch(/json/);
    expect(portal.status(email, "4711")).toBe("UNSUBSCRIBED");
    expect(portal.search("räksmörgås")).toEqual(["status 4711"]);
  });

  it("drops the connection before or after the effect", async () => {
    const portal = hubspotPortal();
    const server = await portal.listen();
    onTestFinished(() => server.close());
    portal.addContact({ email: "anna@example.org" });
    const erase = () =>
      fetch(`${server.url}/crm/objects/2026-09/contacts/gdpr-delete`, {
        method: "POST",
        headers: { Authorization: `Bearer ${portal.accessToken}` },
        body: JSON.stringify({ objectId: "101" }),
      });
    portal.inject({ fault: "drop" });
    await expect(erase()).rejects.toThrow(TypeError);
    expect(portal.search("anna@example.org")).toEqual(["contact 101"]);
    portal.inject({ fault: "drop", afterEffect: true });
    await expect(erase()).rejects.toThrow(TypeError);
    expect(portal.search("anna@example.org")).toEqual([]);
    expect(portal.calls.map(({ answered }) => answered)).toEqual(["dropped", "dropped"]);
  });

  it("closes while a call hangs", async () => {
    const portal = hubspotPortal();
    const server = await portal.listen();
    portal.inject({ fault: "hang" });
    const hanging = fetch(server.url);
    await expect.poll(() => portal.calls.length).toBe(1);
    await Promise.all([server.close(), expect(hanging).rejects.toThrow(TypeError)]);
    await expect(fetch(server.url)).rejects.toThrow(TypeError);
  });
});
