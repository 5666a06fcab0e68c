import { runOnce } from "@heed/core";
import { describe, expect, it } from "vitest";
import { clockOf, companyWith } from "./company.ts";
import { mollie } from "./mollie.ts";
import { mollieAccount } from "./mollie-account.ts";

const customer = "cst_8wmqcHMN4U";
const subject = { mollieCustomerId: customer };
const access = { apiKey: "live_1", profile: "pfl_1" } as const;

/** Somebody with two mandates, one of which a subscription is charged by, and somebody else. */
function world(status = "active") {
  const vendor = mollieAccount(access.apiKey, access.profile);
  const person = {
    mandates: new Set(["mdt_1", "mdt_2"]),
    subscriptions: [{ mandateId: "mdt_1", status }],
  };
  const bystander = {
    mandates: new Set(["mdt_9"]),
    subscriptions: [{ mandateId: "mdt_9", status: "active" }],
  };
  vendor.customers.set(customer, person).set("cst_bystander", bystander);
  const processor = mollie({ ...access, fetch: vendor.fetch });
  return { vendor, person, bystander, processor, ...companyWith(processor) };
}

describe("forgetting at Mollie", () => {
  it("revokes every mandate, reads back that they are gone, and touches nobody else", async () => {
    const { vendor, person, bystander, settle, paidServiceEnded, proofOf } = world("completed");
    const id = await paidServiceEnded(subject);
    await settle();
    expect(person.mandates).toEqual(new Set());
    expect(bystander).toEqual({
      mandates: new Set(["mdt_9"]),
      subscriptions: [{ mandateId: "mdt_9", status: "active" }],
    });
    expect(vendor.asked.filter((call) => call.startsWith("DELETE"))).toHaveLength(2);
    const { settled, summary } = await proofOf(id);
    expect(settled).toMatchObject({ state: "verified", outcome: "done", finding: "as-asked", affected: 2 });
    expect(summary).toMatchObject({ state: "fulfilled", retained: [] });
  });

  it("knows before it acts that a paid service would end, and touches nothing while one runs", async () => {
    const { vendor, person, heed, clock, settle, paidServiceEnded, stepOf, proofOf } = world();
    const { steps } = await heed.requests.preview({ right: "erasure", subject });
    expect(steps[0]).toMatchObject({
      operation: "forgetTokens",
      effects: ["irreversible", "ends-paid-service"],
    });

    const id = await paidServiceEnded(subject);
    await settle(5 * 86_400_000);
    expect(await stepOf(id)).toMatchObject({ state: "due", because: "subscription-running" });
    expect(person.mandates).toEqual(new Set(["mdt_1", "mdt_2"]));
    expect(person.subscriptions).toEqual([{ mandateId: "mdt_1", status: "active" }]);
    expect(vendor.asked.some((call) => call.startsWith("DELETE"))).toBe(false);

    // It ran out by itself.
    person.subscriptions[0] = { mandateId: "mdt_1", status: "completed" };
    await clock.advance(86_400_000);
    await settle();
    expect(person.mandates).toEqual(new Set());
    expect(person.subscriptions).toEqual([{ mandateId: "mdt_1", status: "completed" }]);
    expect((await proofOf(id)).settled).toMatchObject({ state: "verified", affected: 2 });
  });

  it("leaves a service that runs on past the deadline to a human, and forgets nothing", async () => {
    const { person, settle, paidServiceEnded, stepOf } = world();
    const id = await paidServiceEnded(subject);
    await settle();
    expect(await stepOf(id)).toMatchObject({
      state: "manual",
      because: "deadline-passed",
      instruction: expect.stringContaining("subscription-running"),
    });
    expect(person.mandates).toEqual(new Set(["mdt_1", "mdt_2"]));
  });

  it("ends the service where that is allowed, and only there", async () => {
    const { person, processor } = world();
    const once = (endsPaidService: "allowed" | "refused") =>
      runOnce(processor, "forgetTokens", subject, {
        clock: clockOf(),
        input: { endsPaidService, keep: [] },
      });
    expect(await once("refused")).toMatchObject({ state: "due", because: "subscription-running" });
    expect(person.mandates).toEqual(new Set(["mdt_1", "mdt_2"]));
    expect(await once("allowed")).toMatchObject({ state: "verified", affected: 2 });
    expect(person).toEqual({
      mandates: new Set(),
      subscriptions: [{ mandateId: "mdt_1", status: "canceled" }],
    });
  });

  it("touches nothing while nobody can say whether a service runs", async () => {
    const { vendor, person, heed, paidServiceEnded, stepOf } = world("completed");
    vendor.fault(/subscriptions/, 500);
    const id = await paidServiceEnded(subject);
    await heed.work.drain();
    expect(await stepOf(id)).toMatchObject({ state: "due", because: "unavailable" });
    expect(person.mandates).toEqual(new Set(["mdt_1", "mdt_2"]));
  });

  it("counts what somebody else revoked in between as gone, and not as its own", async () => {
    const { vendor, person, settle, paidServiceEnded, proofOf } = world("completed");
    vendor.fault(/DELETE/, () => void person.mandates.delete("mdt_1"));
    const id = await paidServiceEnded(subject);
    await settle();
    expect((await proofOf(id)).settled).toMatchObject({ state: "verified", outcome: "done", affected: 1 });
  });

  it("finds nobody where the customer is deleted or was never there", async () => {
    for (const known of [true, false]) {
      const { vendor, settle, paidServiceEnded, proofOf } = world();
      if (known) vendor.customers.set(customer, undefined);
      else vendor.customers.delete(customer);
      const id = await paidServiceEnded(subject);
      await settle();
      expect((await proofOf(id)).settled).toMatchObject({ state: "verified", outcome: "absent" });
      expect(vendor.asked.some((call) => call.startsWith("DELETE"))).toBe(false);
    }
  });

  it("has one effect where the answer was lost after it", async () => {
    const { vendor, person, settle, paidServiceEnded, proofOf } = world("completed");
    vendor.fault(/DELETE/, "answer-lost");
    const id = await paidServiceEnded(subject);
    await settle();
    expect(person.mandates).toEqual(new Set());
    expect((await proofOf(id)).settled).toMatchObject({ state: "verified", outcome: "done" });
    expect(vendor.asked.filter((call) => /^DELETE.*mdt_2$/.test(call))).toHaveLength(1);
  });

  it("does nothing with a key that opens another profile", async () => {
    const { vendor, person } = world("completed");
    const processor = mollie({ ...access, profile: "pfl_2", fetch: vendor.fetch });
    const other = companyWith(processor);
    const id = await other.paidServiceEnded(subject);
    await other.heed.work.drain();
    expect(await other.stepOf(id)).toMatchObject({ state: "due", because: "wrong-account" });
    expect(person.mandates).toEqual(new Set(["mdt_1", "mdt_2"]));
  });
});
