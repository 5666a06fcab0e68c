import type { Call, ExportedRecord, Outcome } from "@heed/core/contract";
import type { StripeKind } from "./find-customers.ts";
import { findGuestCheckouts } from "./find-guests.ts";
import { type Owner, ownersOf } from "./owner.ts";
import type { GuestSession } from "./stripe-answers.ts";
import type { StripeCalls } from "./stripe-calls.ts";

/** Marks of Stripe's own about somebody, not what the person gave: how it recognises a card, what it suspects. */
const leftOut = new Set([
  "fingerprint",
  "fraud_details",
  "lastResponse",
  "outcome",
  "radar_options",
  "risk_level",
  "risk_score",
]);
/** Whoever has one can go on with the payment. */
const masked = new Set(["client_secret"]);

/**
 * Everything that Stripe holds of a subject, list by list, streamed: a page is asked for when it is read, with
 * turns of its own. Secrets with which a payment could be made are masked; Stripe's own marks are left out.
 */
export async function exportRecords(
  calls: StripeCalls,
  call: Call<"export", StripeKind>,
): Promise<Outcome<"export">> {
  const owners = ownersOf(call);
  const { categories } = call.input;
  const isWanted = (category: string) => categories === "all" || categories.includes(category);
  const guests = isWanted("guest-checkouts") ? await findGuestCheckouts(calls, call) : [];
  if (owners.length === 0 && guests.length === 0) return { status: "absent" };
  return { status: "done", records: presented(records(calls, owners, guests, isWanted)) };
}

async function* presented(found: AsyncIterable<ExportedRecord>): AsyncGenerator<ExportedRecord> {
  for await (const { category, data } of found) yield { category, data: presentable(data) };
}

async function* records(
  calls: StripeCalls,
  owners: readonly Owner[],
  guests: readonly GuestSession[],
  isWanted: (category: string) => boolean,
): AsyncGenerator<ExportedRecord> {
  for (const owner of owners) {
    if (isWanted("customer")) {
      const data = await (owner.kind === "customer"
        ? calls.customerRecord(owner.id)
        : calls.accountRecord(owner.id));
      if (data !== undefined) yield { category: "customer", data };
    }
    for (const [category, read] of Object.entries(calls.listsOf(owner))) {
      if (!isWanted(category)) continue;
      for await (const data of read()) yield { category, data };
    }
    if (owner.kind === "customer") yield* ofCustomerAlone(calls, owner.id, isWanted);
  }
  for (const session of guests) {
    yield { category: "guest-checkouts", data: session };
    const payment = session.payment_intent;
    const data = typeof payment === "string" ? await calls.paymentRecord(payment) : undefined;
    if (data !== undefined) yield { category: "guest-checkouts", data };
  }
}

/** What Stripe lists by customer and not by account. */
async function* ofCustomerAlone(
  calls: StripeCalls,
  customer: string,
  isWanted: (category: string) => boolean,
): AsyncGenerator<ExportedRecord> {
  if (isWanted("sources")) {
    for await (const data of calls.sourceRecords(customer)) yield { category: "sources", data };
  }
  if (isWanted("balance-transactions")) {
    for await (const data of calls.balanceTransactions(customer)) {
      yield { category: "balance-transactions", data };
    }
  }
  if (!isWanted("charges") && !isWanted("disputes")) return;
  for await (const data of calls.chargeRecords(customer)) {
    if (isWanted("charges")) yield { category: "charges", data };
    if (!data.disputed || !isWanted("disputes")) continue;
    for await (const dispute of calls.disputeRecords(data.id)) {
      yield { category: "disputes", data: dispute };
    }
  }
}

function presentable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(presentable);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !leftOut.has(name))
      .map(([name, inner]) => [
        name,
        masked.has(name) && typeof inner === "string" ? "[masked]" : presentable(inner),
      ]),
  );
}
