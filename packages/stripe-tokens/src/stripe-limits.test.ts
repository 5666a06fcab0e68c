import { describe, expect, it } from "vitest";
import { accountWithEngine } from "../test/engine.ts";
import { accountWithTurns, carryOut, eraseCall, forgetCall } from "../test/subject.ts";
import { stripeOnTheWire } from "../test/wire.ts";
import { stripeLimits } from "./stripe-limits.ts";
import { stripeTokens } from "./stripe-tokens.ts";

const email = "anna@example.org";

describe("stripeLimits", () => {
  it("are 25 a second for each endpoint, 20 for search, and 100 or 25 over all", () => {
    const { global, reads, "customer-search": search, ...endpoints } = stripeLimits(true);
    expect(global).toEqual({ calls: 100, perMs: 1000 });
    expect(stripeLimits(false).global).toEqual({ calls: 25, perMs: 1000 });
    expect(search).toEqual({ calls: 20, perMs: 1000 });
    expect(new Set(Object.values(endpoints).map((limit) => JSON.stringify(limit)))).toEqual(
      new Set([JSON.stringify({ calls: 25, perMs: 1000 })]),
    );
    expect(reads).toMatchObject({ perDay: { zone: "UTC" } });
  });

  it("refuse a number of reads that is none", () => {
    for (const readsPerDay of [0, -1, 1.5, Number.NaN]) {
      const make = () => stripeTokens({ apiKey: "sk_test_1", account: "acct_1", readsPerDay });
      expect(make).toThrow(/readsPerDay/);
    }
  });
});

describe("the read allowance", () => {
  const connect = stripeOnTheWire();

  it("is taken for every read and for no write, and only where it is said", async () => {
    for (const options of [{ readsPerDay: 300 }, {}]) {
      const world = accountWithTurns();
      const { id } = world.account.add.customer({ email });
      world.account.add.paymentMethod(id);
      world.account.add.setupIntent(id);
      const processor = connect(world.account, options);
      await carryOut(processor, world, forgetCall({ email }));
      await carryOut(processor, world, eraseCall({ email }));
      const reads = world.account.count() - world.account.writes().length;
      const taken = world.turns.filter((buckets) => buckets.includes("reads"));
      expect(taken).toHaveLength(options.readsPerDay === undefined ? 0 : reads);
      expect(world.turns).toHaveLength(world.account.count());
      expect(
        taken.every(
          ([first, second, third]) => first === "global" && second !== "reads" && third === "reads",
        ),
      ).toBe(true);
    }
  });

  it("that is used up waits for the next day, and the rest is done then", async () => {
    const { account, clock, carryOut } = accountWithEngine({}, { readsPerDay: 56 });
    for (let made = 0; made < 3; made += 1) {
      account.add.paymentMethod(account.add.customer({ email }).id);
    }
    const started = clock.now().toISOString().slice(0, 10);
    expect(await carryOut("forgetTokens", { email })).toMatchObject({ state: "verified", affected: 3 });
    expect(clock.now().toISOString().slice(0, 10) > started).toBe(true);
    expect([...account.state.paymentMethods.values()].map(({ customer }) => customer)).toEqual([
      null,
      null,
      null,
    ]);
  });

  it("is never gone beyond: no limit of Stripe's is met", async () => {
    const { account, carryOut } = accountWithEngine();
    for (let made = 0; made < 3; made += 1) {
      const { id } = account.add.customer({ email });
      for (let cards = 0; cards < 20; cards += 1) account.add.paymentMethod(id);
    }
    expect(await carryOut("forgetTokens", { email })).toMatchObject({ state: "verified", affected: 60 });
    expect(account.calls.filter(({ status }) => status === 429)).toEqual([]);
  });
});
