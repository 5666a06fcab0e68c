import { describe, expect, it } from "vitest";
import { ownAccounts } from "./own-accounts.ts";

// heed keeps to the pace of a free HubSpot account and of Stripe's test mode, as it would there.
describe("the demo on accounts", { timeout: 60_000 }, () => {
  it("changes nothing before it has asked, and nothing on a no", async () => {
    const { play, asked, output, changes, mail, bystanders } = await ownAccounts();
    const everybodyElse = bystanders();
    const before = everybodyElse();
    expect(await play([], "no")).toBe(0);
    expect(asked).toEqual(["Do this at HubSpot 8675309 and Stripe acct_heed?"]);
    expect(output()).toContain("Nothing was changed.");
    expect(changes()).toEqual([]);
    expect(mail.connections).toBe(0);
    expect(everybodyElse()).toBe(before);
    // What it was asked about: whom it would make, and what it would do with them.
    expect(output()).toMatch(/me\+heed-[0-9a-f]{8}-johan@acme\.example.*a contact.*a subscription that runs/);
    for (const step of ["crm .* unsubscribe", "crm .* erase", "billing .* forgetTokens", "billing .* erase"])
      expect(output()).toMatch(new RegExp(step));
    expect(output()).toContain("Opt-outs go one address at a time");
  });

  it("is refused where there is nobody to ask, and changes nothing", async () => {
    const { play, output, changes, mail } = await ownAccounts();
    expect(await play([])).toBe(1);
    expect(output()).toContain("--yes answers");
    expect(changes()).toEqual([]);
    expect(mail.connections).toBe(0);
  });

  it("is refused by an account that lacks what it needs, and changes nothing", async () => {
    const { play, output, changes, stripe, asked } = await ownAccounts();
    stripe.fault("POST /v1/payment_methods/{id}/detach", 403);
    expect(await play(["--yes"])).toBe(1);
    expect(output()).toContain("payment methods: write");
    expect(output()).toContain("The demo needs what is lacking above at Stripe.");
    expect([changes(), asked]).toEqual([[], []]);
  });

  it("is refused where HubSpot has fewer subscription types than there are topics", async () => {
    const definitions = [{ id: "1" }, { id: "2" }, { id: "3", brandId: "7" }];
    const { play, output, changes } = await ownAccounts({ definitions });
    expect(await play(["--yes"])).toBe(1);
    expect(output()).toMatch(/HubSpot has 2 active e-mail subscription types.*3 topics/);
    expect(changes()).toEqual([]);
  });

  it("is refused where a token opens nothing, and quotes neither token nor answer", async () => {
    const { play, output, portal, secrets } = await ownAccounts();
    portal.inject({ fault: { status: 401, body: { message: `no ${secrets.join()}` } } });
    expect(await play(["--yes"])).toBe(1);
    expect(output()).toBe("HubSpot answered 401 to GET /account-info/2026-09/details.");
  });

  it("is refused where somebody has an address of the run already", async () => {
    const { play, output, changes, stripe } = await ownAccounts();
    let taken = "";
    const take = () => {
      const email = stripe.calls.at(-1)?.params["email"]?.[0] ?? "";
      if (taken !== "" || !email.includes("-piotr@")) return;
      taken = email;
      stripe.add.customer({ email });
    };
    stripe.before("GET /v1/customers", take, { times: Number.POSITIVE_INFINITY });
    expect(await play(["--yes"])).toBe(1);
    expect(taken).toContain("+heed-");
    expect(output()).toContain("has an address of this run already");
    expect(changes()).toEqual([]);
  });

  it("makes nobody when the mail server takes no letter", async () => {
    const { play, output, changes } = await ownAccounts({
      mailFaults: [{ at: "rcpt", answer: "550 5.7.1 No" }],
    });
    expect(await play(["--yes"])).toBe(1);
    expect(output()).toContain("takes no letter to the mailbox: rejected");
    expect(changes()).toEqual([]);
  });

  it("says what it left behind when something fails in the middle, even what it was not told of", async () => {
    const { play, output, portal, stripe, secrets } = await ownAccounts();
    // The second customer is made, and the answer is lost.
    stripe.fault("POST /v1/customers", "drop-after", { skip: 1 });
    expect(await play(["--yes"])).toBe(1);
    expect(output()).toContain("Stripe did not answer POST /v1/customers.");
    const [, left = ""] = output().split("It left behind:");
    const contacts = portal.search("+heed-").filter((place) => place.startsWith("contact "));
    expect([contacts.length, stripe.state.customers.size]).toEqual([2, 2]);
    for (const contact of contacts) expect(left).toContain(contact);
    for (const customer of stripe.state.customers.keys()) expect(left).toContain(`customer ${customer}`);
    for (const secret of secrets) expect(output()).not.toContain(secret);
  });
});
