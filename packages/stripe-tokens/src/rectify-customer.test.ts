import { describe, expect, it } from "vitest";
import { accountWithEngine } from "../test/engine.ts";
import { type World, accountWithTurns, callOf, everythingOf, phasesOf } from "../test/subject.ts";
import { stripeOnTheWire } from "../test/wire.ts";

const email = "anna@example.org";

describe("rectify", () => {
  const connect = stripeOnTheWire();

  async function rectified(world: World, changes: Readonly<Record<string, string | null>>) {
    const { resolve, run, verify } = phasesOf(connect(world.account), "rectify");
    const call = callOf("rectify", { changes }, { email });
    const targets = (await resolve([call], world.context)).get("call")?.targets ?? [];
    const resolved = { ...call, targets };
    const before = (await verify([resolved], world.context)).get("call")?.seen;
    const outcome = (await run([resolved], world.context)).get("call");
    const after = (await verify([resolved], world.context)).get("call")?.seen;
    return { before, outcome, after };
  }

  function furnished(world: World) {
    return world.account.add.customer({
      email,
      name: "Ana",
      phone: "+46 8 1",
      description: "vip",
      address: { line1: "Old street 1", city: "Lund", country: "SE" },
      shipping: { name: "Ana", phone: null, address: { line1: "Old street 1", city: "Lund" } },
      metadata: { nickname: "A", plan: "x" },
    });
  }

  it("sets and clears fields of the customer, and leaves the others and everybody else's", async () => {
    const world = accountWithTurns();
    const customer = furnished(world);
    const bo = world.account.add.customer({ email: "bo@example.org", name: "Ana" });
    const before = everythingOf(world.account, bo.id);
    const done = await rectified(world, {
      name: "Anna O'Brien+/%",
      phone: null,
      individual_name: "Anna",
      "address.line1": "Nygatan 2",
      "shipping.name": "Anna",
      "metadata.nickname": null,
    });
    expect(done).toEqual({
      before: "not-as-asked",
      outcome: { status: "done", affected: 1 },
      after: "as-asked",
    });
    expect(customer).toMatchObject({
      name: "Anna O'Brien+/%",
      phone: null,
      individual_name: "Anna",
      description: "vip",
      address: { line1: "Nygatan 2", city: "Lund", country: "SE" },
      shipping: { name: "Anna", address: { line1: "Old street 1", city: "Lund" } },
      metadata: { plan: "x" },
    });
    expect(everythingOf(world.account, bo.id)).toBe(before);
  });

  it("clears an address as a whole", async () => {
    const world = accountWithTurns();
    const customer = furnished(world);
    const done = await rectified(world, { address: null, shipping: null });
    expect(done.after).toBe("as-asked");
    expect(customer).toMatchObject({ address: null, shipping: null });
  });

  it("changes nothing that is right already", async () => {
    const world = accountWithTurns();
    furnished(world);
    const done = await rectified(world, { name: "Ana", "address.city": "Lund", business_name: null });
    expect(done).toMatchObject({ before: "as-asked", outcome: { affected: 0 } });
    expect(world.account.writes()).toEqual([]);
  });

  it("says that final invoices keep their copies, where the field is one that they copy", async () => {
    const world = accountWithTurns();
    const { id } = furnished(world);
    const invoice = world.account.add.invoice(id);
    const done = await rectified(world, { name: "Anna" });
    expect(done.outcome).toEqual({
      status: "done",
      affected: 1,
      retained: [{ category: "invoices", reason: "copies-on-final-invoices" }],
    });
    expect(invoice.customer_name).toBe("Ana");
    expect((await rectified(world, { description: null })).outcome).toEqual({ status: "done", affected: 1 });
  });

  it("leaves to a human what is no field of a customer, and touches nothing", async () => {
    for (const field of ["emial", "address.planet", "__proto__", "metadata.", "id", "address"]) {
      const world = accountWithTurns();
      furnished(world);
      const { outcome } = await rectified(world, { [field]: "Canary", name: "Canary" });
      expect(outcome).toMatchObject({ status: "manual" });
      expect(JSON.stringify(outcome)).not.toMatch(/canary/i);
      expect(world.account.writes()).toEqual([]);
    }
  });

  it("is absent where there is no customer", async () => {
    expect(await rectified(accountWithTurns(), { name: "Anna" })).toMatchObject({
      outcome: { status: "absent" },
    });
  });

  it("sees that Stripe said done and changed nothing", async () => {
    const world = accountWithTurns();
    furnished(world);
    world.account.fault("POST /v1/customers/{id}", "pretend");
    expect(await rectified(world, { name: "Anna" })).toMatchObject({
      outcome: { status: "done" },
      after: "not-as-asked",
    });
  });

  it("ends in the engine as retained where invoices keep the old name", async () => {
    const { account, carryOut } = accountWithEngine();
    const { id } = account.add.customer({ email, name: "Ana" });
    account.add.invoice(id);
    const step = await carryOut("rectify", { email }, { changes: { name: "Anna" } });
    expect(step).toMatchObject({ state: "retained", retained: [{ category: "invoices" }] });
    expect(account.state.customers.get(id)?.name).toBe("Anna");
  });
});
