import { expect, it } from "vitest";
import { ownAccounts } from "./own-accounts.ts";

it(
  "on accounts the whole story is played with people of its own, who are cleaned up, and nobody else is touched",
  // heed keeps to the pace of a free HubSpot account and of Stripe's test mode, as it would there.
  { timeout: 300_000 },
  async () => {
    const { play, output, mail, portal, stripe, secrets, bystanders } = await ownAccounts();
    const everybodyElse = bystanders();
    const before = everybodyElse();
    const customersBefore = new Set(stripe.state.customers.keys());
    expect([await play(["--yes"]), output()]).toEqual([0, expect.anything()]);
    expect(everybodyElse()).toBe(before);

    // It was really there: letters, contacts, customers who paid.
    const recipients = [...new Set(mail.messages.flatMap(({ envelope }) => envelope.to))];
    const own = recipients.filter((to) => to !== "me@acme.example");
    expect(own).toHaveLength(6);
    for (const to of own) expect(to).toMatch(/^me\+heed-[0-9a-f]{8}-[a-z]+@acme\.example$/);
    const made = portal.calls.filter(
      ({ route, answered }) => route === "POST /crm/objects/:version/contacts" && answered === 201,
    );
    expect([made.length, stripe.count("POST /v1/subscriptions")]).toEqual([6, 3]);

    // And it is gone, but for what the policy keeps.
    for (const address of own) expect(portal.search(address)).toEqual([]);
    const customers = [...stripe.state.customers.keys()].filter((id) => !customersBefore.has(id));
    expect(customers).toHaveLength(6);
    for (const customer of customers) {
      expect(stripe.credentialsOf(customer)).toEqual([]);
      expect(output()).toContain(`customer ${customer}`);
    }
    const running = [...stripe.state.subscriptions.values()].filter(
      ({ customer, status }) => customers.includes(customer ?? "") && status !== "canceled",
    );
    expect(running).toEqual([]);
    const [product, ...others] = [...stripe.state.records.values()];
    expect([product?.["active"], others]).toEqual([false, []]);
    expect(output()).toContain(`product ${product?.id}`);
    for (const secret of secrets) expect(output()).not.toContain(secret);
  },
);
