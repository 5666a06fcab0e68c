import { describe, expect, it } from "vitest";
import { accountWithEngine } from "../test/engine.ts";
import { accountWithTurns, carryOut, forgetCall, forgetOf } from "../test/subject.ts";
import { stripeOnTheWire } from "../test/wire.ts";
import { stripeTokens } from "./stripe-tokens.ts";

const email = "anna@example.org";
const allowed = { endsPaidService: "allowed", keep: [] } as const;
const dayMs = 86_400_000;
const seconds = (at: string) => Date.parse(at) / 1000;

describe("paid service that may be ended", () => {
  it("ends with its period, and only then is anything let go of", async () => {
    const { account, clock, carryOut } = accountWithEngine();
    const { id } = account.add.customer({ email });
    const card = account.add.paymentMethod(id);
    const monthly = account.add.subscription(id, {
      default_payment_method: card.id,
      payment_settings: { save_default_payment_method: "on_subscription" },
    });
    const yearly = account.add.subscription(id, { periodEnd: seconds("2026-09-01T00:00:00Z") });
    const bystander = account.add.subscription(account.add.customer({ email: "bo@example.org" }).id);
    const seen: string[] = [];
    const look = () => {
      const { cancel_at_period_end, status, payment_settings } = yearly;
      const left = account.credentialsOf(id).length;
      seen.push(`${status} ${cancel_at_period_end} ${payment_settings.save_default_payment_method} ${left}`);
    };
    account.before("GET /v1/subscription_schedules", look, { times: 99, skip: 1 });

    const step = await carryOut("forgetTokens", { email }, allowed);

    expect(step).toMatchObject({ state: "verified" });
    expect(account.credentialsOf(id)).toEqual([]);
    expect([monthly, yearly].map(({ status }) => status)).toEqual(["canceled", "canceled"]);
    expect(yearly.ended_at).toBe(seconds("2026-09-01T00:00:00Z"));
    expect(monthly.payment_settings.save_default_payment_method).toBe("off");
    expect(clock.now().toISOString() > "2026-09-01T01:00:00.000Z").toBe(true);
    expect(bystander).toMatchObject({ cancel_at_period_end: false });
    // Whenever it was looked at while something ran, nothing had been let go of.
    expect(seen.filter((line) => line.startsWith("active")).every((line) => line.endsWith(" 1"))).toBe(true);
    // Each told once, though looked at again when the first had ended. Probes of the check are refused.
    const told = account
      .writes()
      .filter(({ status, endpoint }) => status === 200 && endpoint?.includes("subs"));
    expect(told).toHaveLength(2);
  });

  it("stays as it is where it is not allowed", async () => {
    const { account, carryOut } = accountWithEngine();
    const { id } = account.add.customer({ email });
    account.add.paymentMethod(id);
    const subscription = account.add.subscription(id);
    const step = await carryOut("forgetTokens", { email }, undefined, 20 * dayMs);
    expect(step).toMatchObject({ state: "due", because: "active-subscription" });
    expect(subscription.cancel_at_period_end).toBe(false);
    expect(account.credentialsOf(id)).toHaveLength(1);
  });

  it("is forgotten after a person cancelled it, without being asked to end it", async () => {
    const { account, carryOut } = accountWithEngine();
    const { id } = account.add.customer({ email });
    account.add.paymentMethod(id);
    const subscription = account.add.subscription(id, {
      cancel_at_period_end: true,
      cancel_at: seconds("2026-03-31T10:00:00Z"),
    });
    const step = await carryOut("forgetTokens", { email });
    expect(step).toMatchObject({ state: "verified" });
    expect(subscription.status).toBe("canceled");
    expect(account.credentialsOf(id)).toEqual([]);
    // Asked once when it was planned and once when it had ended: not every day.
    expect(account.count("GET /v1/subscriptions") - 1).toBeLessThanOrEqual(3);
  });

  it("that a schedule leads is released from it first, and one that has not begun never begins", async () => {
    const { account, carryOut } = accountWithEngine();
    const { id } = account.add.customer({ email });
    account.add.paymentMethod(id);
    const subscription = account.add.subscription(id);
    const leads = account.add.schedule(id, { status: "active", subscription: subscription.id });
    const planned = account.add.schedule(id);
    const step = await carryOut("forgetTokens", { email }, allowed);
    expect(step.state).toBe("verified");
    expect([leads.status, planned.status, subscription.status]).toEqual(["released", "released", "canceled"]);
    expect(account.credentialsOf(id)).toEqual([]);
  });

  it("still waits for what is owed or disputed when it has ended", async () => {
    const { account, clock, carryOut } = accountWithEngine();
    const { id } = account.add.customer({ email });
    account.add.paymentMethod(id);
    const subscription = account.add.subscription(id);
    const owed = account.add.invoice(id, { status: "open" });
    const step = await carryOut("forgetTokens", { email }, allowed, 60 * dayMs);
    // What is owed does not keep the service from ending: another month would be charged.
    expect(subscription.status).toBe("canceled");
    expect(step).toMatchObject({ state: "due", because: "open-invoice" });
    expect(account.credentialsOf(id)).toHaveLength(1);
    expect(clock.now().getTime()).toBeGreaterThan(Date.parse("2026-04-01T00:00:00Z"));
    expect(owed.status).toBe("open");
  });

  it("says so among the effects, before anybody asks for it", () => {
    const { operations } = stripeTokens({ apiKey: "sk_test_1", account: "acct_1" });
    expect(operations.forgetTokens?.effects).toEqual(["irreversible", "ends-paid-service"]);
    expect(operations.erase?.effects).toEqual(["irreversible"]);
  });
});

describe("ending paid service", () => {
  const connect = stripeOnTheWire();

  function furnished(status = "active", periodEnd = seconds("2026-03-31T10:00:00Z")) {
    const world = accountWithTurns();
    const { id } = world.account.add.customer({ email });
    world.account.add.paymentMethod(id);
    const subscription = world.account.add.subscription(id, { status, periodEnd });
    const call = forgetCall({ email }, { endsPaidService: "allowed", targets: [{ kind: "customer", id }] });
    const { guard, run } = forgetOf(connect(world.account));
    const ask = async (put: typeof guard | typeof run) => (await put([call], world.context)).get("call");
    return { world, id, subscription, guard: () => ask(guard), run: () => ask(run) };
  }

  it("answers blocked until an hour after the latest end", async () => {
    const { world, guard, run } = furnished();
    expect(await guard()).toEqual({ clear: true });
    const outcome = await run();
    const waitMs = Date.parse("2026-03-31T11:00:00Z") - Date.parse("2026-03-01T10:00:00Z");
    expect(outcome).toMatchObject({ status: "blocked", by: "period-end" });
    const asked = outcome !== undefined && "checkAfterMs" in outcome ? outcome.checkAfterMs : 0;
    expect(Math.abs(asked - waitMs)).toBeLessThan(1000);
    // Asked once more too early, the guard keeps it from being told again.
    expect(await guard()).toMatchObject({ blockedBy: "period-end" });
    expect(world.account.writes()).toHaveLength(1);
  });

  it("leaves one that awaits its first payment to end by itself", async () => {
    const { world, id, subscription, run } = furnished("incomplete");
    expect(await run()).toMatchObject({ status: "blocked", by: "period-end" });
    expect(world.account.writes()).toEqual([]);
    world.clock.ms += 24 * 3_600_000;
    expect(await run()).toMatchObject({ status: "done", affected: 1 });
    expect(subscription.status).toBe("incomplete_expired");
    expect(world.account.credentialsOf(id)).toEqual([]);
  });

  it("ends at once what should have ended a day ago and is still there", async () => {
    const { world, id, subscription, guard, run } = furnished("paused", seconds("2026-03-02T10:00:00Z"));
    await run();
    world.account.before("GET /v1/customers/{id}", () => {
      // Stripe lets it stand, for whatever reason.
      Object.assign(subscription, { status: "paused", ended_at: null });
    });
    subscription.cancel_at_period_end = false;
    subscription.cancel_at = seconds("2026-03-02T10:00:00Z");
    world.clock.ms += 2 * dayMs;
    expect(await guard()).toEqual({ clear: true });
    expect(await run()).toMatchObject({ status: "done" });
    expect(subscription.status).toBe("canceled");
    expect(world.account.count("DELETE /v1/subscriptions/{id}")).toBe(1);
    expect(world.account.credentialsOf(id)).toEqual([]);
  });

  it("asks for debts once more when nothing runs any longer", async () => {
    const { world, id, subscription, guard, run } = furnished();
    expect(await guard()).toEqual({ clear: true });
    subscription.status = "canceled";
    world.account.add.dispute(world.account.add.charge(id).id);
    expect(await run()).toEqual({ status: "blocked", by: "open-dispute", checkAfterMs: dayMs });
    expect(world.account.credentialsOf(id)).toHaveLength(1);
  });

  it("lets nothing go when Stripe refuses to end it", async () => {
    for (const fault of [403, 500, "lock-timeout"] as const) {
      const { world, id, run } = furnished();
      world.account.fault("POST /v1/subscriptions/{id}", fault);
      expect(await run()).toMatchObject({ status: "failed" });
      expect(world.account.credentialsOf(id)).toHaveLength(1);
    }
  });

  it("lets nothing go when Stripe says that it is told to end and is not", async () => {
    const { world, id, run, subscription } = furnished();
    world.account.fault("POST /v1/subscriptions/{id}", "pretend");
    await run();
    expect(subscription.cancel_at_period_end).toBe(false);
    world.clock.ms += 31 * dayMs;
    // It was renewed, so it is told again.
    expect(await run()).toMatchObject({ status: "blocked", by: "period-end" });
    expect(subscription.cancel_at_period_end).toBe(true);
    expect(world.account.credentialsOf(id)).toHaveLength(1);
  });

  it("never happens for an erasure, which is asked without leave to", async () => {
    const world = accountWithTurns();
    const { id } = world.account.add.customer({ email });
    world.account.add.subscription(id);
    const done = await carryOut(connect(world.account), world, forgetCall({ email }));
    expect(done.blockedBy).toBe("active-subscription");
    expect(world.account.writes()).toEqual([]);
  });
});
