import { describe, expect, it } from "vitest";
import { type World, accountWithTurns, callOf, eraseCall, forgetCall, phasesOf } from "../test/subject.ts";
import { stripeOnTheWire } from "../test/wire.ts";

const email = "anna@example.org";

/** The calls of each phase, as the engine asks them: nothing is asked twice, and nothing that another answer had. */
describe("the calls that are made", () => {
  const connect = stripeOnTheWire();

  /** A customer with two cards and a default. */
  function furnished(world: World) {
    const customer = world.account.add.customer({ email });
    const cards = [
      world.account.add.paymentMethod(customer.id),
      world.account.add.paymentMethod(customer.id),
    ];
    customer.invoice_settings.default_payment_method = cards[0]?.id ?? null;
    return customer.id;
  }

  async function phase(world: World, ask: () => Promise<unknown>): Promise<readonly string[]> {
    const before = world.account.count();
    await ask();
    return world.account.calls.slice(before).map(({ endpoint }) => endpoint ?? "unknown");
  }

  it("to forget a person with one customer", async () => {
    const world = accountWithTurns();
    const id = furnished(world);
    const { resolve, guard, run, verify } = phasesOf(connect(world.account), "forgetTokens");
    const call = forgetCall({ email }, { targets: [{ kind: "customer", id }] });
    const unknown = { ...call, targets: [] };
    let resolved = call;
    const found = async () => {
      const targets = (await resolve([unknown], world.context)).get(call.id)?.targets ?? [];
      resolved = { ...call, targets };
    };
    expect(await phase(world, found)).toEqual([
      "GET /v1/customers",
      "GET /v1/customers/search",
      "GET /v1/customers/{id}/payment_methods",
    ]);
    const together = { ...world.context, moment: {} };
    expect(await phase(world, () => guard([resolved], together))).toEqual([
      "GET /v1/customers/{id}",
      "GET /v1/subscription_schedules",
      "GET /v1/invoices",
      "GET /v1/charges",
    ]);
    expect(await phase(world, () => run([resolved], together))).toEqual([
      "GET /v1/checkout/sessions",
      "GET /v1/checkout/sessions",
      "GET /v1/payment_intents",
      "GET /v1/setup_intents",
      "GET /v1/customers/{id}/payment_methods",
      "POST /v1/payment_methods/{id}/detach",
      "POST /v1/payment_methods/{id}/detach",
      "POST /v1/customers/{id}",
    ]);
    // Twice, one settling time apart: what the finding reads is read back.
    for (let look = 0; look < 2; look += 1) {
      const looking = { ...world.context, moment: {} };
      expect(await phase(world, () => resolve([resolved], looking))).toEqual([
        "GET /v1/customers",
        "GET /v1/payment_methods",
      ]);
      expect(await phase(world, () => verify([resolved], looking))).toEqual([]);
    }
  });

  it("to read back by itself, when nothing was found just now", async () => {
    const world = accountWithTurns();
    const id = furnished(world);
    const { run, verify } = phasesOf(connect(world.account), "forgetTokens");
    const call = forgetCall({ email }, { targets: [{ kind: "customer", id }] });
    await run([call], world.context);
    expect(await phase(world, () => verify([call], world.context))).toEqual([
      "GET /v1/payment_methods",
      "GET /v1/customers/{id}",
    ]);
  });

  it("to find a person by a stored id", async () => {
    const world = accountWithTurns();
    const id = furnished(world);
    const { resolve } = phasesOf(connect(world.account), "forgetTokens");
    const call = forgetCall({ stripeCustomerId: id });
    expect(await phase(world, () => resolve([call], world.context))).toEqual([
      "GET /v1/customers/{id}",
      "GET /v1/customers/{id}/payment_methods",
    ]);
  });

  it("to erase, beyond those to forget", async () => {
    const world = accountWithTurns();
    const id = furnished(world);
    const { run, verify } = phasesOf(connect(world.account), "erase");
    const call = eraseCall({ email }, { targets: [{ kind: "customer", id }] });
    const ran = await phase(world, () => run([call], world.context));
    expect(ran.slice(-4)).toEqual([
      "GET /v1/charges",
      "GET /v1/invoices",
      "GET /v1/payment_methods",
      "DELETE /v1/customers/{id}",
    ]);
    expect(ran).toHaveLength(14);
    expect(await phase(world, () => verify([call], world.context))).toEqual([
      "GET /v1/payment_methods",
      "GET /v1/customers/{id}",
      "GET /v1/customers/search",
    ]);
  });

  it("to export: each list once", async () => {
    const world = accountWithTurns();
    const id = furnished(world);
    const { run } = phasesOf(connect(world.account), "export");
    const call = callOf("export", { categories: "all" }, { email }, { targets: [{ kind: "customer", id }] });
    const asked = await phase(world, async () => {
      const outcome = (await run([call], world.context)).get("call");
      if (outcome?.status === "done") for await (const _ of outcome.records);
    });
    // One of sessions by address for what was paid as a guest, one of the customer's own.
    expect(asked.filter((each) => each === "GET /v1/checkout/sessions")).toHaveLength(2);
    expect(new Set(asked).size).toBe(asked.length - 1);
    expect(asked).toHaveLength(16);
  });
});
