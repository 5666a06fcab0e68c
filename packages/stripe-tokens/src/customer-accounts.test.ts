import { describe, expect, it } from "vitest";
import {
  accountWithTurns,
  carryOut,
  eitherWay,
  eraseCall,
  everythingOf,
  forgetCall,
} from "../test/subject.ts";
import { stripeOnTheWire } from "../test/wire.ts";

describe("an account of the v2 API that stands for a customer", () => {
  const connect = stripeOnTheWire();

  function furnished(switches = {}) {
    const world = accountWithTurns(switches);
    const { add } = world.account;
    const { id } = add.customerAccount({ contact_email: "anna@example.org" });
    const card = add.paymentMethod(id);
    const open = [add.setupIntent(id), add.checkoutSession(id)];
    const draft = add.invoice(id, { status: "draft", default_payment_method: card.id });
    const other = add.customerAccount({ contact_email: "bo@example.org" });
    add.paymentMethod(other.id);
    return { world, id, card, open, draft, other: other.id };
  }

  it.each(eitherWay)("is found by its id and let go of like a customer (%s)", async (_, switches) => {
    const { world, id, card, open, draft, other } = furnished(switches);
    const { account } = world;
    const before = everythingOf(account, other);
    const done = await carryOut(connect(account), world, forgetCall({ stripeAccountId: id }));
    expect(done.targets.map(({ kind, id: each }) => [kind, each])).toEqual([
      ["customer-account", id],
      ["payment-method", card.id],
    ]);
    expect(done).toMatchObject({ outcome: { status: "done", affected: 4 }, finding: { seen: "as-asked" } });
    expect(account.credentialsOf(id)).toEqual([]);
    expect(open.map(({ status }) => status)).toEqual(["canceled", "expired"]);
    expect(draft.default_payment_method).toBeNull();
    expect(everythingOf(account, other)).toBe(before);
  });

  it("is absent when there is none, or none of this mode", async () => {
    const { world } = furnished();
    const live = world.account.add.customerAccount({ livemode: true });
    for (const id of ["acct_nobody", live.id]) {
      const done = await carryOut(connect(world.account), world, forgetCall({ stripeAccountId: id }));
      expect(done).toMatchObject({ targets: [], outcome: { status: "absent" } });
    }
  });

  it("is protected by what it pays, owes, has under way and disputes", async () => {
    for (const [bind, blockedBy] of [
      [({ add }, id) => void add.subscription(id), "active-subscription"],
      [({ add }, id) => void add.schedule(id), "scheduled-subscription"],
      [({ add }, id) => void add.invoice(id, { status: "open" }), "open-invoice"],
      [({ add }, id) => void add.paymentIntent(id, { status: "processing" }), "payment-in-progress"],
      [
        ({ add }, id) => {
          const charge = add.charge(id);
          add.dispute(charge.id);
          add.paymentIntent(id, { status: "succeeded", latest_charge: charge.id });
        },
        "open-dispute",
      ],
    ] as const satisfies readonly (readonly [
      (account: ReturnType<typeof accountWithTurns>["account"], id: string) => void,
      string,
    ])[]) {
      const { world, id } = furnished();
      bind(world.account, id);
      const done = await carryOut(connect(world.account), world, forgetCall({ stripeAccountId: id }));
      expect(done.blockedBy).toBe(blockedBy);
      expect(world.account.writes()).toEqual([]);
    }
  });

  it("is closed when it is erased, which is not deleted, and said so", async () => {
    const { world, id, draft } = furnished();
    const { account } = world;
    const done = await carryOut(connect(account), world, eraseCall({ stripeAccountId: id }));
    expect(account.state.customerAccounts.get(id)?.closed).toBe(true);
    expect(account.credentialsOf(id)).toEqual([]);
    expect(account.state.invoices.has(draft.id)).toBe(false);
    expect(done).toMatchObject({
      outcome: {
        status: "done",
        retained: [
          { category: "customer-account", reason: "kept-by-processor" },
          { category: "payment-methods", reason: "kept-by-processor" },
        ],
      },
      finding: { seen: "as-asked" },
    });
    const writes = account.writes().length;
    const again = await carryOut(connect(account), world, eraseCall({ stripeAccountId: id }));
    expect(again).toMatchObject({ outcome: { affected: 0 }, finding: { seen: "as-asked" } });
    expect(account.writes()).toHaveLength(writes);
  });
});
