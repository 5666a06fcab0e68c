import { describe, expect, it } from "vitest";
import { z } from "zod";
import { askPortal as ask } from "../../test/ask-portal.ts";
import { hubspotPortal, type HubspotPortal } from "./portal.ts";

const base = "/communication-preferences/2026-09";
const anna = `${base}/statuses/anna%40example.org`;
const definitions = [{ id: "4711" }, { id: "4712", brandId: "7" }];
const legal = { legalBasis: "CONSENT_WITH_NOTICE", legalBasisExplanation: "A form." };

const resultsSchema = z.object({ results: z.array(z.record(z.string(), z.unknown())) });

function set(portal: HubspotPortal, statusState: string, more: object = legal, subscriptionId = 4711) {
  return ask(portal, "POST", anna, { subscriptionId, statusState, channel: "EMAIL", ...more });
}

async function rowsOf(answer: ReturnType<typeof ask>) {
  return resultsSchema.parse((await answer).body).results;
}

describe("definitions", () => {
  it("have string ids and their brand", async () => {
    const portal = hubspotPortal({ definitions });
    const rows = await rowsOf(ask(portal, "GET", `${base}/definitions`));
    expect(rows).toMatchObject([
      { id: "4711", businessUnitId: 0 },
      { id: "4712", businessUnitId: 7 },
    ]);
    expect(await rowsOf(ask(portal, "GET", `${base}/definitions?businessUnitId=7`))).toHaveLength(1);
  });
});

describe("a status", () => {
  it("goes from never asked to subscribed and back, and says what happened", async () => {
    const portal = hubspotPortal({ definitions });
    const reasons = [];
    for (const state of ["SUBSCRIBED", "UNSUBSCRIBED", "UNSUBSCRIBED", "SUBSCRIBED"]) {
      reasons.push((await rowsOf(set(portal, state)))[0]?.["setStatusSuccessReason"]);
    }
    expect(reasons).toEqual([
      "REQUESTED_CHANGE_OCCURRED",
      "REQUESTED_CHANGE_OCCURRED",
      "NO_STATUS_CHANGE",
      "RESUBSCRIBE_OCCURRED",
    ]);
    expect(portal.status("Anna@example.org", "4711")).toBe("SUBSCRIBED");
    expect(portal.status("bo@example.org", "4711")).toBe("NOT_SPECIFIED");
    const rows = await rowsOf(ask(portal, "GET", `${anna}?channel=EMAIL`));
    expect(rows.find((each) => each["subscriptionId"] === 4711)).toMatchObject({
      status: "SUBSCRIBED",
      ...legal,
    });
  });

  it("needs a legal basis with privacy settings on, and none with them off", async () => {
    expect((await set(hubspotPortal({ definitions }), "UNSUBSCRIBED", {})).status).toBe(400);
    expect(
      (await set(hubspotPortal({ definitions, privacySettings: false }), "UNSUBSCRIBED", {})).status,
    ).toBe(200);
  });

  it("is refused for an unknown subscription, a channel other than e-mail, and what is no address", async () => {
    const portal = hubspotPortal({ definitions });
    const body = { subscriptionId: 4711, statusState: "UNSUBSCRIBED", channel: "EMAIL", ...legal };
    const refused = [
      await ask(portal, "POST", anna, { ...body, subscriptionId: 1 }),
      await ask(portal, "POST", anna, { ...body, subscriptionId: "4711" }),
      await ask(portal, "POST", anna, { ...body, channel: "SMS" }),
      await ask(portal, "POST", anna, { ...body, legalBasis: "BECAUSE" }),
      await ask(portal, "POST", `${base}/statuses/anna`, body),
      await ask(portal, "GET", anna),
    ];
    expect(refused.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400, 400]);
    expect(portal.search("anna")).toEqual([]);
  });

  it.each([
    ["all", 2],
    ["account-brand", 1],
  ] as const)("is listed for %s without a brand", async (statusesWithoutBrand, count) => {
    const portal = hubspotPortal({ definitions, statusesWithoutBrand });
    expect(await rowsOf(ask(portal, "GET", `${anna}?channel=EMAIL`))).toHaveLength(count);
    expect(await rowsOf(ask(portal, "GET", `${anna}?channel=EMAIL&businessUnitId=7`))).toHaveLength(1);
  });

  it.each([false, true])(
    "creates a contact when the switch says so (%s)",
    async (preferenceCreatesContact) => {
      const portal = hubspotPortal({ definitions, preferenceCreatesContact });
      await set(portal, "UNSUBSCRIBED");
      expect(portal.dossier("anna@example.org").contacts).toHaveLength(preferenceCreatesContact ? 1 : 0);
    },
  );
});

describe("an opt-out of everything", () => {
  it("covers one brand, and is shown only on asking verbosely", async () => {
    const portal = hubspotPortal({ definitions });
    const path = `${anna}/unsubscribe-all?channel=EMAIL`;
    expect(await rowsOf(ask(portal, "GET", path))).toEqual([]);
    expect(await rowsOf(ask(portal, "POST", path))).toEqual([]);
    expect(await rowsOf(ask(portal, "POST", `${path}&verbose=true`))).toMatchObject([
      { status: "UNSUBSCRIBED" },
    ]);
    expect(await rowsOf(ask(portal, "GET", path))).toMatchObject([{ businessUnitId: 0 }]);
    expect(portal.isOptedOutOfAll("anna@example.org")).toBe(true);
    expect(portal.isOptedOutOfAll("anna@example.org", "7")).toBe(false);
    expect(portal.status("anna@example.org", "4711")).toBe("UNSUBSCRIBED");
    expect(portal.status("anna@example.org", "4712")).toBe("NOT_SPECIFIED");
    expect((await ask(portal, "POST", `${path}&businessUnitId=99`)).status).toBe(400);
  });

  it.each([
    ["stays-out", true],
    ["lifts", false],
  ] as const)("under a new SUBSCRIBED: %s", async (subscribeUnderOptOut, optedOut) => {
    const portal = hubspotPortal({ definitions, subscribeUnderOptOut });
    await ask(portal, "POST", `${anna}/unsubscribe-all?channel=EMAIL`);
    await set(portal, "SUBSCRIBED");
    expect(portal.isOptedOutOfAll("anna@example.org")).toBe(optedOut);
  });
});

describe("the opt-out properties of a contact", () => {
  it("follow the preference with a delay", async () => {
    let instant = 0;
    const portal = hubspotPortal({ definitions, optOutPropertyDelayMs: 5000, now: () => new Date(instant) });
    portal.addContact({ email: "anna@example.org" });
    await set(portal, "UNSUBSCRIBED");
    await ask(portal, "POST", `${anna}/unsubscribe-all?channel=EMAIL`);
    const read = async () => {
      const names = "hs_email_optout,hs_email_optout_4711";
      const { body } = await ask(portal, "GET", `/crm/objects/2026-09/contacts/101?properties=${names}`);
      return z.object({ properties: z.record(z.string(), z.unknown()) }).parse(body).properties;
    };
    expect(await read()).toMatchObject({ hs_email_optout: null, hs_email_optout_4711: null });
    instant = 5000;
    expect(await read()).toMatchObject({ hs_email_optout: "true", hs_email_optout_4711: "true" });
  });
});
