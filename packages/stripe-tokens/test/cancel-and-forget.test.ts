import { verifyReceipt } from "@heed/core/evidence";
import { describe, expect, it } from "vitest";
import { openShop } from "./shop.ts";

const email = "canary.anna@example.org";
const dayMs = 86_400_000;
const seconds = (at: string) => Date.parse(at) / 1000;
const wish = { subject: { email }, identity: "signed-in" } as const;
const cancel = { ...wish, right: "forget-tokens", endsPaidService: "allowed" } as const;
const forget = { ...wish, right: "forget-tokens" } as const;
const erasure = { ...wish, right: "erasure" } as const;
/** What is paid for from 2026-03-01 on: a month is over before the deadline, a year is not. */
const month = "2026-03-31T10:00:00.000Z";
const year = "2027-03-01T10:00:00.000Z";

/** A shop, with somebody who pays until then, and somebody else who pays. */
function shop(periodEnd = year) {
  const open = openShop();
  const { account, clock, heed, settle } = open;
  const { id } = account.add.customer({ email });
  account.add.paymentMethod(id);
  account.add.charge(id);
  const subscription = account.add.subscription(id, { periodEnd: seconds(periodEnd) });
  const other = account.add.customer({ email: "canary.bo@example.org" }).id;
  account.add.paymentMethod(other);
  const bystander = account.add.subscription(other);
  const stepsOf = async (requestId: string) => (await heed.requests.get(requestId)).steps;
  return {
    ...open,
    subscription,
    bystander,
    cards: () => account.credentialsOf(id).length,
    othersCards: () => account.credentialsOf(other).length,
    stepsOf,
    stepOf: async (requestId: string) =>
      (await stepsOf(requestId)).find(({ operation }) => operation === "forgetTokens"),
    /** Works until this long before an instant, and then until it. */
    async until(at: string) {
      await settle(Date.parse(at) - clock.now().getTime());
      if (clock.now().toISOString() < at) await clock.set(at);
    },
  };
}

describe("whoever asks to be forgotten and still pays", () => {
  it("is waited for, is told of by what would unblock it, and has nothing ended for them", async () => {
    const { heed, subscription, cards, settle, stepOf } = shop();
    const { id } = await heed.requests.open(forget);
    await settle(5 * dayMs);
    expect(await stepOf(id)).toMatchObject({ state: "due", because: "active-subscription" });
    expect([subscription.cancel_at_period_end, cards()]).toEqual([false, 1]);
    // Nobody knows when that ends: at the deadline a human decides.
    await settle();
    const [step] = await heed.steps.parked();
    expect(step).toMatchObject({
      requestId: id,
      because: "deadline-passed",
      instruction: expect.stringContaining("active-subscription"),
    });
    expect([subscription.cancel_at_period_end, cards()]).toEqual([false, 1]);
  });

  it("is no more waited for where it is to end in years, and is ended with what is paid for once they say so", async () => {
    const { heed, subscription, cards, settle, stepOf } = shop(month);
    subscription.cancel_at = seconds("2031-01-01T00:00:00.000Z");
    const { id } = await heed.requests.open(forget);
    await settle(5 * dayMs);
    expect(await stepOf(id)).toMatchObject({ state: "due", because: "active-subscription" });
    expect(await heed.requests.list()).toMatchObject([{ id, dueOn: "2026-04-01" }]);
    expect(await heed.requests.open(cancel)).toMatchObject({ id, changed: true });
    await heed.work.drain();
    expect(await stepOf(id)).toMatchObject({ because: "period-end" });
    await settle();
    expect([subscription.status, subscription.ended_at, cards()]).toEqual(["canceled", seconds(month), 0]);
  });

  it("is a human's at the deadline where it is to end in years and nobody cancels it", async () => {
    const { heed, subscription, cards, settle } = shop(month);
    subscription.cancel_at = seconds("2031-01-01T00:00:00.000Z");
    await heed.requests.open(forget);
    await settle();
    expect(await heed.steps.parked()).toMatchObject([
      { because: "deadline-passed", instruction: expect.stringContaining("active-subscription") },
    ]);
    expect([subscription.ended_at, cards()]).toEqual([null, 1]);
  });

  it("is waited for past the deadline where they have cancelled by themselves", async () => {
    const { heed, subscription, cards, stepOf, until } = shop();
    Object.assign(subscription, { cancel_at_period_end: true, cancel_at: seconds(year) });
    const { id } = await heed.requests.open(forget);
    await until("2027-02-28T00:00:00.000Z");
    expect(await stepOf(id)).toMatchObject({ state: "due", because: "ending-subscription" });
    expect([subscription.status, cards()]).toEqual(["active", 1]);
    await until("2027-03-02T00:00:00.000Z");
    expect(await stepOf(id)).toMatchObject({ state: "verified" });
    expect([subscription.status, cards()]).toEqual(["canceled", 0]);
  });
});

describe("whoever cancels and asks to be forgotten", () => {
  it("has it told to end with what is paid for, and is forgotten when it has", async () => {
    const { heed, subscription, bystander, cards, othersCards, stepOf, settle } = shop(month);
    const { id } = await heed.requests.open(cancel);
    await heed.work.drain();
    expect(await stepOf(id)).toMatchObject({
      state: "due",
      because: "period-end",
      nextAt: expect.stringMatching(/^2026-03-31T11:00:00/),
    });
    expect([subscription.status, subscription.cancel_at_period_end, cards()]).toEqual(["active", true, 1]);
    await settle();
    expect(await stepOf(id)).toMatchObject({ state: "verified", finding: "as-asked", affected: 1 });
    expect([subscription.status, subscription.ended_at, cards()]).toEqual(["canceled", seconds(month), 0]);
    expect([bystander.cancel_at_period_end, othersCards()]).toEqual([false, 1]);
    expect((await heed.requests.get(id)).state).toBe("fulfilled");
  });

  it("is waited for a year, past the deadline, and is not late then", async () => {
    const { heed, keys, subscription, cards, stepOf, until, search, rows } = shop(year);
    const { id, dueOn } = await heed.requests.open(cancel);
    expect(dueOn).toBe("2026-04-01");
    for (const at of ["2026-04-02T00:00:00.000Z", "2026-10-01T00:00:00.000Z", "2027-03-01T09:00:00.000Z"]) {
      await until(at);
      expect([subscription.status, cards()]).toEqual(["active", 1]);
      expect(await stepOf(id)).toMatchObject({ state: "due", because: "period-end", tries: 0 });
      // It is in nobody's list of what is late, and in everybody's of what is open.
      expect(await heed.requests.list()).toMatchObject([{ id, overdue: false, dueOn: "2027-04-01" }]);
      expect(await heed.steps.parked()).toEqual([]);
    }
    await until("2027-03-02T00:00:00.000Z");
    expect([subscription.status, subscription.ended_at, cards()]).toEqual(["canceled", seconds(year), 0]);
    expect(await stepOf(id)).toMatchObject({ state: "verified", finding: "as-asked" });

    const receipt = await heed.requests.receipt(id);
    expect(verifyReceipt(receipt, keys.publicKeys())).not.toHaveLength(0);
    expect(receipt.summary).toMatchObject({ state: "fulfilled", late: false, dueOn: "2027-04-01" });
    const told = receipt.entries.map(({ entry }) => entry);
    expect(told.map(({ kind }) => kind)).toEqual([
      "request.opened",
      "request.may-end-service",
      "step.put-off",
      "step.settled",
      "request.closed",
    ]);
    expect(told[1]).toMatchObject({ requestId: id, identity: "signed-in" });
    expect(told[2]).toMatchObject({ because: "period-end", until: year, processor: "payments" });
    expect(JSON.stringify(await rows("evidence"))).not.toContain("canary");
    expect(await search("canary")).toEqual([]);
  });

  it("goes to a human where something else stands in the way a month after the end", async () => {
    const { heed, account, subscription, cards, stepOf, until } = shop(year);
    const { id } = await heed.requests.open(cancel);
    await until("2027-02-01T00:00:00.000Z");
    account.add.invoice([...account.state.customers.keys()][0] ?? "", { status: "open" });
    await until("2027-03-20T00:00:00.000Z");
    expect(await stepOf(id)).toMatchObject({ state: "due", because: "open-invoice" });
    await until("2027-04-02T12:00:00.000Z");
    expect(await stepOf(id)).toMatchObject({ state: "manual", because: "deadline-passed" });
    expect([subscription.status, cards()]).toEqual(["canceled", 1]);
  });

  it("may say so later, of a request that waits since", async () => {
    const { heed, subscription, cards, stepOf, settle } = shop(month);
    const { id } = await heed.requests.open(forget);
    await settle(dayMs);
    expect(await stepOf(id)).toMatchObject({ because: "active-subscription" });
    // Nobody has shown who says it.
    const unknown = await heed.requests.open({ ...cancel, identity: "unverified" });
    expect(unknown).toMatchObject({ id, changed: false });
    await heed.work.drain();
    expect(subscription.cancel_at_period_end).toBe(false);

    expect(await heed.requests.open(cancel)).toMatchObject({ id, changed: true });
    await heed.work.drain();
    expect(subscription.cancel_at_period_end).toBe(true);
    expect(await stepOf(id)).toMatchObject({ state: "due", because: "period-end" });
    expect(await heed.requests.open(cancel)).toMatchObject({ id, changed: false });
    expect(await heed.paidService.ended({ subject: { email } })).toMatchObject({ id, changed: false });
    await settle();
    expect([subscription.status, cards()]).toEqual(["canceled", 0]);
    const kinds = (await heed.requests.evidence(id)).map(({ entry }) => entry.kind);
    expect(kinds.filter((kind) => kind === "request.may-end-service")).toHaveLength(1);
  });

  it("may say so of one that went to a human, for when it is tried again", async () => {
    const { heed, subscription, cards, stepOf, settle } = shop("2026-06-01T10:00:00.000Z");
    const { id } = await heed.requests.open(forget);
    await settle();
    expect(await stepOf(id)).toMatchObject({ state: "manual" });
    expect(await heed.requests.open(cancel)).toMatchObject({ id, changed: true });
    await heed.requests.retry(id);
    await heed.work.drain();
    expect(await stepOf(id)).toMatchObject({ state: "due", because: "period-end" });
    expect(subscription.cancel_at_period_end).toBe(true);
    await settle(90 * dayMs);
    expect([subscription.status, cards()]).toEqual(["canceled", 0]);
  });

  it("has nothing ended before it is known who they are", async () => {
    const { heed, subscription, settle, cards } = shop(month);
    const { id } = await heed.requests.open({ ...cancel, identity: "unverified" });
    await settle(2 * dayMs);
    expect(subscription.cancel_at_period_end).toBe(false);
    await heed.requests.verify({ id, identity: "confirmed-by-link" });
    await heed.work.drain();
    expect(subscription.cancel_at_period_end).toBe(true);
    const told = (await heed.requests.evidence(id)).map(({ entry }) => entry);
    expect(told).toContainEqual(
      expect.objectContaining({ kind: "request.may-end-service", identity: "confirmed-by-link" }),
    );
    await settle();
    expect(cards()).toBe(0);
  });

  it("has nothing ended on the word of somebody unknown who asked before", async () => {
    const { heed, subscription, settle, stepOf } = shop(month);
    const { id } = await heed.requests.open({ ...cancel, identity: "unverified" });
    expect(await heed.requests.open(forget)).toMatchObject({ id, state: "executing" });
    await settle(2 * dayMs);
    expect(await stepOf(id)).toMatchObject({ because: "active-subscription" });
    expect(subscription.cancel_at_period_end).toBe(false);
  });

  it("may take it back as long as nothing is forgotten, and then nothing is", async () => {
    const { heed, cards, subscription, settle } = shop(month);
    const { id } = await heed.requests.open(cancel);
    await heed.work.drain();
    expect(await heed.requests.withdraw(id)).toEqual({ state: "withdrawn" });
    // What the processor was told is taken back there.
    Object.assign(subscription, { cancel_at_period_end: false, cancel_at: null });
    await settle(60 * dayMs);
    expect(cards()).toBe(1);
  });
});

describe("an erasure of somebody who pays", () => {
  it("waits for the end that they asked for, is due as before, and says that it was late and why", async () => {
    const { heed, account, subscription, cards, stepsOf, until } = shop(year);
    const { id, dueOn } = await heed.requests.open({ ...erasure, endsPaidService: "allowed" });
    await heed.work.drain();
    const probes = account.count("DELETE /v1/customers/{id}");
    await until("2026-04-03T00:00:00.000Z");
    expect(subscription.cancel_at_period_end).toBe(true);
    const waiting = (await stepsOf(id)).map(({ operation, state, because }) => [operation, state, because]);
    expect(waiting).toEqual([
      ["forgetTokens", "due", "period-end"],
      ["erase", "waiting", undefined],
      ["erase", "waiting", undefined],
    ]);
    // The right has its month: somebody has to tell them why it takes longer.
    expect(await heed.requests.list()).toMatchObject([{ id, overdue: true, dueOn }]);
    expect((await heed.work.status()).requests).toEqual({ open: 1, overdue: 1 });
    await until("2027-03-01T09:00:00.000Z");
    expect([subscription.status, cards()]).toEqual(["active", 1]);
    expect(account.count("DELETE /v1/customers/{id}")).toBe(probes);
    // What stood behind it has the same term: one slip and it would be a human's.
    account.fault("DELETE /v1/customers/{id}", 500);
    await until("2027-03-03T00:00:00.000Z");
    expect([subscription.status, cards()]).toEqual(["canceled", 0]);
    expect((await stepsOf(id)).map(({ state }) => state)).toEqual(["verified", "retained", "verified"]);
    const { summary, entries } = await heed.requests.receipt(id);
    expect(summary).toMatchObject({ state: "partially-fulfilled", late: true, dueOn });
    expect(entries.map(({ entry }) => entry)).toContainEqual(
      expect.objectContaining({ kind: "step.put-off", because: "period-end", until: year }),
    );
  });

  it("ends nothing unless that was asked for, and then says so before", async () => {
    const { heed, account, subscription, settle } = shop(month);
    const refused = await heed.requests.preview({ right: "erasure", subject: { email } });
    const allowed = await heed.requests.preview({
      right: "erasure",
      subject: { email },
      endsPaidService: "allowed",
    });
    expect(refused.steps[0]).toMatchObject({ operation: "forgetTokens", endsPaidService: "refused" });
    expect(allowed.steps[0]).toMatchObject({ operation: "forgetTokens", endsPaidService: "allowed" });
    expect(allowed.steps[1]).not.toHaveProperty("endsPaidService");
    // Nobody who was shown the one agreed to the other.
    const open = { ...erasure, endsPaidService: "allowed" } as const;
    await expect(heed.requests.open({ ...open, preview: refused })).rejects.toMatchObject({
      code: "plan-changed",
    });
    await expect(heed.requests.open({ ...erasure, preview: allowed })).rejects.toMatchObject({
      code: "plan-changed",
    });
    expect(account.writes().filter(({ status }) => status === 200)).toEqual([]);
    const { id } = await heed.requests.open({ ...erasure, preview: refused });
    await settle(5 * dayMs);
    expect(subscription.cancel_at_period_end).toBe(false);
    // To cancel now would be a request beside it, which the erasure does not let happen.
    await expect(heed.requests.open(cancel)).rejects.toMatchObject({
      code: "frozen",
      message: expect.stringContaining("endsPaidService"),
    });
    expect(await heed.requests.open(open)).toMatchObject({ id, changed: true });
    await heed.work.drain();
    expect(subscription.cancel_at_period_end).toBe(true);
  });

  it("previews what forgetting alone would do, too", async () => {
    const { heed } = shop(month);
    const { steps } = await heed.requests.preview({ ...forget, endsPaidService: "allowed" });
    expect(steps).toMatchObject([
      { processor: "payments", operation: "forgetTokens", endsPaidService: "allowed", found: 2 },
    ]);
    const bad = { ...forget, endsPaidService: "perhaps" } as unknown as typeof forget;
    await expect(heed.requests.open(bad)).rejects.toMatchObject({ code: "invalid-input" });
    await expect(heed.requests.preview(bad)).rejects.toMatchObject({ code: "invalid-input" });
  });
});
