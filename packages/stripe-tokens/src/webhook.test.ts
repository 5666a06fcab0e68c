import { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import { openShop } from "../test/shop.ts";

const secret = "whsec_stand-in";
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
    { by = secret, atMs = clock.now().getTime(), livemode = false } = {},
  ) => {
    events += 1;
    const payload = JSON.stringify({
      id: `evt_${events}`,
      object: "event",
      type,
      created: Math.floor(atMs / 1000),
      livemode,
      data: { object: { id: "x_1", customer } },
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
