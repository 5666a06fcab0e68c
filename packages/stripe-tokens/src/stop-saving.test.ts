import { describe, expect, it } from "vitest";
import {
  type World,
  accountWithTurns,
  carryOut,
  eitherWay,
  everythingOf,
  forgetCall,
} from "../test/subject.ts";
import { stripeOnTheWire } from "../test/wire.ts";

const email = "anna@example.org";

/** A customer with one of everything that could save a card again, and much that is over. */
function furnished({ account }: World, of = email) {
  const { add } = account;
  const { id } = add.customer({ email: of });
  add.paymentMethod(id);
  const open = [
    ...["requires_payment_method", "requires_confirmation", "requires_action"].flatMap((status) => [
      add.setupIntent(id, { status }),
      add.paymentIntent(id, { status, setup_future_usage: "off_session" }),
    ]),
    add.checkoutSession(id),
    add.checkoutSession(id, { mode: "setup" }),
  ];
  const over = [
    add.setupIntent(id, { status: "succeeded" }),
    add.setupIntent(id, { status: "canceled" }),
    add.paymentIntent(id, { status: "succeeded" }),
    add.checkoutSession(id, { status: "complete" }),
  ];
  return { id, open, over };
}

describe("what could save a card again", () => {
  const connect = stripeOnTheWire();

  it.each(eitherWay)(
    "is ended before anything is let go of, and what is over stays (%s)",
    async (_, switches) => {
      const world = accountWithTurns(switches);
      const { account } = world;
      const { id, open, over } = furnished(world);
      const overBefore = JSON.stringify(over);
      const bystander = furnished(world, "bo@example.org");
      const before = everythingOf(account, bystander.id);

      const done = await carryOut(connect(account), world, forgetCall({ email }));

      expect(done).toMatchObject({ outcome: { status: "done", affected: 9 }, finding: { seen: "as-asked" } });
      expect(open.map(({ status }) => status)).toEqual([...Array(6).fill("canceled"), "expired", "expired"]);
      expect(JSON.stringify(over)).toBe(overBefore);
      expect(everythingOf(account, bystander.id)).toBe(before);
      expect(account.writes().at(-1)?.endpoint).toBe("POST /v1/payment_methods/{id}/detach");
      expect(account.credentialsOf(id)).toEqual([]);
    },
  );

  it("takes a session's intents with the session, and asks about them no more", async () => {
    const world = accountWithTurns();
    const { account } = world;
    const { id } = account.add.customer({ email });
    const payment = account.add.paymentIntent(id);
    const session = account.add.checkoutSession(id, { payment_intent: payment.id });
    await carryOut(connect(account), world, forgetCall({ email }));
    expect([session.status, payment.status]).toEqual(["expired", "canceled"]);
    expect(account.count("POST /v1/payment_intents/{id}/cancel")).toBe(0);
  });

  it("counts what ended by itself in the meantime as ended", async () => {
    const world = accountWithTurns();
    const { account } = world;
    const { id } = account.add.customer({ email });
    const intent = account.add.setupIntent(id);
    account.before("POST /v1/setup_intents/{id}/cancel", () => {
      intent.status = "succeeded";
    });
    const done = await carryOut(connect(account), world, forgetCall({ email }));
    expect(done.outcome).toEqual({ status: "done", affected: 0 });
  });

  it.each([
    ["POST /v1/setup_intents/{id}/cancel", "setupIntent"],
    ["POST /v1/payment_intents/{id}/cancel", "paymentIntent"],
    ["POST /v1/checkout/sessions/{id}/expire", "checkoutSession"],
  ] as const)("fails when %s is answered and nothing ended, or is refused", async (endpoint, what) => {
    for (const [fault, name] of [
      ["pretend", "UnavailableError"],
      [400, "RejectedError"],
    ] as const) {
      const world = accountWithTurns();
      const { account } = world;
      const { id } = account.add.customer({ email });
      account.add.paymentMethod(id);
      account.add[what](id);
      account.fault(endpoint, fault);
      const done = await carryOut(connect(account), world, forgetCall({ email }));
      expect(done.outcome).toMatchObject({ status: "failed", error: { name } });
      expect(account.credentialsOf(id)).toHaveLength(1);
    }
  });

  it("is not cancelled while it is a payment on its way: the guard says so", async () => {
    for (const status of ["processing", "requires_capture"]) {
      const world = accountWithTurns();
      const { account } = world;
      const { id } = account.add.customer({ email });
      const intent = account.add.paymentIntent(id, { status });
      const charged = status === "processing" ? { status: "pending" } : { captured: false };
      account.add.charge(id, { payment_intent: intent.id, ...charged });
      const done = await carryOut(connect(account), world, forgetCall({ email }));
      expect(done.blockedBy).toBe("payment-in-progress");
      expect(account.writes()).toEqual([]);
      expect(intent.status).toBe(status);
    }
  });

  it("keeps the defaults of subscriptions and drafts clean, and saves no next card", async () => {
    const world = accountWithTurns();
    const { account } = world;
    const { id } = account.add.customer({ email });
    const card = account.add.paymentMethod(id);
    const draft = account.add.invoice(id, { status: "draft", default_payment_method: card.id });
    const plain = account.add.invoice(id, { status: "draft" });
    const paid = account.add.invoice(id, { status: "paid", default_payment_method: card.id });
    // One that begins after the guard has asked.
    const subscription = account.add.subscription(id, {
      status: "canceled",
      payment_settings: { save_default_payment_method: "on_subscription" },
    });
    account.before("GET /v1/charges", () => {
      subscription.status = "active";
    });
    const done = await carryOut(connect(account), world, forgetCall({ email }));
    expect(done).toMatchObject({ outcome: { affected: 3 }, finding: { seen: "as-asked" } });
    expect(draft.default_payment_method).toBeNull();
    expect(paid.default_payment_method).toBe(card.id);
    expect(subscription.payment_settings.save_default_payment_method).toBe("off");
    const touched = account.writes().map(({ path }) => path);
    expect(touched.some((path) => path.includes(plain.id))).toBe(false);
  });
});
