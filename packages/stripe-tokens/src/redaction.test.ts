import { describe, expect, it } from "vitest";
import { accountWithEngine } from "../test/engine.ts";
import { type World, accountWithTurns, carryOut, eraseCall, eraseOf } from "../test/subject.ts";
import { stripeOnTheWire } from "../test/wire.ts";

const email = "anna@example.org";
const hourMs = 3_600_000;
const old = Date.parse("2025-11-01T00:00:00Z") / 1000;
const young = Date.parse("2026-02-01T00:00:00Z") / 1000;
const redacts = { redaction: true } as const;

/** A customer with a card and a transaction of some age. */
function furnished({ account: { add } }: Pick<World, "account">, created: number, of = email) {
  const { id } = add.customer({ email: of, name: "Anna" });
  add.paymentMethod(id);
  add.charge(id, { created });
  add.invoice(id);
  return id;
}

const personal = ({ account }: Pick<World, "account">, text = email) =>
  account.search(text).map(({ object }) => object);

describe("redaction, where it is asked for", () => {
  const connect = stripeOnTheWire();

  it("takes away what Stripe keeps, when the last transaction is ninety days old", async () => {
    const { account, carryOut } = accountWithEngine({ ...redacts, redactionMs: 2 * hourMs }, redacts);
    furnished({ account }, old);
    furnished({ account }, old, "bo@example.org");
    const before = personal({ account }, "bo@example.org");
    const step = await carryOut("erase", { email });
    expect(step).toMatchObject({ state: "verified" });
    expect(personal({ account })).toEqual([]);
    expect(personal({ account }, "bo@example.org")).toEqual(before);
    expect([...account.state.redactionJobs.values()].map(({ status }) => status)).toEqual(["succeeded"]);
    // The card and the customer, which were gone while Stripe still worked.
    expect(step).toMatchObject({ outcome: "done", affected: 2 });
    // One step at a time, and each once.
    expect(account.count("POST /v1/privacy/redaction_jobs")).toBe(1);
    expect(account.count("POST /v1/privacy/redaction_jobs/{id}/run")).toBe(1);
  });

  it("counts what has been carried out while Stripe still works on it", async () => {
    const world = accountWithTurns(redacts);
    furnished(world, old);
    const { outcome } = await carryOut(connect(world.account, redacts), world, eraseCall({ email }));
    expect(outcome).toMatchObject({ status: "pending", affected: 2 });
    expect(outcome).not.toHaveProperty("retained");
  });

  it("asks for the preview's version in its own calls, and in no other", async () => {
    const { account, carryOut } = accountWithEngine(redacts, redacts);
    furnished({ account }, old);
    await carryOut("erase", { email });
    for (const { endpoint, version } of account.calls) {
      expect([endpoint, version.endsWith(".preview")]).toEqual([
        endpoint,
        endpoint?.includes("/privacy/") === true,
      ]);
    }
  });

  it("waits for the ninety days by saying until when it stays", async () => {
    const { account, carryOut } = accountWithEngine(redacts, redacts);
    const id = furnished({ account }, old);
    account.add.charge(id, { created: young });
    const step = await carryOut("erase", { email });
    expect(step.state).toBe("retained");
    const until = { reason: "redaction-after-ninety-days", until: "2026-05-02" };
    expect(step.retained).toEqual([
      { category: "charges", ...until },
      { category: "invoices", ...until },
      { category: "payment-methods", ...until },
    ]);
    expect(account.state.customers.get(id)?.deleted).toBe(true);
    expect(account.state.redactionJobs.size).toBe(0);
  });

  it("is done for a customer who was deleted before, once the time has come", async () => {
    const { account, clock, carryOut } = accountWithEngine(redacts, redacts);
    const id = furnished({ account }, young);
    await carryOut("erase", { email });
    await clock.set("2026-05-03T00:00:00Z");
    const step = await carryOut("erase", { stripeCustomerId: id });
    expect(step.state).toBe("verified");
    expect(personal({ account })).toEqual([]);
  });

  it.each([
    [{ redaction: false }, undefined, "redaction-absent"],
    [{ redaction: true }, 403, "redaction-not-permitted"],
  ] as const)("stays, and why is said, where it is not there (%j, %s)", async (switches, fault, reason) => {
    const world = accountWithTurns(switches);
    const id = furnished(world, old);
    if (fault !== undefined) world.account.fault("GET /v1/privacy/redaction_jobs", fault);
    const done = await carryOut(connect(world.account, redacts), world, eraseCall({ email }));
    expect(done.outcome).toMatchObject({
      status: "done",
      retained: [
        { category: "charges", reason },
        { category: "invoices", reason },
        { category: "payment-methods", reason },
      ],
    });
    expect(world.account.state.customers.get(id)?.deleted).toBe(true);
    expect(personal(world)).not.toEqual([]);
  });

  it("is no success where Stripe does not take a deleted customer", async () => {
    const { account, carryOut } = accountWithEngine({ ...redacts, redactsDeleted: false }, redacts);
    furnished({ account }, old);
    const step = await carryOut("erase", { email });
    expect(step).toMatchObject({ state: "retained" });
    expect(step.retained.map(({ reason }) => reason)).toEqual([
      "redaction-refused",
      "redaction-refused",
      "redaction-refused",
    ]);
    expect(account.state.redactionJobs.size).toBe(0);
  });

  it("is not said to be refused where nothing was there any more that a job could be about", async () => {
    const world = accountWithTurns(redacts);
    const call = eraseCall({ email }, { tokensForgotten: true });
    const done = await carryOut(connect(world.account, redacts), world, call);
    expect(done.outcome).toMatchObject({
      status: "done",
      retained: [{ category: "payment-methods", reason: "kept-by-processor" }],
    });
    expect(world.account.state.redactionJobs.size).toBe(0);
  });

  it("is not done where a law or a hold keeps something, nor where nobody asked for it", async () => {
    const keep = [{ category: "invoices", reason: "legal-obligation" }];
    for (const [options, given] of [
      [redacts, { keep }],
      [{}, {}],
    ] as const) {
      const world = accountWithTurns(redacts);
      furnished(world, old);
      const done = await carryOut(connect(world.account, options), world, eraseCall({ email }, given));
      expect(done.outcome).toMatchObject({ status: "done" });
      expect(world.account.state.redactionJobs.size).toBe(0);
      expect(world.account.calls.some(({ path }) => path.includes("privacy"))).toBe(false);
    }
  });

  it("takes ten ids a job, and waits for every one of them", async () => {
    const { account, carryOut } = accountWithEngine({ ...redacts, redactionMs: hourMs }, redacts);
    for (let made = 0; made < 23; made += 1) furnished({ account }, old);
    const step = await carryOut("erase", { email });
    expect(step.state).toBe("verified");
    const jobs = [...account.state.redactionJobs.values()];
    expect(jobs.map(({ objects }) => objects["customers"]?.length)).toEqual([10, 10, 3]);
    expect(jobs.every(({ status }) => status === "succeeded")).toBe(true);
    expect(personal({ account })).toEqual([]);
  });

  it("reaches what a guest paid", async () => {
    const { account, carryOut } = accountWithEngine(redacts, redacts);
    const details = { name: "Anna", email };
    const payment = account.add.paymentIntent(null, { status: "succeeded", receipt_email: email });
    account.add.charge(null, { payment_intent: payment.id, billing_details: details, created: old });
    account.add.checkoutSession(null, {
      status: "complete",
      payment_intent: payment.id,
      customer_details: details,
      created: old,
    });
    expect(personal({ account })).toEqual(["payment_intent", "checkout.session", "charge"]);
    const step = await carryOut("erase", { email });
    expect(step.state).toBe("verified");
    expect(personal({ account })).toEqual([]);
  });

  it("goes to a human with Stripe's reasons when a job fails, naming nobody", async () => {
    const { account, carryOut } = accountWithEngine(redacts, redacts);
    const id = furnished({ account }, old);
    // A payment that began after the customer was looked at.
    account.before("POST /v1/privacy/redaction_jobs", () => void account.add.charge(id, { created: young }));
    const step = await carryOut("erase", { email });
    expect(step).toMatchObject({ state: "manual", because: "by-hand" });
    expect(step.instruction).toContain("invalid-state");
    expect(step.instruction).toContain("prj_");
    expect(step.instruction).not.toMatch(/cus_|ch_|anna|example/i);
    expect(personal({ account })).not.toEqual([]);
  });

  it("goes to a human when somebody cancels a job", async () => {
    const { account, carryOut } = accountWithEngine(redacts, redacts);
    furnished({ account }, old);
    account.before("GET /v1/privacy/redaction_jobs/{id}", () => {
      for (const job of account.state.redactionJobs.values()) job.status = "canceled";
    });
    const step = await carryOut("erase", { email });
    expect(step).toMatchObject({ state: "manual" });
    expect(step.instruction).toContain("cancelled");
  });

  it("is not seen as done while Stripe works on it, nor when the job is not there", async () => {
    const world = accountWithTurns({ ...redacts, redactionMs: hourMs });
    const id = furnished(world, old);
    const { run, verify } = eraseOf(connect(world.account, redacts));
    const targets = [{ kind: "customer", id }];
    const first = (await run([eraseCall({ email }, { targets })], world.context)).get("call");
    expect(first).toMatchObject({ status: "pending" });
    const reference = first !== undefined && "reference" in first ? first.reference : "";
    const call = eraseCall({ email }, { targets, reference });
    const seen = async () => (await verify([call], world.context)).get("call")?.seen;
    expect(await seen()).toBe("not-yet");
    world.clock.ms += 3 * hourMs;
    expect(await seen()).toBe("not-as-asked");
    expect((await run([call], world.context)).get("call")).toMatchObject({ status: "pending", reference });
    expect(await seen()).toBe("not-yet");
    world.clock.ms += 3 * hourMs;
    expect(await seen()).toBe("as-asked");
    const lost = eraseCall({ email }, { targets, reference: "prj_nobody" });
    await expect(verify([lost], world.context)).rejects.toMatchObject({ name: "RejectedError" });
  });
});
