import { setupServer } from "msw/node";
import { Stripe } from "stripe";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type StripeSwitches, stripeAccount } from "./index.ts";

const dayMs = 86_400_000;
const preview = { apiVersion: "2026-08-26.preview" };
const jobs = "/v1/privacy/redaction_jobs";

describe("the account, as time goes by", () => {
  const server = setupServer();
  beforeAll(() => server.listen({ onUnhandledFrame: "error" }));
  afterEach(() => server.resetHandlers());
  afterAll(() => server.close());

  function opened(switches: StripeSwitches = {}) {
    const clock = { ms: Date.parse("2026-03-01T10:00:00Z") };
    const account = stripeAccount({ limited: false, now: () => new Date(clock.ms), ...switches });
    server.use(...account.handlers());
    const stripe = new Stripe(account.key, { maxNetworkRetries: 0, telemetry: false });
    const { id } = account.add.customer({ email: "anna@example.org", name: "Anna" });
    return { account, stripe, clock, id };
  }

  describe("subscriptions", () => {
    it("are renewed and paid, and save the card that paid where they are told to", async () => {
      const { account, stripe, clock, id } = opened();
      const card = account.add.paymentMethod(id);
      await stripe.customers.update(id, { invoice_settings: { default_payment_method: card.id } });
      const subscription = account.add.subscription(id, {
        payment_settings: { save_default_payment_method: "on_subscription" },
      });
      clock.ms += 31 * dayMs;
      const [listed] = (await stripe.subscriptions.list({ customer: id })).data;
      expect(listed).toMatchObject({ status: "active", default_payment_method: card.id });
      expect(subscription.items.data[0]?.current_period_end).toBeGreaterThan(clock.ms / 1000);
      expect((await stripe.invoices.list({ customer: id, status: "paid" })).data).toHaveLength(1);
    });

    it("fall behind when nothing can pay", async () => {
      const { account, stripe, clock, id } = opened();
      account.add.subscription(id);
      clock.ms += 31 * dayMs;
      expect((await stripe.subscriptions.list({ customer: id })).data).toMatchObject([
        { status: "past_due" },
      ]);
      expect((await stripe.invoices.list({ customer: id, status: "open" })).data).toHaveLength(1);
    });

    it("end with their period when they are told to, and not while a schedule leads them", async () => {
      const { account, stripe, clock, id } = opened();
      const subscription = account.add.subscription(id);
      const schedule = account.add.schedule(id, { status: "active", subscription: subscription.id });
      const end = () => stripe.subscriptions.update(subscription.id, { cancel_at_period_end: true });
      await expect(end()).rejects.toMatchObject({ statusCode: 400 });
      await stripe.subscriptionSchedules.release(schedule.id);
      const told = await end();
      expect(told).toMatchObject({ status: "active", cancel_at_period_end: true });
      clock.ms += 29 * dayMs;
      await stripe.customers.retrieve(id);
      expect(subscription.status).toBe("active");
      clock.ms += 2 * dayMs;
      await stripe.customers.retrieve(id);
      expect(subscription).toMatchObject({ status: "canceled", ended_at: told.cancel_at });
      await expect(stripe.subscriptions.cancel(subscription.id)).rejects.toMatchObject({ statusCode: 404 });
      const again = stripe.subscriptionSchedules.release(schedule.id);
      await expect(again).rejects.toMatchObject({ statusCode: 400 });
    });

    it("end when they are told to, within a period, and are renewed until then", async () => {
      const { account, stripe, clock, id } = opened();
      const card = account.add.paymentMethod(id);
      await stripe.customers.update(id, { invoice_settings: { default_payment_method: card.id } });
      const cancel_at = clock.ms / 1000 + (45 * dayMs) / 1000;
      const subscription = account.add.subscription(id, { cancel_at });
      clock.ms += 44 * dayMs;
      await stripe.customers.retrieve(id);
      expect(subscription.status).toBe("active");
      clock.ms += 60 * dayMs;
      await stripe.customers.retrieve(id);
      expect(subscription).toMatchObject({ status: "canceled", ended_at: cancel_at });
      expect((await stripe.invoices.list({ customer: id })).data).toHaveLength(1);
    });

    it("that wait for a first payment take no change and expire within a day", async () => {
      const { account, stripe, clock, id } = opened();
      const subscription = account.add.subscription(id, { status: "incomplete" });
      const change = stripe.subscriptions.update(subscription.id, { cancel_at_period_end: true });
      await expect(change).rejects.toMatchObject({ statusCode: 400 });
      clock.ms += dayMs;
      await stripe.customers.retrieve(id);
      expect(subscription.status).toBe("incomplete_expired");
    });
  });

  describe("intents and sessions", () => {
    it("are cancelled and expired while they are open, and not afterwards", async () => {
      const { account, stripe, id } = opened();
      const setup = account.add.setupIntent(id);
      const payment = account.add.paymentIntent(id);
      const session = account.add.checkoutSession(id);
      expect((await stripe.setupIntents.cancel(setup.id)).status).toBe("canceled");
      expect((await stripe.paymentIntents.cancel(payment.id)).status).toBe("canceled");
      expect((await stripe.checkout.sessions.expire(session.id)).status).toBe("expired");
      await expect(stripe.setupIntents.cancel(setup.id)).rejects.toMatchObject({
        code: "setup_intent_unexpected_state",
      });
      await expect(stripe.paymentIntents.cancel(payment.id)).rejects.toMatchObject({
        code: "payment_intent_unexpected_state",
      });
      await expect(stripe.checkout.sessions.expire(session.id)).rejects.toMatchObject({ statusCode: 400 });
      expect((await stripe.checkout.sessions.list({ customer: id, status: "open" })).data).toEqual([]);
    });

    it("of guests are found by the address, as it is written or however, by the switch", async () => {
      for (const sessionsIgnoreCase of [false, true]) {
        const { account, stripe } = opened({ sessionsIgnoreCase });
        account.add.checkoutSession(null, { customer_details: { name: null, email: "Bo@example.org" } });
        const found = async (email: string) =>
          (await stripe.checkout.sessions.list({ customer_details: { email } })).data.length;
        expect([await found("Bo@example.org"), await found("bo@example.org")]).toEqual([
          1,
          sessionsIgnoreCase ? 1 : 0,
        ]);
      }
    });
  });

  describe("a customer that is deleted", () => {
    it("answers 404 the second time, and takes its subscriptions, schedules and sources along", async () => {
      const { account, stripe, id } = opened();
      const subscription = account.add.subscription(id);
      const schedule = account.add.schedule(id);
      account.add.source(id);
      expect(await stripe.customers.del(id)).toMatchObject({ id, deleted: true });
      await expect(stripe.customers.del(id)).rejects.toMatchObject({
        statusCode: 404,
        code: "resource_missing",
      });
      expect(await stripe.customers.retrieve(id)).toMatchObject({ deleted: true });
      expect([subscription.status, schedule.status]).toEqual(["canceled", "canceled"]);
      expect(account.credentialsOf(id)).toEqual([]);
    });

    it("by a test clock is listed only with it", async () => {
      const { account, stripe } = opened();
      account.add.customer({ email: "clock@example.org", test_clock: "clock_1" });
      const listed = async (more: { test_clock?: string }) =>
        (await stripe.customers.list({ email: "clock@example.org", ...more })).data.length;
      expect([await listed({}), await listed({ test_clock: "clock_1" })]).toEqual([0, 1]);
    });
  });

  describe("redaction jobs", () => {
    const create = (stripe: Stripe, customers: readonly string[]) =>
      stripe.rawRequest("POST", jobs, { objects: { customers } }, preview);

    it("are unknown to an account without them, and to any version but the preview's", async () => {
      const without = opened();
      await expect(create(without.stripe, [without.id])).rejects.toMatchObject({ statusCode: 404 });
      const { stripe, id } = opened({ redaction: true });
      await expect(stripe.rawRequest("POST", jobs, { objects: { customers: [id] } })).rejects.toMatchObject({
        statusCode: 404,
        message: expect.stringContaining("Unrecognized request URL"),
      });
    });

    it("validate, wait to be run, and redact, each in its time", async () => {
      const { account, stripe, clock, id } = opened({ redaction: true, redactionMs: 60_000 });
      account.add.charge(id, { created: 1_700_000_000 });
      const { id: job } = await create(stripe, [id]);
      const status = async () =>
        (await stripe.rawRequest("GET", `${jobs}/${job}`, undefined, preview)).status;
      const run = () => stripe.rawRequest("POST", `${jobs}/${job}/run`, {}, preview);
      clock.ms += 61_000;
      expect(await status()).toBe("validating");
      await expect(run()).rejects.toMatchObject({ statusCode: 400 });
      clock.ms += 60_000;
      expect(await status()).toBe("ready");
      expect(account.search("anna@example.org")).not.toEqual([]);
      expect((await run()).status).toBe("redacting");
      clock.ms += 61_000;
      expect(await status()).toBe("succeeded");
      expect(account.search("anna@example.org")).toEqual([]);
    });

    it("fail for what is younger than ninety days, attached, open, or another job's", async () => {
      const { account, stripe, id } = opened({ redaction: true });
      account.add.charge(id);
      account.add.paymentMethod(id);
      account.add.setupIntent(id);
      const job = await create(stripe, [id]);
      expect(job.status).toBe("failed");
      const errors = await stripe.rawRequest(
        "GET",
        `${jobs}/${job.id}/validation_errors`,
        undefined,
        preview,
      );
      const types = errors.data.map(
        (each: { erroring_object: { object_type: string } }) => each.erroring_object.object_type,
      );
      expect(types.toSorted()).toEqual(["charge", "payment_method", "setup_intent"]);
      const other = account.add.customer();
      expect((await create(stripe, [other.id])).status).toBe("ready");
      const locked = await create(stripe, [other.id]);
      expect(locked).toMatchObject({
        status: "failed",
        validation_errors: [{ code: "locked_by_other_job" }],
      });
    });

    it("take ten ids, that exist, and a deleted customer by the switch", async () => {
      for (const redactsDeleted of [true, false]) {
        const { account, stripe, id } = opened({ redaction: true, redactsDeleted });
        const eleven = Array.from({ length: 11 }, () => account.add.customer().id);
        await expect(create(stripe, eleven)).rejects.toMatchObject({ statusCode: 400 });
        await expect(create(stripe, ["cus_nobody"])).rejects.toMatchObject({ code: "resource_missing" });
        await expect(create(stripe, [])).rejects.toMatchObject({ code: "parameter_missing" });
        await stripe.customers.del(id);
        const taken = await create(stripe, [id]).then(
          () => true,
          () => false,
        );
        expect(taken).toBe(redactsDeleted);
      }
    });
  });

  it("refuses values that Stripe does not document", async () => {
    const { stripe, id } = opened();
    for (const [path, params] of [
      [`/v1/customers/${id}`, { nickname: "A" }],
      ["/v1/subscriptions/sub_1", { cancel_at_period_end: "perhaps" }],
      ["/v1/setup_intents/seti_1/cancel", { cancellation_reason: "whim" }],
    ] as const) {
      await expect(stripe.rawRequest("POST", path, params)).rejects.toMatchObject({ statusCode: 400 });
    }
  });
});
