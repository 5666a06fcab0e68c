import { describe, expect, it } from "vitest";
import { accountWithTurns, carryOut, forgetCall } from "../test/subject.ts";
import { stripeOnTheWire } from "../test/wire.ts";

const email = "anna@example.org";
const kept = (category: string) => ({
  category,
  reason: "legal-obligation",
  law: "SFS 1999:1078 7:2",
  until: "2033-12-31",
});

describe("retained", () => {
  const connect = stripeOnTheWire();

  it("is what was told to be kept and is left at any of the customers", async () => {
    const world = accountWithTurns();
    const { account } = world;
    account.add.customer({ email });
    const second = account.add.customer({ email });
    account.add.paymentMethod(second.id);
    account.add.invoice(second.id);
    const keep = [kept("invoices"), kept("charges"), kept("billing-contact")];
    const done = await carryOut(connect(account), world, forgetCall({ email }, { keep }));
    expect(done.outcome).toEqual({
      status: "done",
      affected: 1,
      retained: [kept("invoices"), kept("billing-contact")],
    });
    account.add.charge(second.id);
    const again = await carryOut(connect(account), world, forgetCall({ email }, { keep }));
    expect(again.outcome).toEqual({ status: "done", affected: 0, retained: keep });
  });

  it("is not claimed for a deleted customer's record", async () => {
    const world = accountWithTurns();
    const { account } = world;
    const { id } = account.add.customer({ email });
    account.add.invoice(id);
    account.deleteCustomer(id);
    const keep = [kept("invoices"), kept("billing-contact")];
    const done = await carryOut(connect(account), world, forgetCall({ stripeCustomerId: id }, { keep }));
    expect(done.outcome).toEqual({ status: "done", affected: 0, retained: [kept("invoices")] });
  });

  it("costs no call when nothing is to be kept", async () => {
    const world = accountWithTurns();
    const { account } = world;
    const { id } = account.add.customer({ email });
    account.add.invoice(id);
    const done = await carryOut(connect(account), world, forgetCall({ email }));
    expect(done.outcome).toEqual({ status: "done", affected: 0 });
    expect(account.calls.filter(({ params }) => params["limit"]?.includes("1"))).toEqual([]);
  });
});
