import { type Checked, type OperationName, RejectedError } from "@heed/core/contract";
import type { Search } from "./find-customers.ts";
import { redactionCapability } from "./redaction.ts";
import type { StripeCalls } from "./stripe-calls.ts";
import { isMissing, isUnknownUrl } from "./stripe-error.ts";

/** Ids that no object has: whether the key may ask shows in the answer, and nothing can change. */
const nobody = { kind: "customer", id: "cus_heedprobe" } as const;
const probe = "heedprobe";

/** What the check is about. */
export interface Checking extends Search {
  /** Whether redaction was asked for. */
  readonly redaction: boolean;
  /** What the application says that its read allowance comes to a day. */
  readonly readsPerDay?: number | undefined;
}

interface Permission {
  readonly needs: string;
  readonly of: readonly OperationName[];
  readonly ask: (calls: StripeCalls) => Promise<unknown>;
}

const everything = ["forgetTokens", "erase", "export", "rectify"] as const;
const finding = [...everything, "observe"] as const;
const forgetting = ["forgetTokens", "erase"] as const;
const reading = [...forgetting, "export"] as const;

const permissions: readonly Permission[] = [
  { needs: "customers: read", of: finding, ask: (calls) => calls.anyCustomer() },
  {
    needs: "customers: write",
    of: ["forgetTokens", "erase", "rectify"],
    ask: (calls) => calls.clearCustomerDefault(nobody.id),
  },
  { needs: "payment methods: read", of: reading, ask: (calls) => calls.methodsFiledUnder(nobody) },
  {
    needs: "payment methods of a customer: read",
    of: forgetting,
    ask: (calls) => calls.methodsOfCustomer(nobody.id),
  },
  { needs: "payment methods: write", of: forgetting, ask: (calls) => calls.detach(`pm_${probe}`) },
  { needs: "sources: read", of: finding, ask: (calls) => calls.sources(nobody.id) },
  {
    needs: "sources: write",
    of: forgetting,
    ask: (calls) => calls.deleteSource(nobody.id, `card_${probe}`),
  },
  { needs: "setup intents: read", of: reading, ask: (calls) => calls.setupIntents(nobody) },
  {
    needs: "setup intents: write",
    of: forgetting,
    ask: (calls) => calls.cancelSetupIntent(`seti_${probe}`),
  },
  { needs: "payment intents: read", of: reading, ask: (calls) => calls.paymentIntents(nobody) },
  {
    needs: "payment intents: write",
    of: forgetting,
    ask: (calls) => calls.cancelPaymentIntent(`pi_${probe}`),
  },
  { needs: "checkout sessions: read", of: reading, ask: (calls) => calls.openSessions(nobody) },
  {
    needs: "checkout sessions: write",
    of: forgetting,
    ask: (calls) => calls.expireSession(`cs_${probe}`),
  },
  { needs: "subscriptions: read", of: reading, ask: (calls) => calls.subscriptions(nobody) },
  {
    needs: "subscriptions: write",
    of: forgetting,
    ask: (calls) => calls.updateSubscription(`sub_${probe}`, { default_payment_method: "" }),
  },
  { needs: "subscription schedules: read", of: reading, ask: (calls) => calls.schedules(nobody) },
  { needs: "invoices: read", of: everything, ask: (calls) => calls.invoices(nobody) },
  { needs: "invoices: write", of: forgetting, ask: (calls) => calls.deleteDraft(`in_${probe}`) },
  {
    needs: "charges: read",
    of: reading,
    ask: (calls) => calls.charges(nobody.id),
  },
  {
    needs: "disputes: read",
    of: reading,
    ask: (calls) => calls.disputes(`ch_${probe}`),
  },
  ...(["invoice-items", "credit-notes", "quotes", "promotion-codes"] as const).map((list): Permission => ({
    needs: `${list.replace("-", " ")}: read`,
    of: ["export"],
    ask: (calls) => calls.listsOf(nobody)[list]().next(),
  })),
  {
    needs: "balance transactions of a customer: read",
    of: ["export"],
    ask: (calls) => calls.balanceTransactions(nobody.id).next(),
  },
];

/**
 * Opens the account and says which one it is, whether the key opens the mode that was asked for, and which
 * permissions it lacks. Each endpoint is asked about an object that does not exist.
 *
 * @throws RejectedError when the key opens no account at all
 */
export async function checkAccount(calls: StripeCalls, checking: Checking): Promise<Checked> {
  const { live, searchSpellings } = checking;
  const { id: account } = await calls.account();
  const lacks: { operation: OperationName; needs: string }[] = [];
  const lacking = (needs: string, of: readonly OperationName[]) => {
    for (const operation of of) lacks.push({ operation, needs });
  };
  for (const { needs, of, ask } of permissions) {
    if (!(await isPermitted(() => ask(calls)))) lacking(needs, of);
  }
  const searches = () => calls.customersSearchedAs("nobody@heed.invalid");
  if (searchSpellings && !(await isPermitted(searches))) {
    lacking("customers: search (or searchSpellings: false)", finding);
  }
  const canSeeCustomers = !lacks.some(({ needs }) => needs === "customers: read");
  const anyone = canSeeCustomers ? await calls.anyCustomer() : "unlisted";
  if (typeof anyone === "object" && anyone.livemode !== live) {
    lacking(live ? "a key of live mode" : "a key of test mode, or live: true", finding);
  }
  const remarks = await remarksOn(calls, checking);
  return { account, lacks, unknownTopics: [], ...(remarks.length > 0 ? { remarks } : {}) };
}

async function remarksOn(
  calls: StripeCalls,
  { live, redaction, readsPerDay }: Checking,
): Promise<readonly string[]> {
  const remarks: string[] = [];
  const capability = redaction ? await redactionCapability(calls) : "there";
  if (capability === "absent") {
    remarks.push(
      "The account has no redaction jobs: what Stripe keeps of an erased customer stays, and is reported.",
    );
  } else if (capability === "not-permitted") {
    remarks.push(
      "The key may not use redaction jobs: what Stripe keeps of an erased customer stays, and is reported.",
    );
  }
  if (!(await isPermitted(() => calls.releaseSchedule(`sub_sched_${probe}`)))) {
    remarks.push(
      "The key may not write subscription schedules: paid service that is to end with its period stays with whoever has one.",
    );
  }
  if (live && readsPerDay === undefined) {
    remarks.push(
      "Stripe allows 500 reads for each transaction of the last thirty days, and at least 10,000 a month. Say what that comes to a day in readsPerDay, and heed keeps to it.",
    );
  }
  return remarks;
}

async function isPermitted(ask: () => Promise<unknown>): Promise<boolean> {
  try {
    await ask();
    return true;
  } catch (error) {
    if (isMissing(error)) return true;
    if (error instanceof RejectedError && (error.status === 403 || isUnknownUrl(error))) return false;
    throw error;
  }
}
