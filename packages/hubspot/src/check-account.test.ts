import { describe, expect, it } from "vitest";
import { failureOf, openScene } from "../test/scene.ts";

const all = [
  "crm.objects.contacts.read",
  "crm.objects.contacts.write",
  "communication_preferences.read_write",
];

describe("check", () => {
  it("says which account the token opens, and that nothing is lacking", async () => {
    const scene = await openScene();
    expect(await scene.processor.check(scene.context)).toEqual({
      account: "8675309",
      lacks: [],
      unknownTopics: [],
    });
  });

  it("says the account that is really opened, not the one that was configured", async () => {
    const scene = await openScene({ portalId: "1234" });
    const { account } = await scene.processor.check(scene.context);
    expect(account).toBe("1234");
    expect(scene.processor.account).toBe("8675309");
  });

  it.each([
    ["crm.objects.contacts.read", ["erase", "unsubscribe"]],
    ["crm.objects.contacts.write", ["erase"]],
    ["communication_preferences.read_write", ["unsubscribe"]],
  ])("says what fails without %s", async (scope, operations) => {
    const scene = await openScene({ scopes: all.filter((each) => each !== scope) });
    const { lacks } = await scene.processor.check(scene.context);
    expect(lacks).toEqual(operations.map((operation) => ({ operation, needs: `scope ${scope}` })));
  });

  it("sees that preferences may be read and not written", async () => {
    const scene = await openScene({ scopes: [...all.slice(0, 2), "communication_preferences.read"] });
    const { lacks } = await scene.processor.check(scene.context);
    expect(lacks).toEqual([
      { operation: "unsubscribe", needs: "scope communication_preferences.read_write" },
    ]);
  });

  it("names topics whose subscription type is unknown, or another brand's", async () => {
    const scene = await openScene({ definitions: [{ id: "4712" }] });
    const { unknownTopics } = await scene.processor.check(scene.context);
    expect(unknownTopics).toEqual(["product-news", "events"]);
  });

  it("changes nothing, and creates no contact", async () => {
    const scene = await openScene({ preferenceCreatesContact: true });
    await scene.processor.check(scene.context);
    expect(scene.portal.search("")).toEqual([]);
    expect(scene.portal.countCalls("gdpr-delete")).toBe(0);
    expect(scene.portal.countCalls("unknown")).toBe(0);
  });

  it("fails with a token that opens nothing", async () => {
    const scene = await openScene({ accessToken: "another" });
    expect(await failureOf(scene.processor.check(scene.context))).toMatchObject({
      name: "RejectedError",
      code: "unauthorized",
      operation: "check",
    });
  });

  it("fails where the API version is not routed, rather than report a missing scope", async () => {
    const nowhere = { status: 404, body: { status: "error", message: "resource not found" } };
    for (const path of ["batch/read", "contacts/0", "definitions", "/statuses/"]) {
      const scene = await openScene();
      scene.portal.inject({ path, fault: nowhere });
      expect(await failureOf(scene.processor.check(scene.context))).toMatchObject({ code: "unknown-route" });
    }
  });
});
