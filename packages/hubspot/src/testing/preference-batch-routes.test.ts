import { describe, expect, it } from "vitest";
import { askPortal as ask } from "../../test/ask-portal.ts";
import { hubspotPortal } from "./portal.ts";

const batch = "/communication-preferences/2026-09/statuses/batch";
const enterprise = {
  tier: "enterprise",
  definitions: [{ id: "4711" }, { id: "4712", brandId: "7" }],
} as const;
const out = (email: string, subscriptionId = 4711) => ({
  subscriberIdString: email,
  subscriptionId,
  statusState: "UNSUBSCRIBED",
  channel: "EMAIL",
  legalBasis: "NON_GDPR",
  legalBasisExplanation: "Asked for.",
});
const [anna, bo] = ["anna@example.org", "bo@example.org"];

describe("a batch of preferences", () => {
  it("is for Enterprise accounts, whatever the token was granted", async () => {
    for (const tier of ["free", "starter", "professional"] as const) {
      const portal = hubspotPortal({ ...enterprise, tier });
      const answer = await ask(portal, "POST", `${batch}/write`, { inputs: [out(anna)] });
      expect(answer.status).toBe(403);
      expect(answer.body).toMatchObject({ category: "MISSING_SCOPES" });
      expect(portal.status(anna, "4711")).toBe("NOT_SPECIFIED");
    }
  });

  it("is written and read for each address, in another order", async () => {
    const portal = hubspotPortal(enterprise);
    const written = await ask(portal, "POST", `${batch}/write`, { inputs: [out(anna), out(bo, 4712)] });
    expect(written.body).toMatchObject({
      results: [
        {
          subscriberIdString: bo,
          status: "UNSUBSCRIBED",
          setStatusSuccessReason: "REQUESTED_CHANGE_OCCURRED",
        },
        { subscriberIdString: anna, status: "UNSUBSCRIBED" },
      ],
    });
    const read = await ask(portal, "POST", `${batch}/read?channel=EMAIL`, { inputs: [anna, bo] });
    expect(read.body).toMatchObject({
      results: [
        { subscriberIdString: bo, statuses: [{ status: "NOT_SPECIFIED" }, { status: "UNSUBSCRIBED" }] },
        { subscriberIdString: anna, statuses: [{ status: "UNSUBSCRIBED" }, { status: "NOT_SPECIFIED" }] },
      ],
    });
  });

  it("opts out of everything of one brand, and reads that", async () => {
    const portal = hubspotPortal(enterprise);
    const path = `${batch}/unsubscribe-all?channel=EMAIL&businessUnitId=7`;
    expect((await ask(portal, "POST", path, { inputs: [anna] })).status).toBe(200);
    expect(portal.isOptedOutOfAll(anna, "7")).toBe(true);
    expect(portal.isOptedOutOfAll(anna)).toBe(false);
    const wide = `${batch}/unsubscribe-all/read?channel=EMAIL`;
    const own = await ask(portal, "POST", wide, { inputs: [anna] });
    expect(own.body).toMatchObject({ results: [{ wideStatuses: [] }] });
    const other = await ask(portal, "POST", `${wide}&businessUnitId=7`, { inputs: [anna] });
    expect(other.body).toMatchObject({ results: [{ wideStatuses: [{ businessUnitId: 7 }] }] });
  });

  it.each([200, 207] as const)("says %i with the errors of those that it refuses", async (status) => {
    const portal = hubspotPortal({ ...enterprise, preferenceBatchPartial: status });
    portal.refuse(bo);
    const answer = await ask(portal, "POST", `${batch}/write`, { inputs: [out(anna), out(bo)] });
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ numErrors: 1, results: [{ subscriberIdString: anna }] });
    expect(portal.status(bo, "4711")).toBe("NOT_SPECIFIED");
  });

  it.each([400, 413] as const)("that is too large is refused whole with %i", async (status) => {
    const portal = hubspotPortal({ ...enterprise, preferenceBatchMax: 1, preferenceBatchTooLarge: status });
    const answer = await ask(portal, "POST", `${batch}/write`, { inputs: [out(anna), out(bo)] });
    expect(answer.status).toBe(status);
    expect(portal.status(anna, "4711")).toBe("NOT_SPECIFIED");
  });

  it("is refused without a channel, or for what is no list of addresses", async () => {
    const portal = hubspotPortal(enterprise);
    expect((await ask(portal, "POST", `${batch}/read`, { inputs: [anna] })).status).toBe(400);
    expect(
      (await ask(portal, "POST", `${batch}/read?channel=EMAIL`, { inputs: [{ id: anna }] })).status,
    ).toBe(400);
    expect((await ask(portal, "POST", `${batch}/write`, { inputs: [anna] })).status).toBe(400);
  });
});
