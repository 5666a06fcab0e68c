import { describe, expect, it } from "vitest";
import { failureOf, openScene } from "../test/scene.ts";
import { allScopes } from "./testing/options.ts";

const enterprise = { tier: "enterprise", definitions: [{ id: "4711" }, { id: "4712" }] } as const;
const fitting = {
  topics: { "product-news": { subscriptionId: "4711" }, events: { subscriptionId: "4712" } },
  timeZone: "Europe/Stockholm",
  rateLimit: { calls: 10_000, perMs: 10_000 },
} as const;

const without = (...scopes: readonly string[]) => allScopes.filter((each) => !scopes.includes(each));

describe("check", () => {
  it("says which account the token opens, and that nothing is lacking", async () => {
    const scene = await openScene(enterprise, fitting);
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
    [
      "crm.objects.contacts.read",
      ["erase", "exclude", "export", "observe", "rectify", "restrict", "subscribe", "unsubscribe"],
    ],
    ["crm.objects.contacts.write", ["erase", "exclude", "rectify"]],
    ["communication_preferences.read_write", ["exclude", "export", "observe", "subscribe", "unsubscribe"]],
  ])("says what fails without %s", async (scope, operations) => {
    const scene = await openScene({ scopes: without(scope) });
    const { lacks } = await scene.processor.check(scene.context);
    expect(lacks).toEqual(operations.map((operation) => ({ operation, needs: `scope ${scope}` })));
  });

  it("says what an export fails without, and how to do without it", async () => {
    const parts = {
      "crm.objects.contacts.sensitive.read.v2": "sensitive-properties",
      "crm.objects.contacts.highly_sensitive.read.v2": "highly-sensitive-properties",
      "crm.lists.read": "lists",
      "crm.objects.deals.read": "deals",
      "crm.objects.companies.read": "companies",
      tickets: "tickets",
    } as const;
    for (const [scope, part] of Object.entries(parts)) {
      const portalOptions = { scopes: without(scope) };
      const scene = await openScene(portalOptions);
      const { lacks } = await scene.processor.check(scene.context);
      expect(lacks.filter(({ operation }) => operation === "export")).toEqual([
        { operation: "export", needs: `scope ${scope}, or "${part}" in the option exportWithout` },
      ]);
      expect(lacks.filter(({ operation }) => operation === "erase")).toHaveLength(
        scope === "tickets" ? 1 : 0,
      );
      const told = await openScene(portalOptions, { exportWithout: [part] });
      const { lacks: rest } = await told.processor.check(told.context);
      expect(rest.map(({ operation }) => operation)).not.toContain("export");
    }
  });

  it("says that an export reads the names of properties, which reading contacts allows as well", async () => {
    const scopes = without("crm.schemas.contacts.read", "crm.objects.contacts.read");
    const scene = await openScene({ scopes });
    const { lacks } = await scene.processor.check(scene.context);
    expect(lacks).toContainEqual({ operation: "export", needs: "scope crm.schemas.contacts.read" });
    const alone = await openScene({ scopes: without("crm.schemas.contacts.read") });
    expect((await alone.processor.check(alone.context)).lacks).toEqual([]);
  });

  it("sees that preferences may be read and not written, once for each operation", async () => {
    const scopes = [...without("communication_preferences.read_write"), "communication_preferences.read"];
    const scene = await openScene({ scopes });
    const { lacks, unknownTopics } = await scene.processor.check(scene.context);
    expect(lacks).toEqual(
      ["exclude", "export", "observe", "subscribe", "unsubscribe"].map((operation) => ({
        operation,
        needs: "scope communication_preferences.read_write",
      })),
    );
    expect(unknownTopics).toEqual([]);
  });

  it("names topics whose subscription type is unknown, or another brand's", async () => {
    const scene = await openScene({ definitions: [{ id: "4712" }] });
    const { unknownTopics } = await scene.processor.check(scene.context);
    expect(unknownTopics).toEqual(["product-news", "events"]);
  });

  it.each([
    ["that opt-outs go one by one", { tier: "free" }, {}, /one address at a time: .*Enterprise/],
    [
      "that the scope for batches is lacking",
      { scopes: without("communication_preferences.statuses.batch.read") },
      {},
      /Enterprise/,
    ],
    [
      "the brands",
      { definitions: [{ id: "4711" }, { id: "4712" }, { id: "5000", brandId: "12" }] },
      {},
      /2 brands \(0, 12\)/,
    ],
    [
      "another time zone",
      { timeZone: "America/New_York" },
      {},
      /ends in America\/New_York, .* says Europe\/Stockholm/,
    ],
    ["that no time zone is set", {}, { timeZone: undefined }, /ends in Europe\/Stockholm, .* is not set/],
    [
      "another limit",
      { burst: { calls: 190, perMs: 10_000 } },
      {},
      /allows this token 190 calls in 10000 ms/,
    ],
    ["another daily quota", { dailyCalls: 625_000 }, {}, /allows the account 625000 calls a day/],
  ] as const)("remarks on %s, and on nothing else", async (_, portalOptions, adapterOptions, remark) => {
    const { timeZone, ...rest } = { ...fitting, ...adapterOptions };
    const scene = await openScene(
      { ...enterprise, ...portalOptions },
      { ...rest, ...(timeZone === undefined ? {} : { timeZone }) },
    );
    const { remarks, lacks } = await scene.processor.check(scene.context);
    expect(remarks).toEqual([expect.stringMatching(remark)]);
    expect(lacks).toEqual([]);
  });

  it("changes nothing, and creates no contact", async () => {
    const scene = await openScene({ ...enterprise, preferenceCreatesContact: true });
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
    for (const path of [
      "batch/read",
      "contacts/0",
      "definitions",
      "/statuses/",
      "/properties/",
      "memberships",
    ]) {
      const scene = await openScene();
      scene.portal.inject({ path, fault: nowhere });
      expect(await failureOf(scene.processor.check(scene.context))).toMatchObject({ code: "unknown-route" });
    }
  });
});
