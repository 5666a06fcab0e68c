import { describe, expect, it } from "vitest";
import { companyWith } from "./company.ts";
import { paddle } from "./paddle.ts";
import { paddleAccount } from "./paddle-account.ts";

const customer = "ctm_01grnn4zta5a1mf02jjze7y2ys";
const bystander = "ctm_01grnn4zta5a1mf02jjze7y2yt";
const subject = { paddleCustomerId: customer };
const access = { apiKey: "pdl_live_1", product: "pro_01" } as const;
const dayMs = 86_400_000;

/** Somebody with three cards, one of which a subscription is charged by, and somebody else. */
function world(status?: "active" | "past_due") {
  const vendor = paddleAccount(access.apiKey, access.product, 2);
  const inUse: { status: "active" | "past_due" | "canceled" | undefined } = { status };
  const methods = new Map([
    ["paymtd_1", { status: undefined }],
    ["paymtd_2", inUse],
    ["paymtd_3", { status: undefined }],
  ]);
  vendor.customers.set(customer, { methods });
  vendor.customers.set(bystander, { methods: new Map([["paymtd_9", { status: "active" }]]) });
  return { vendor, methods, inUse, ...companyWith(paddle({ ...access, fetch: vendor.fetch })) };
}

describe("forgetting at Paddle", () => {
  it("deletes every method, over all pages, and touches nobody else", async () => {
    const { vendor, methods, settle, paidServiceEnded, proofOf } = world();
    const id = await paidServiceEnded(subject);
    await settle();
    expect([...methods.keys()]).toEqual([]);
    expect([...(vendor.customers.get(bystander)?.methods.keys() ?? [])]).toEqual(["paymtd_9"]);
    expect((await proofOf(id)).settled).toMatchObject({
      state: "verified",
      finding: "as-asked",
      affected: 3,
    });
  });

  it.each(["active", "past_due"] as const)(
    "is refused what an %s subscription is charged by, asks again, and is done when it has ended",
    async (status) => {
      const { methods, inUse, clock, settle, paidServiceEnded, stepOf, proofOf } = world(status);
      const id = await paidServiceEnded(subject);
      await settle(3 * dayMs);
      // What nothing is charged by is forgotten already, and it is said.
      expect([...methods.keys()]).toEqual(["paymtd_2"]);
      expect(await stepOf(id)).toMatchObject({
        state: "due",
        because: "payment-method-in-use",
        outcome: "partly",
        affected: 2,
        tries: 0,
      });
      inUse.status = "canceled";
      await clock.advance(dayMs);
      await settle();
      expect([...methods.keys()]).toEqual([]);
      const { settled, summary } = await proofOf(id);
      expect(settled).toMatchObject({ state: "verified", outcome: "done", affected: 3 });
      expect(summary.state).toBe("fulfilled");
    },
  );

  it("says at the deadline what was done and what was not", async () => {
    const { methods, inUse, heed, settle, paidServiceEnded, stepOf } = world("active");
    methods.set("paymtd_4", { status: "active" });
    const id = await paidServiceEnded(subject);
    await settle(32 * dayMs + 3_600_000);
    expect(await stepOf(id)).toMatchObject({ state: "due", outcome: "partly", affected: 2 });
    // One of the two is let go between the last look but one and the last, at the deadline.
    expect((await stepOf(id))?.nextAt).toMatch(/^2026-02-1[67]/);
    inUse.status = "canceled";
    await settle();
    expect([...methods.keys()]).toEqual(["paymtd_4"]);
    expect(await stepOf(id)).toMatchObject({
      state: "manual",
      because: "deadline-passed",
      outcome: "partly",
      affected: 3,
    });
    const evidence = (await heed.requests.evidence(id)).map(({ entry }) => entry);
    expect(evidence).toContainEqual(
      expect.objectContaining({ kind: "step.settled", state: "manual", outcome: "partly", affected: 3 }),
    );
  });

  it("takes no request back of which something was carried out", async () => {
    const { heed, paidServiceEnded } = world("active");
    const id = await paidServiceEnded(subject);
    await heed.work.drain();
    await expect(heed.requests.withdraw(id)).rejects.toMatchObject({ code: "too-late" });
  });

  it("takes one back where everything was in use", async () => {
    const { methods, heed, paidServiceEnded } = world("active");
    methods.delete("paymtd_1");
    methods.delete("paymtd_3");
    const id = await paidServiceEnded(subject);
    await heed.work.drain();
    expect(await heed.requests.withdraw(id)).toEqual({ state: "withdrawn" });
    expect([...methods.keys()]).toEqual(["paymtd_2"]);
  });

  it("counts what the customer removed in between as gone, and keeps what it did itself", async () => {
    const { methods, clock, settle, paidServiceEnded, proofOf } = world("active");
    const id = await paidServiceEnded(subject);
    await settle(dayMs / 2);
    methods.delete("paymtd_2");
    await clock.advance(dayMs);
    await settle();
    expect((await proofOf(id)).settled).toMatchObject({ state: "verified", outcome: "done", affected: 2 });
  });

  it("finds nobody under an id that Paddle does not know", async () => {
    const { vendor, settle, paidServiceEnded, proofOf } = world();
    vendor.customers.delete(customer);
    const id = await paidServiceEnded(subject);
    await settle();
    expect((await proofOf(id)).settled).toMatchObject({ outcome: "absent" });
  });

  it("comes back when Paddle says so, which is no failed try", async () => {
    const { vendor, methods, clock, settle, paidServiceEnded, stepOf, proofOf } = world();
    vendor.fault(/DELETE/, 429);
    const began = clock.now().getTime();
    const id = await paidServiceEnded(subject);
    await settle();
    expect(clock.now().getTime() - began).toBeGreaterThan(60_000);
    expect(methods.size).toBe(0);
    expect((await stepOf(id))?.tries).toBe(0);
    expect((await proofOf(id)).settled).toMatchObject({ state: "verified", affected: 3 });
  });

  it("takes no other refusal for one of these", async () => {
    const { vendor, methods, heed, paidServiceEnded, stepOf, failures } = world();
    for (let call = 0; call < 10; call += 1) vendor.fault(/DELETE/, call % 2 === 0 ? 400 : 404);
    const id = await paidServiceEnded(subject);
    await heed.work.drain();
    expect(await stepOf(id)).toMatchObject({ state: "failed", because: "rejected" });
    expect(methods.size).toBe(3);
    expect(failures).toEqual([expect.stringContaining("(HTTP 400)")]);
    expect(failures.join("\n")).not.toMatch(/canary/i);
  });
});
