import { describe, expect, it } from "vitest";
import { accountWithEngine } from "../test/engine.ts";
import { callOf, phasesOf } from "../test/subject.ts";
import { requestShapes } from "./testing/request-shapes.ts";

const email = "anna@example.org";
const old = 1_700_000_000;

/** Documented, known to the stand-in, and nothing that the adapter does. */
const unused = [
  "POST /v1/customers",
  "POST /v1/payment_methods/{id}/attach",
  "POST /v1/products",
  "POST /v1/products/{id}",
  "POST /v1/subscriptions",
  "POST /v1/privacy/redaction_jobs/{id}/cancel",
];

describe("every request", () => {
  it("is one that Stripe documents, whatever is asked", async () => {
    const { account, processor, clock, carryOut } = accountWithEngine(
      { redaction: true, subListSize: 1, searchLagMs: 1000, limited: false },
      { redaction: true },
    );
    const { add } = account;
    const anna = add.customer({ email: "AnnA@example.org", name: "Ana", shipping: null });
    const { id } = anna;
    const card = add.paymentMethod(id);
    add.paymentMethod(id, { type: "custom" });
    anna.invoice_settings.default_payment_method = card.id;
    for (let made = 0; made < 130; made += 1) add.invoice(id);
    add.invoice(id, { status: "draft", default_payment_method: card.id, default_source: "card_1" });
    add.invoice(id, { status: "draft" });
    for (const object of ["card", "bank_account"]) add.source(id, { object });
    add.setupIntent(id);
    add.paymentIntent(id);
    add.checkoutSession(id);
    const subscription = add.subscription(id, {
      payment_settings: { save_default_payment_method: "on_subscription" },
    });
    add.schedule(id, { status: "active", subscription: subscription.id });
    add.subscription(id, { default_payment_method: card.id, default_source: "card_1" });
    add.dispute(add.charge(id, { created: old }).id, { status: "won" });
    const v2 = add.customerAccount();
    add.paymentMethod(v2.id);
    add.paymentIntent(v2.id, { status: "succeeded", created: old });
    const guest = add.paymentIntent(null, { status: "succeeded" });
    const customer_details = { name: "Anna", email };
    add.checkoutSession(null, {
      status: "complete",
      payment_intent: guest.id,
      customer_details,
      created: old,
    });
    // Somebody else detaches one in the very moment.
    const isAboutCard = () => account.calls.at(-1)?.path.includes(card.id) === true;
    const detach = () => void (isAboutCard() && (card.customer = null));
    account.before("POST /v1/payment_methods/{id}/detach", detach, { times: Infinity });
    add.charge(add.customer({ email: "bo@example.org" }).id, { created: old });

    const named = { email, stripeAccountId: v2.id, stripeCustomerId: "cus_nobody" };
    const changes = {
      name: "Anna",
      phone: null,
      "address.line1": "x",
      "shipping.name": "y",
      "metadata.z": null,
    };
    await carryOut("rectify", { email }, { changes });
    const { resolve, run } = phasesOf(processor, "export");
    const context = {
      turn: () => Promise.resolve(),
      signal: new AbortController().signal,
      now: () => clock.now(),
    };
    const asked = callOf("export", { categories: "all" }, named);
    const targets = (await resolve([asked], context)).get("call")?.targets ?? [];
    const outcome = (await run([{ ...asked, targets }], context)).get("call");
    if (outcome?.status === "done") for await (const _ of outcome.records);
    const endsPaidService = "allowed" as const;
    await carryOut("forgetTokens", named, {
      endsPaidService,
      keep: [{ category: "charges", reason: "law" }],
    });
    const overdue = add.subscription(id, { status: "paused", cancel_at: old, periodEnd: old });
    await carryOut("forgetTokens", named, { endsPaidService, keep: [] });
    account.before("POST /v1/privacy/redaction_jobs", () => void add.charge(id), { times: 1 });
    await carryOut("erase", named);
    await carryOut("erase", { email: "bo@example.org" });

    expect(overdue.status).toBe("canceled");
    const refused = account.calls.filter(({ code, endpoint }) => code?.startsWith("parameter_") || !endpoint);
    expect(refused).toEqual([]);
    const used = new Set(account.calls.map(({ endpoint }) => endpoint));
    const missing = Object.keys(requestShapes).filter((endpoint) => !used.has(endpoint));
    expect(missing).toEqual(unused);
  });
});
