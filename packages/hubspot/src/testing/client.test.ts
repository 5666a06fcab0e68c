import { describe, expect, it, onTestFinished } from "vitest";
import { hubspotClient } from "../hubspot-client.ts";
import { hubspotPortal } from "./portal.ts";

const email = "a/b+100%'räk@example.org";
const contacts = "/crm/objects/2026-09/contacts";
const read = { method: "POST", path: `${contacts}/batch/read`, qs: { archived: "false", odd: email } };
const body = {
  idProperty: "email",
  inputs: [{ id: email }],
  properties: ["email"],
  propertiesWithHistory: [],
};
const statuses = `/communication-preferences/2026-09/statuses/${encodeURIComponent(email)}`;

describe("a portal's client", () => {
  it("asks as HubSpot's own client does, and is answered the same", async () => {
    const portal = hubspotPortal({ now: () => new Date("2026-11-21T10:00:00.000Z") });
    const server = await portal.listen();
    onTestFinished(() => server.close());
    portal.addContact({ email });
    const own = hubspotClient({ accessToken: portal.accessToken, baseUrl: server.url });
    for (const asked of [
      { ...read, body },
      { path: statuses, qs: { channel: "EMAIL" } },
    ]) {
      const answers = [await own.apiRequest(asked), await portal.client().apiRequest(asked)];
      const [one, other] = await Promise.all(answers.map(async (each) => [each.status, await each.json()]));
      expect(other).toEqual(one);
      expect(portal.calls.at(-1)).toEqual(portal.calls.at(-2));
    }
    expect(portal.calls.map(({ answered }) => answered)).toEqual([200, 200, 200, 200]);
  });

  it("rejects where the connection breaks, before or after the effect", async () => {
    const portal = hubspotPortal();
    const objectId = portal.addContact({ email: "anna@example.org" });
    const erase = () =>
      portal.client().apiRequest({ method: "POST", path: `${contacts}/gdpr-delete`, body: { objectId } });
    portal.inject({ fault: "drop" });
    await expect(erase()).rejects.toThrow(TypeError);
    expect(portal.search("anna@example.org")).toEqual([`contact ${objectId}`]);
    portal.inject({ fault: "drop", afterEffect: true });
    await expect(erase()).rejects.toThrow(TypeError);
    expect(portal.search("anna@example.org")).toEqual([]);
  });

  it("hands its requests to whoever stands in between, and to nobody else", async () => {
    const portal = hubspotPortal();
    const client = portal.client(async ({ url }) => Response.json({ url }));
    const answer = await client.apiRequest({ path: "/account-info/2026-09/details" });
    expect(await answer.json()).toEqual({ url: "https://api.hubapi.com/account-info/2026-09/details" });
    expect(portal.calls).toEqual([]);
  });
});
