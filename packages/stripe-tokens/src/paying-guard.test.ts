import { describe, expect, it } from "vitest";
import {
  type World,
  accountWithTurns,
  carryOut,
  everythingOf,
  forgetCall,
  forgetOf,
} from "../test/subject.ts";
import { stripeOnTheWire } from "../test/wire.ts";
import type { Fault } from "./testing/index.ts";

const email = "anna@example.org";
const dayMs = 86_400_000;

function dispute({ account }: World, customer: string, status: string): void {
  account.add.dispute(account.add.charge(customer).id, { status });
}

describe("guard", () => {
  const connect = stripeOnTheWire();

  /** Three customers, each with a card; what `bind` adds to one of them must protect all. */
  async function protects(world: World, bind: (customer: string) => void) {
    const { account } = world;
    const customers = [1, 2, 3].map(() => account.add.customer({ email }).id);
    for (const id of customers) account.add.paymentMethod(id);
    // Neither the first that Stripe lists nor the last.
    bind(customers[1] ?? "");
    const everything = () => customers.map((id) => everythingOf(account, id)).join();
    const before = everything();
    const { blockedBy } = await carryOut(connect(account), world, forgetCall({ email }));
    return { blockedBy, touched: everything() !== before || account.writes().length > 0 };
  }

  it.each(["active", "trialing", "past_due", "unpaid", "paused", "incomplete", "a_status_of_tomorrow"])(
    "protects a customer whose subscription is %s",
    async (status) => {
      const world = accountWithTurns();
      const answer = await protects(world, (id) => void world.account.add.subscription(id, { status }));
      expect(answer).toEqual({ blockedBy: "active-subscription", touched: false });
    },
  );

  it.each(["not_started", "active"])("protects a customer whose schedule is %s", async (status) => {
    const world = accountWithTurns();
    const answer = await protects(world, (id) => void world.account.add.schedule(id, { status }));
    expect(answer).toEqual({ blockedBy: "scheduled-subscription", touched: false });
  });

  it("protects a customer with an open invoice", async () => {
    const world = accountWithTurns();
    const answer = await protects(world, (id) => void world.account.add.invoice(id, { status: "open" }));
    expect(answer).toEqual({ blockedBy: "open-invoice", touched: false });
  });

  it.each(["needs_response", "under_review", "warning_needs_response", "appeal_under_review"])(
    "protects a customer with a dispute that is %s",
    async (status) => {
      const world = accountWithTurns();
      const answer = await protects(world, (id) => {
        dispute(world, id, status);
      });
      expect(answer).toEqual({ blockedBy: "open-dispute", touched: false });
    },
  );

  it("protects a customer whose charge is disputed while the dispute does not show", async () => {
    const world = accountWithTurns();
    const answer = await protects(world, (id) => void world.account.add.charge(id, { disputed: true }));
    expect(answer).toEqual({ blockedBy: "open-dispute", touched: false });
  });

  it.each([{ status: "pending" }, { captured: false }])(
    "protects a customer with a payment on its way (%j)",
    async (charge) => {
      const world = accountWithTurns();
      const answer = await protects(world, (id) => void world.account.add.charge(id, charge));
      expect(answer).toEqual({ blockedBy: "payment-in-progress", touched: false });
    },
  );

  it("knows a subscription that is told to end, and asks again when it has", async () => {
    const world = accountWithTurns();
    const { id } = world.account.add.customer({ email });
    const ends = Date.parse("2026-03-11T10:00:00Z");
    world.account.add.subscription(id, { cancel_at: ends / 1000 });
    const call = forgetCall({ email }, { targets: [{ kind: "customer", id }] });
    const { guard } = forgetOf(connect(world.account));
    const ask = async () => (await guard([call], world.context)).get("call");
    const ending = await ask();
    expect(ending).toMatchObject({ blockedBy: "ending-subscription" });
    const waitMs = ending !== undefined && "checkAfterMs" in ending ? ending.checkAfterMs : 0;
    expect(Math.abs(waitMs - 10 * dayMs - 3_600_000)).toBeLessThan(1000);
    world.account.add.subscription(id);
    expect(await ask()).toEqual({ blockedBy: "active-subscription", checkAfterMs: dayMs });
  });

  it.each([
    ["with what is paid for", "2026-03-31T10:00:00.000Z", "ending-subscription"],
    ["before that", "2026-03-11T10:00:00.000Z", "ending-subscription"],
    ["a month after it", "2026-05-01T10:00:00.000Z", "active-subscription"],
    ["in years", "2031-01-01T00:00:00.000Z", "active-subscription"],
  ])("takes for settled what is told to end with its period (%s)", async (_when, endsAt, blockedBy) => {
    const world = accountWithTurns();
    const { id } = world.account.add.customer({ email });
    world.account.add.subscription(id, {
      cancel_at: Date.parse(endsAt) / 1000,
      periodEnd: Date.parse("2026-03-31T10:00:00.000Z") / 1000,
    });
    const call = forgetCall({ email }, { targets: [{ kind: "customer", id }] });
    const { guard } = forgetOf(connect(world.account));
    const answer = (await guard([call], world.context)).get("call");
    const { until } = { until: undefined, ...answer };
    expect(answer).toMatchObject({ blockedBy });
    expect(until).toBe(blockedBy === "ending-subscription" ? endsAt : undefined);
  });

  it("is clear when everything is over", async () => {
    const world = accountWithTurns();
    const answer = await protects(world, (id) => {
      for (const status of ["canceled", "incomplete_expired"]) world.account.add.subscription(id, { status });
      for (const status of ["completed", "canceled", "released"]) world.account.add.schedule(id, { status });
      for (const status of ["paid", "void", "uncollectible"]) world.account.add.invoice(id, { status });
      for (const status of ["won", "lost", "warning_closed", "prevented"]) dispute(world, id, status);
      world.account.add.charge(id, { captured: false, refunded: true });
      world.account.add.charge(id, { status: "failed", captured: false });
    });
    expect(answer).toEqual({ blockedBy: undefined, touched: true });
    expect(world.account.credentialsOf([...world.account.state.customers.keys()][1] ?? "")).toEqual([]);
  });

  it("finds the one live subscription behind many ended ones", async () => {
    const world = accountWithTurns();
    const answer = await protects(world, (id) => {
      world.account.add.subscription(id, { status: "active" });
      for (let made = 0; made < 120; made += 1) {
        world.account.add.subscription(id, { status: "incomplete_expired" });
      }
    });
    expect(answer).toEqual({ blockedBy: "active-subscription", touched: false });
  });

  it("blocks when the list changes under it, so that the rest of it was not seen", async () => {
    const world = accountWithTurns();
    const answer = await protects(world, (id) => {
      const { add, state, before } = world.account;
      add.subscription(id, { status: "active" });
      const later = Array.from(
        { length: 120 },
        () => add.subscription(id, { status: "incomplete_expired" }).id,
      );
      const lastOfFirstPage = later.at(-100) ?? "";
      before("GET /v1/subscriptions", () => void state.subscriptions.delete(lastOfFirstPage), { skip: 1 });
    });
    expect(answer.blockedBy).toBe("unreadable");
    expect(world.account.writes()).toEqual([]);
  });

  it("is not stopped by what somebody else still pays", async () => {
    const world = accountWithTurns();
    const answer = await protects(world, () => {
      const other = world.account.add.customer({ email: "bo@example.org" });
      world.account.add.subscription(other.id);
      world.account.add.invoice(other.id, { status: "open" });
    });
    expect(answer).toEqual({ blockedBy: undefined, touched: true });
  });

  const questions = ["customers/{id}", "subscription_schedules", "invoices", "charges", "disputes"];
  const faults: Fault[] = [403, 404, 429, 500, "garbage", "wrong-shape", "drop-before"];
  it.each(questions.flatMap((question) => faults.map((fault) => [question, fault] as const)))(
    "blocks when %s cannot be read (%s)",
    async (question, fault) => {
      const world = accountWithTurns();
      world.account.fault(`GET /v1/${question}`, fault, { times: 2 });
      const answer = await protects(world, (id) => dispute(world, id, "won"));
      expect(answer).toEqual({ blockedBy: "unreadable", touched: false });
    },
  );

  it("says when to ask again: a day, or the wait that the failure calls for", async () => {
    const world = accountWithTurns();
    const { id } = world.account.add.customer({ email });
    const call = forgetCall({ email }, { targets: [{ kind: "customer", id }] });
    const { guard } = forgetOf(connect(world.account));
    const ask = async () => (await guard([call], world.context)).get("call");
    for (const fault of ["rate-limit", 500, 403] as const)
      world.account.fault("GET /v1/customers/{id}", fault);
    expect(await ask()).toEqual({ blockedBy: "unreadable", checkAfterMs: 1000 });
    expect(await ask()).toEqual({ blockedBy: "unreadable", checkAfterMs: 60_000 });
    expect(await ask()).toEqual({ blockedBy: "unreadable", checkAfterMs: 3_600_000 });
    world.account.add.subscription(id);
    expect(await ask()).toEqual({ blockedBy: "active-subscription", checkAfterMs: dayMs });
  });
});
