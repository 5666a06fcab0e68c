import { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import { openShop } from "../test/shop.ts";

const secret = "whsec_stand-in";
const isAboutCustomer = (type: string) => /^customer\.(?:created|updated|deleted)$/.test(type);
const email = "anna.canary@example.org";

function shop() {
  const open = openShop({}, { webhooks: { secret: ["whsec_old", secret] } });
  const { account, clock, heed } = open;
  const stripe = new Stripe(account.key);
  let events = 0;
  /** A webhook about something at the customer, signed as Stripe signs. */
  const signed = (
    type: string,
    customer: string,
    {
      by = secret,
      atMs = clock.now().getTime(),
      livemode = false,
      previous,
    }: { by?: string; atMs?: number; livemode?: boolean; previous?: object } = {},
  ) => {
    events += 1;
    const payload = JSON.stringify({
      id: `evt_${events}`,
      object: "event",
      type,
      created: Math.floor(atMs / 1000),
      livemode,
      data: {
        object: isAboutCustomer(type)
          ? { object: "customer", id: customer, email: account.state.customers.get(customer)?.email }
          : { object: "x", id: "x_1", customer },
        ...(previous === undefined ? {} : { previous_attributes: previous }),
      },
    });
    const timestamp = Math.floor(atMs / 1000);
    const header = stripe.webhooks.generateTestHeaderString({ payload, secret: by, timestamp });
    return new Request("https://heed.example/webhooks/stripe", {
      method: "POST",
      headers: { "stripe-signature": header },
      body: payload,
    });
  };
  const { id: customer } = account.add.customer({ email, name: "Anna" });
  account.add.paymentMethod(customer);
  const receive = (request: Request) => heed.webhooks.receive("payments", request);
  return { ...open, customer, signed, receive };
}

const ended = "customer.subscription.deleted";
const attached = "payment_method.attached";
const created = "customer.created";
const updated = "customer.updated";

describe("a webhook of Stripe", () => {
  it("that a subscription is over has the customer's payment methods forgotten, once", async () => {
    const { account, customer, signed, receive, settle, rows } = shop();
    const request = signed(ended, customer);
    const repeated = request.clone();
    expect(await receive(request)).toEqual({ sightings: 1, fresh: 1 });
    expect(await receive(repeated)).toEqual({ sightings: 1, fresh: 0 });
    await settle();
    expect(account.credentialsOf(customer)).toEqual([]);
    expect(await rows("requests")).toMatchObject([{ right: "forget-tokens", state: "fulfilled" }]);
  });

  it("touches nothing while another subscription of the customer runs, and forgets when that is over", async () => {
    const { account, customer, signed, receive, settle, heed } = shop();
    const { id } = account.add.subscription(customer, { status: "active" });
    await receive(signed(ended, customer));
    await heed.work.drain();
    expect(account.credentialsOf(customer)).toHaveLength(1);
    const subscription = account.state.subscriptions.get(id);
    if (subscription !== undefined) subscription.status = "canceled";
    await settle();
    expect(account.credentialsOf(customer)).toEqual([]);
  });

  it("that a payment method was stored tells a human, where such had been forgotten", async () => {
    const { account, customer, signed, receive, settle, heed } = shop();
    await receive(signed(ended, customer));
    await settle();
    account.add.paymentMethod(customer);
    await receive(signed(attached, customer));
    await settle();
    const parked = await heed.steps.parked();
    expect(parked).toMatchObject([{ processor: "payments", because: "stored-again" }]);
    expect(parked[0]?.instruction).toMatch(/stored at "payments"/);
    expect(account.credentialsOf(customer)).toHaveLength(1);
    await heed.steps.retry(parked[0]?.id ?? "");
    await settle();
    expect(account.credentialsOf(customer)).toEqual([]);
    expect(await heed.steps.parked()).toEqual([]);
  });

  it("tells a human as well where the person had been erased", async () => {
    const { account, customer, signed, receive, settle, heed } = shop();
    await heed.requests.open({ right: "erasure", subject: { email }, identity: "signed-in" });
    await settle();
    expect(account.state.customers.get(customer)).toMatchObject({ deleted: true });
    const again = account.add.customer({ email });
    account.add.paymentMethod(again.id);
    await receive(signed(attached, again.id));
    await settle();
    expect(await heed.steps.parked()).toMatchObject([{ because: "stored-again" }]);
  });

  it.each([
    ["made anew", created, { email }],
    ["that was somebody else's given their address", updated, { email: "bo@example.org" }],
  ] as const)("tells a human of a customer %s, of somebody who was erased", async (_how, type, before) => {
    const { account, customer, signed, receive, settle, heed, clock, search, rows } = shop();
    const other = type === updated ? account.add.customer(before) : undefined;
    await heed.requests.open({ right: "erasure", subject: { email }, identity: "signed-in" });
    await settle();
    expect(account.state.customers.get(customer)).toMatchObject({ deleted: true });
    await clock.advance(3_600_000);
    const again = other ?? account.add.customer(before);
    again.email = email;
    const how = type === updated ? { previous: before } : {};
    const requests = (await rows("requests")).length;
    await receive(signed(type, again.id, how));
    await settle();
    const [parked] = await heed.steps.parked();
    expect(parked).toMatchObject({ processor: "payments", operation: "observe", because: "stored-again" });
    expect(parked?.instruction).toMatch(/"payments"/);
    // It may be the person's own doing: nothing is done to it.
    expect(again).toMatchObject({ deleted: false, email });
    expect(await rows("requests")).toHaveLength(requests);
    for (const canary of ["canary", again.id]) {
      expect(JSON.stringify([parked, await rows("evidence")])).not.toContain(canary);
      expect(await search(canary)).toEqual([]);
    }
    await heed.requests.open({
      right: "erasure",
      subject: { email, stripeCustomerId: again.id },
      identity: "signed-in",
    });
    await settle();
    expect(again).toMatchObject({ deleted: true });
    await heed.steps.retry(parked?.id ?? "");
    await settle();
    expect(await heed.steps.parked()).toEqual([]);
  });

  it("of a customer is nothing of anybody else, nor of an address that stays as it was", async () => {
    const { account, customer, signed, receive, settle, heed, rows } = shop();
    const other = account.add.customer({ email: "bo@example.org" });
    await heed.work.check();
    const probes = account.count("GET /v1/customers/{id}");
    await receive(signed(created, other.id));
    await receive(signed(created, customer));
    await settle();
    expect([await heed.steps.parked(), await rows("subjects"), await rows("dataKeys")]).toEqual([[], [], []]);
    expect(account.count("GET /v1/customers/{id}") - probes).toBe(4);
    await heed.requests.open({ right: "erasure", subject: { email }, identity: "signed-in" });
    await settle();
    const again = account.add.customer({ email });
    for (const previous of [{ name: "Anna" }, undefined])
      expect(
        await receive(signed(updated, again.id, previous === undefined ? {} : { previous })),
      ).toMatchObject({
        sightings: 0,
      });
    expect(await receive(signed("customer.deleted", customer))).toMatchObject({ sightings: 0 });
  });

  it("of a customer made before its person was erased is nothing, however late it comes", async () => {
    const { customer, signed, receive, settle, heed, clock, account } = shop();
    const late = signed(created, customer);
    const event = late.clone();
    await heed.requests.open({ right: "erasure", subject: { email }, identity: "signed-in" });
    await clock.advance(120_000);
    await receive(event);
    await settle();
    expect(account.state.customers.get(customer)).toMatchObject({ deleted: true });
    expect(await heed.steps.parked()).toEqual([]);
  });

  it("that a payment method was stored is nothing where none had been forgotten", async () => {
    const { customer, signed, receive, settle, heed, rows } = shop();
    await receive(signed(attached, customer));
    await settle();
    expect(await heed.steps.parked()).toEqual([]);
    expect(await rows("subjects")).toEqual([]);
  });

  it.each([
    ["forged", { by: "whsec_another" }],
    ["too old", { atMs: Date.parse("2026-03-01T09:54:00Z") }],
  ])("is refused when it is %s", async (_how, how) => {
    const { customer, signed, receive, rows } = shop();
    await expect(receive(signed(ended, customer, how))).rejects.toMatchObject({
      name: "TamperedEvidenceError",
      message: expect.not.stringContaining("canary"),
    });
    expect(await rows("sightings")).toEqual([]);
  });

  it("tells nothing of the other mode, and of anything else", async () => {
    const { customer, signed, receive } = shop();
    expect(await receive(signed(ended, customer, { livemode: true }))).toMatchObject({ sightings: 0 });
    expect(await receive(signed("charge.succeeded", customer))).toMatchObject({ sightings: 0 });
  });
});
