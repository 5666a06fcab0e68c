import { type Checked, RejectedError } from "@heed/core/contract";
import { isMissing } from "./stripe-error.ts";
import type { Search } from "./find-customers.ts";
import type { StripeCalls } from "./stripe-calls.ts";

/** Ids that no object has: whether the key may ask shows in the answer, and nothing can change. */
const nobody = { customer: "cus_heedprobe", method: "pm_heedprobe", source: "card_heedprobe" };

/**
 * Opens the account and says which one it is, whether the key opens the mode that was asked for, and which
 * permissions it lacks. Each endpoint is asked about an object that does not exist.
 *
 * @throws RejectedError when the key opens no account at all
 */
export async function checkAccount(calls: StripeCalls, { live, searchSpellings }: Search): Promise<Checked> {
  const { id: account } = await calls.account();
  const permissions: readonly (readonly [needs: string, probe: () => Promise<unknown>])[] = [
    ["customers: read", () => calls.anyCustomer()],
    ...(searchSpellings
      ? [
          [
            "customers: search (or searchSpellings: false)",
            () => calls.customersSearchedAs("nobody@heed.invalid"),
          ] as const,
        ]
      : []),
    ["customers: write", () => calls.clearCustomerDefault(nobody.customer)],
    ["payment methods: read", () => calls.methodsFiledUnder(nobody.customer)],
    ["payment methods of a customer: read", () => calls.methodsOfCustomer(nobody.customer)],
    ["payment methods: write", () => calls.detach(nobody.method)],
    ["sources: read", () => calls.sources(nobody.customer)],
    ["sources: write", () => calls.deleteSource(nobody.customer, nobody.source)],
    ["subscriptions: read", () => calls.subscriptions(nobody.customer)],
    [
      "subscriptions: write",
      () => calls.clearSubscriptionDefaults("sub_heedprobe", { method: true, source: false }),
    ],
    ["subscription schedules: read", () => calls.schedules(nobody.customer)],
    ["invoices: read", () => calls.openInvoices(nobody.customer)],
    ["charges: read", () => calls.charges(nobody.customer)],
    ["disputes: read", () => calls.disputes("ch_heedprobe")],
  ];
  const lacking: string[] = [];
  for (const [needs, probe] of permissions) {
    if (!(await isPermitted(probe))) lacking.push(needs);
  }
  const anyone = lacking.includes("customers: read") ? undefined : await calls.anyCustomer();
  if (anyone !== undefined && anyone.livemode !== live) {
    lacking.push(live ? "a key of live mode" : "a key of test mode, or live: true");
  }
  return {
    account,
    lacks: lacking.map((needs) => ({ operation: "forgetTokens", needs })),
    unknownTopics: [],
  };
}

async function isPermitted(probe: () => Promise<unknown>): Promise<boolean> {
  try {
    await probe();
    return true;
  } catch (error) {
    if (isMissing(error)) return true;
    if (error instanceof RejectedError) return false;
    throw error;
  }
}
