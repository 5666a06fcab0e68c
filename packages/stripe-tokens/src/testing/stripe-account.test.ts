import { setupServer } from "msw/node";
import { Stripe } from "stripe";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type StripeAccount, type StripeSwitches, stripeAccount } from "./index.ts";

const email = "anna@example.org";
const notAttached =
  "The payment method you provided is not attached to a customer so detachment is impossible.";

const ids = (list: { data: readonly { id: string }[] }) => list.data.map((each) => each.id);

const count = async (list: Promise<{ data: readonly unknown[] }>) => (await list).data.length;

const reasonOf = (error: unknown) =>
  error instanceof Stripe.errors.StripeError ? error.headers?.["stripe-rate-limited-reason"] : "none";

describe("the account", () => {
  const server = setupServer();
  beforeAll(() => server.listen({ onUnhandledFrame: "error" }));
  afterEach(() => server.resetHandlers());
  afterAll(() => server.close());

  /** Stripe's own client, as an application would use it, on a clock that stands still. */
  function opened(switches: StripeSwitches = {}, keyOf: (account: StripeAccount) => string = (a) => a.key) {
    const clock = { ms: Date.parse("2026-03-01T10:00:00Z") };
    const account = stripeAccount({ limited: false, now: () => new Date(clock.ms), ...switches });
    server.use(...account.handlers());
    const stripe = new Stripe(keyOf(account), { maxNetworkRetries: 0, telemetry: false });
    return { account, stripe, clock };
  }

  describe("requests", () => {
    it("names a parameter that Stripe does not know", async () => {
      const { account, stripe } = opened();
      const card = account.add.paymentMethod(account.add.customer().id);
      const asked = stripe.rawRequest("POST", `/v1/payment_methods/${card.id}/detach`, { customer: "cus_1" });
      await expect(asked).rejects.toMatchObject({
        statusCode: 400,
        code: "parameter_unknown",
        param: "customer",
      });
      expect(card.customer).not.toBeNull();
    });

    it("refuses a bad key and a URL that Stripe does not know", async () => {
      const { stripe } = opened({}, () => "sk_test_wrong");
      await expect(stripe.customers.list()).rejects.toMatchObject({ statusCode: 401 });
      const good = opened();
      await expect(good.stripe.rawRequest("POST", "/v1/privacy/redaction_jobs", {})).rejects.toMatchObject({
        statusCode: 404,
        message: expect.stringContaining("Unrecognized request URL (POST: /v1/privacy/redaction_jobs)."),
      });
      expect(good.account.calls).toMatchObject([{ endpoint: undefined, status: 404 }]);
    });

    it("gives every answer an id and logs it", async () => {
      const { account, stripe } = opened();
      const first = await stripe.accounts.retrieveCurrent();
      const failed = await stripe.customers.retrieve("cus_nobody").catch((error: unknown) => error);
      expect(first.id).toBe(account.id);
      expect(first.lastResponse.requestId).toBe(account.calls[0]?.requestId);
      expect(failed).toMatchObject({ requestId: account.calls[1]?.requestId, code: "resource_missing" });
      expect(account.count("GET /v1/customers/{id}")).toBe(1);
      expect(account.count()).toBe(2);
    });

    it("shows each key only the objects of its mode", async () => {
      const { account, stripe } = opened();
      const live = account.add.customer({ email, livemode: true });
      const card = account.add.paymentMethod(live.id);
      expect((await stripe.customers.list({ email })).data).toEqual([]);
      await expect(stripe.customers.retrieve(live.id)).rejects.toMatchObject({ statusCode: 404 });
      await expect(stripe.paymentMethods.detach(card.id)).rejects.toMatchObject({ statusCode: 404 });
      const other = new Stripe(account.liveKey, { telemetry: false });
      expect((await other.customers.list({ email })).data).toMatchObject([{ id: live.id, livemode: true }]);
    });
  });

  describe("customers", () => {
    it("are listed newest first, ten unless asked, and by exactly the address given", async () => {
      const { account, stripe } = opened();
      const made = Array.from({ length: 12 }, () => account.add.customer({ email }).id);
      account.add.customer({ email: "Anna@example.org" });
      const first = await stripe.customers.list({ email });
      expect(first.data.map(({ id }) => id)).toEqual(made.slice(2).toReversed());
      expect(first.has_more).toBe(true);
      const second = await stripe.customers.list({ email, starting_after: first.data.at(-1)?.id ?? "" });
      expect(second.data.map(({ id }) => id)).toEqual(made.slice(0, 2).toReversed());
      expect(second.has_more).toBe(false);
      const back = await stripe.customers.list({ email, ending_before: made[1] ?? "", limit: 3 });
      expect(back.data.map(({ id }) => id)).toEqual(made.slice(2, 5).toReversed());
      for (const limit of [0, 101]) {
        await expect(stripe.customers.list({ limit })).rejects.toMatchObject({ statusCode: 400 });
      }
    });

    it("show ten of their sources and subscriptions when expanded", async () => {
      const { account, stripe } = opened();
      const { id } = account.add.customer({ email });
      for (let made = 0; made < 11; made += 1) account.add.source(id);
      account.add.subscription(id);
      account.add.subscription(id, { status: "canceled" });
      const [listed] = (await stripe.customers.list({ expand: ["data.sources", "data.subscriptions"] })).data;
      expect(listed?.sources?.data).toHaveLength(10);
      expect(listed?.sources?.has_more).toBe(true);
      expect(listed?.subscriptions?.data).toHaveLength(1);
      expect((await stripe.customers.list()).data[0]?.sources).toBeUndefined();
      await expect(stripe.customers.list({ expand: ["sources"] })).rejects.toMatchObject({ statusCode: 400 });
    });

    it("are searched whatever the letter case, by an index that may lag", async () => {
      const { account, stripe, clock } = opened({ searchLagMs: 1000 });
      const { id } = account.add.customer({ email: "O'Brien@example.org" });
      const search = async () =>
        (await stripe.customers.search({ query: String.raw`email:'o\'brien@example.org'` })).data;
      expect(await search()).toEqual([]);
      clock.ms += 1000;
      expect(await search()).toMatchObject([{ id }]);
      account.deleteCustomer(id);
      expect(await search()).toMatchObject([{ id }]);
      clock.ms += 1000;
      expect(await search()).toEqual([]);
    });

    it("leave a stub when deleted, and their invoices", async () => {
      const { account, stripe } = opened();
      const { id } = account.add.customer({ email, name: "Anna" });
      account.add.subscription(id);
      account.add.invoice(id);
      account.deleteCustomer(id);
      expect(await stripe.customers.retrieve(id)).toEqual({ id, object: "customer", deleted: true });
      expect((await stripe.customers.list({ email })).data).toEqual([]);
      expect((await stripe.subscriptions.list({ customer: id, status: "all" })).data).toMatchObject([
        { status: "canceled" },
      ]);
      expect(account.search(email.toUpperCase()).map(({ object, field }) => [object, field])).toEqual([
        ["invoice", "customer_email"],
      ]);
    });

    it("lose a default that is set to the empty string, and take none that is not theirs", async () => {
      const { account, stripe } = opened();
      const anna = account.add.customer({ email });
      const own = account.add.paymentMethod(anna.id);
      const other = account.add.paymentMethod(account.add.customer().id);
      const set = (id: string) =>
        stripe.customers.update(anna.id, { invoice_settings: { default_payment_method: id } });
      await set(own.id);
      expect(anna.invoice_settings.default_payment_method).toBe(own.id);
      await expect(set(other.id)).rejects.toMatchObject({ code: "resource_missing" });
      await set("");
      expect(anna.invoice_settings.default_payment_method).toBeNull();
    });
  });

  describe("payment methods", () => {
    it("are let go of for ever", async () => {
      const { account, stripe } = opened();
      const { id } = account.add.customer({ email });
      const card = account.add.paymentMethod(id);
      expect(await stripe.paymentMethods.detach(card.id)).toMatchObject({ id: card.id, customer: null });
      const again = await stripe.paymentMethods.detach(card.id).catch((error: unknown) => error);
      expect(again).toMatchObject({ statusCode: 400, message: notAttached, code: undefined });
      await expect(stripe.paymentMethods.attach(card.id, { customer: id })).rejects.toMatchObject({
        message: expect.stringContaining("may not be used again"),
      });
      expect(await stripe.paymentMethods.retrieve(card.id)).toMatchObject({
        customer: null,
        card: { last4: "4242" },
      });
      expect(account.search(email)).toEqual([
        { object: "customer", id, field: "email", customer: id },
        { object: "payment_method", id: card.id, field: "billing_details.email", customer: null },
      ]);
    });

    it("are listed by both lists, of which one leaves custom ones out unless asked", async () => {
      const { account, stripe } = opened();
      const { id } = account.add.customer();
      const card = account.add.paymentMethod(id).id;
      const custom = account.add.paymentMethod(id, { type: "custom" }).id;
      const legacy = account.add.source(id).id;
      expect(ids(await stripe.customers.listPaymentMethods(id))).toEqual([custom, card, legacy]);
      expect(ids(await stripe.paymentMethods.list({ customer: id }))).toEqual([card, legacy]);
      expect(ids(await stripe.paymentMethods.list({ customer: id, type: "custom" }))).toEqual([custom]);
    });

    it("of the legacy kind hang at the customer and are deleted there", async () => {
      const { account, stripe } = opened({ legacyAmongMethods: false });
      const anna = account.add.customer();
      const card = account.add.source(anna.id);
      account.add.source(anna.id, { object: "bank_account" });
      expect((await stripe.customers.listSources(anna.id, { object: "card" })).data).toHaveLength(1);
      expect((await stripe.customers.listPaymentMethods(anna.id)).data).toEqual([]);
      await stripe.customers.deleteSource(anna.id, card.id);
      await expect(stripe.customers.deleteSource(anna.id, card.id)).rejects.toMatchObject({
        statusCode: 404,
      });
      expect(anna.default_source).toBeNull();
      expect((await stripe.customers.listSources(anna.id)).data).toHaveLength(1);
    });
  });

  it("lists subscriptions, invoices and disputes by what is asked", async () => {
    const { account, stripe } = opened();
    const { id } = account.add.customer();
    for (const status of ["active", "canceled", "incomplete_expired"])
      account.add.subscription(id, { status });
    for (const status of ["open", "paid"]) account.add.invoice(id, { status });
    account.add.schedule(id);
    const charge = account.add.charge(id);
    account.add.dispute(charge.id);
    expect(await count(stripe.subscriptions.list({ customer: id }))).toBe(2);
    expect(await count(stripe.subscriptions.list({ customer: id, status: "all" }))).toBe(3);
    expect(await count(stripe.subscriptions.list({ customer: id, status: "ended" }))).toBe(2);
    expect(await count(stripe.subscriptions.list({ customer: id, status: "active" }))).toBe(1);
    expect(await count(stripe.invoices.list({ customer: id, status: "open" }))).toBe(1);
    expect(await count(stripe.invoices.list({ customer: id }))).toBe(2);
    expect(await count(stripe.subscriptionSchedules.list({ customer: id }))).toBe(1);
    expect((await stripe.charges.list({ customer: id })).data).toMatchObject([{ disputed: true }]);
    expect(await count(stripe.disputes.list({ charge: charge.id }))).toBe(1);
  });

  it("changes a subscription's defaults, but not those of one that is over", async () => {
    const { account, stripe } = opened();
    const { id } = account.add.customer();
    const card = account.add.paymentMethod(id).id;
    const live = account.add.subscription(id, { default_payment_method: card });
    const over = account.add.subscription(id, { status: "canceled", default_payment_method: card });
    await stripe.subscriptions.update(live.id, { default_payment_method: "" });
    expect(live.default_payment_method).toBeNull();
    const refused = stripe.subscriptions.update(over.id, { default_payment_method: "" });
    await expect(refused).rejects.toMatchObject({ statusCode: 400 });
    expect(over.default_payment_method).toBe(card);
  });

  describe("what a shop makes", () => {
    const monthly = { currency: "eur", recurring: { interval: "month" }, unit_amount: 1200 } as const;

    it("is there: a customer, a card of test mode, a subscription that was paid for", async () => {
      const { account, stripe } = opened();
      const anna = await stripe.customers.create({ email, name: "Anna", metadata: { run: "1" } });
      expect(account.state.customers.get(anna.id)).toMatchObject({ email, name: "Anna", livemode: false });
      expect(await stripe.customers.search({ query: `email:'${email}'` })).toMatchObject({
        data: [{ id: anna.id, metadata: { run: "1" } }],
      });
      const attached = await Promise.all(
        [1, 2].map(() => stripe.paymentMethods.attach("pm_card_visa", { customer: anna.id })),
      );
      const [card] = attached;
      expect(account.credentialsOf(anna.id)).toEqual(attached.map(({ id }) => id));
      const product = (await stripe.products.create({ name: "Premium" })).id;
      const subscription = await stripe.subscriptions.create({
        customer: anna.id,
        default_payment_method: card?.id ?? "",
        items: [{ price_data: { ...monthly, product } }],
      });
      expect(ids(await stripe.subscriptions.list({ customer: anna.id }))).toEqual([subscription.id]);
      expect(account.state.subscriptions.get(subscription.id)).toMatchObject({ status: "active" });
      for (const list of [stripe.invoices, stripe.charges])
        expect(await count(list.list({ customer: anna.id }))).toBe(1);
      await stripe.products.update(product, { active: false });
      expect(account.state.records.get(product)).toMatchObject({ name: "Premium", active: false });
      expect(new Set(account.objectsOf(anna.id).map(({ id }) => id)).size).toBe(6);
    });

    it("is refused without a card to pay with, and where something that it names is not there", async () => {
      const { account, stripe } = opened();
      const { id: customer } = await stripe.customers.create({});
      const { id: product } = await stripe.products.create({ name: "Premium" });
      const stranger = account.add.paymentMethod(account.add.customer().id).id;
      const subscribe = (more: object, of = product) =>
        stripe.subscriptions.create({
          customer,
          items: [{ price_data: { ...monthly, product: of } }],
          ...more,
        });
      for (const asked of [
        subscribe({}),
        subscribe({ default_payment_method: stranger }),
        subscribe({ customer: "cus_nobody" }),
        subscribe({}, "prod_none"),
      ])
        await expect(asked).rejects.toMatchObject({ statusCode: 400, code: "resource_missing" });
      await expect(stripe.products.update(customer, { active: false })).rejects.toMatchObject({
        statusCode: 404,
      });
      const attached = stripe.paymentMethods.attach("pm_card_visa", { customer: "cus_nobody" });
      await expect(attached).rejects.toMatchObject({ code: "resource_missing" });
      expect([account.state.subscriptions.size, account.state.invoices.size]).toEqual([0, 0]);
    });

    it("knows no cards for tries in live mode", async () => {
      const { account, stripe } = opened({}, ({ liveKey }) => liveKey);
      const { id: customer } = await stripe.customers.create({});
      expect(account.state.customers.get(customer)?.livemode).toBe(true);
      const attached = stripe.paymentMethods.attach("pm_card_visa", { customer });
      await expect(attached).rejects.toMatchObject({ code: "resource_missing" });
    });
  });

  describe("idempotency keys", () => {
    it("give a stored 500 again for a day, and fit one request only", async () => {
      const { account, stripe, clock } = opened();
      const card = account.add.paymentMethod(account.add.customer().id);
      const other = account.add.paymentMethod(account.add.customer().id);
      account.fault("POST /v1/payment_methods/{id}/detach", 500);
      const detach = (id: string) => stripe.paymentMethods.detach(id, {}, { idempotencyKey: "stable" });
      for (let asked = 0; asked < 2; asked += 1) {
        await expect(detach(card.id)).rejects.toMatchObject({ statusCode: 500 });
      }
      await expect(detach(other.id)).rejects.toMatchObject({ rawType: "idempotency_error" });
      expect(card.customer).not.toBeNull();
      clock.ms += 24 * 60 * 60 * 1000;
      await detach(card.id);
      expect(card.customer).toBeNull();
    });

    it("keep nothing of a request that did not start", async () => {
      const { account, stripe } = opened();
      const card = account.add.paymentMethod(account.add.customer().id);
      account.fault("POST /v1/payment_methods/{id}/detach", "rate-limit");
      const detach = () => stripe.paymentMethods.detach(card.id, {}, { idempotencyKey: "stable" });
      await expect(detach()).rejects.toMatchObject({ statusCode: 429 });
      expect(await detach()).toMatchObject({ customer: null });
    });
  });

  describe("limits", () => {
    it("let 25 calls a second through, and 20 searches", async () => {
      const { account, stripe, clock } = opened({ limited: true });
      const { id } = account.add.customer();
      const query = "email:'nobody@example.org'";
      for (let made = 0; made < 20; made += 1) await stripe.customers.search({ query });
      const search = await stripe.customers.search({ query }).catch(reasonOf);
      for (let made = 0; made < 5; made += 1) await stripe.customers.retrieve(id);
      const overall = await stripe.customers.retrieve(id).catch(reasonOf);
      expect([search, overall]).toEqual(["endpoint-rate", "global-rate"]);
      clock.ms += 1000;
      expect(await stripe.customers.retrieve(id)).toMatchObject({ id });
    });

    it("let 25 calls a second through to one endpoint in live mode, and more over all", async () => {
      const { account, stripe } = opened({ limited: true }, ({ liveKey }) => liveKey);
      const { id } = account.add.customer({ livemode: true });
      for (let made = 0; made < 25; made += 1) await stripe.customers.retrieve(id);
      expect(await stripe.customers.retrieve(id).catch(reasonOf)).toBe("endpoint-rate");
      await stripe.customers.list();
    });

    it("answer lock_timeout to a second write at a time, without a reason", async () => {
      const { account, stripe } = opened({ writesCollide: true });
      const { id } = account.add.customer();
      const cards = [account.add.paymentMethod(id), account.add.paymentMethod(id)];
      const both = await Promise.allSettled(cards.map((card) => stripe.paymentMethods.detach(card.id)));
      const refused = both.filter((each) => each.status === "rejected");
      expect(refused).toMatchObject([{ reason: { statusCode: 429, code: "lock_timeout" } }]);
      expect(reasonOf(refused[0]?.reason)).toBeUndefined();
      expect(account.credentialsOf(id)).toHaveLength(1);
    });
  });

  it("plays each fault at its call, and only there", async () => {
    const { account, stripe } = opened();
    const { id } = account.add.customer();
    const endpoint = "GET /v1/customers/{id}";
    account.fault(endpoint, 403, { skip: 1, times: 2 });
    const statuses: unknown[] = [];
    for (let asked = 0; asked < 4; asked += 1) {
      await stripe.customers.retrieve(id).catch(() => undefined);
      statuses.push(account.calls.at(-1)?.status);
    }
    expect(statuses).toEqual([200, 403, 403, 200]);
  });

  it("tells an object's lifetime by the connection: effect before the drop, none before the other", async () => {
    const { account, stripe } = opened();
    const { id } = account.add.customer();
    const [before, after, pretended] = [0, 1, 2].map(() => account.add.paymentMethod(id));
    const endpoint = "POST /v1/payment_methods/{id}/detach";
    for (const fault of ["drop-before", "drop-after", "pretend"] as const) account.fault(endpoint, fault);
    for (const card of [before, after]) {
      const lost = stripe.paymentMethods.detach(card?.id ?? "");
      await expect(lost).rejects.toMatchObject({ type: "StripeConnectionError" });
    }
    expect(await stripe.paymentMethods.detach(pretended?.id ?? "")).toMatchObject({ customer: null });
    expect([before, after, pretended].map((card) => card?.customer)).toEqual([id, null, id]);
  });
});
