/**
 * Mistakes that must not compile, and what must. `tsc --noEmit` checks this file: a line under
 * `@ts-expect-error` that compiles is an error.
 */
import type { Call, Outcome, OutcomeOf } from "./contract/operation.ts";
import type { CallContext, Operation, ProcessorV1 } from "./contract/processor.ts";
import { createHeed } from "./heed.ts";
import { ephemeralKeys } from "./keys/keyring.ts";
import { memory } from "./memory/memory.ts";
import { ownData } from "./own-data.ts";
import { definePolicy } from "./policy/define-policy.ts";
import { runOnce } from "./run-once.ts";

type Crm = ProcessorV1<"email" | "hubspotContactId", "product-news" | "events", "calls">;
type HalfBound = ProcessorV1<"email", "product-news", "calls">;
declare const crm: Crm;
declare const halfBound: HalfBound;

const app = ownData({ by: "email", erase: async () => {}, holds: async () => false });
const controller = { name: "Acme AB", country: "SE", contact: "privacy@acme.example" };
const policy = definePolicy({
  controller,
  recipients: {
    app: { role: "own", country: "SE" },
    crm: { role: "processor", country: "US", transferTool: "scc" },
  },
  purposes: { news: { basis: "consent" }, account: { basis: ["contract", "legitimate-interest"] } },
  topics: {
    "product-news": { class: "marketing", purpose: "news", via: ["crm"] },
    events: { class: "marketing", purpose: "news", via: ["crm"] },
    receipts: { class: "transactional", purpose: "account" },
  },
});
const base = { policy, storage: memory(), keys: ephemeralKeys() };
const heed = createHeed({ ...base, processors: { app, crm } });

const subject = { email: "anna@example.org" };
const evidence = { none: true } as const;
const identity = "signed-in";

// What must compile.
void heed.subscriptions.subscribe({ subject, topic: "product-news", evidence });
void heed.subscriptions.unsubscribe({ subject, topic: "all" });
void heed.consent.give({
  subject: { hubspotContactId: "151", email: ["a@x.org", "b@x.org"] },
  purpose: "news",
  evidence,
});
void heed.permits.take({ topic: "receipts", email: "a@x.org", messageKey: "m1" });
void heed.requests.open({ right: "erasure", subject, identity });
void heed.requests.open({ right: "forget-tokens", subject, identity, endsPaidService: "allowed" });
void heed.requests.preview({ right: "erasure", subject, endsPaidService: "refused" });
void heed.requests.open({ right: "withdrawal", subject, identity, purpose: "news" });
void heed.requests.open({ right: "objection", subject, identity, recipient: "crm" });
void heed.requests.preview({ right: "objection", subject, recipient: "crm" });
void heed.suppression.check({ email: "a@x.org", recipient: "crm" });
void heed.requests.open({ right: "inquiry", subject, identity: "unverified", about: "access" });
void heed.requests.open({ right: "erasure", subject, identity, follows: "r1" });
createHeed({
  ...base,
  farewell: { topic: "receipts", send: async ({ topic }) => (topic === "receipts" ? "accepted" : "unknown") },
});
void runOnce(crm, "erase", subject);
export const firstProcessor = heed.requests
  .get("r1")
  .then((request): "app" | "crm" | "heed" | undefined => request.steps[0]?.processor);
// A recipient that holds no topic needs no processor; a policy without recipients needs none at all.
createHeed({ ...base, processors: { crm } });
createHeed({
  ...base,
  policy: definePolicy({
    controller,
    purposes: { news: { basis: "consent" } },
    topics: { news: { class: "marketing", purpose: "news" } },
  }),
});

// 1. A misspelled topic, purpose or right, in any call.
// @ts-expect-error topic
createHeed({ ...base, farewell: { topic: "goodbye", send: async () => "accepted" } });
// @ts-expect-error an outcome
createHeed({ ...base, farewell: { topic: "receipts", send: async () => "sent" } });
// @ts-expect-error an inquiry follows nothing
void heed.requests.open({ right: "inquiry", subject, identity, follows: "r1" });
// @ts-expect-error topic
void heed.subscriptions.subscribe({ subject, topic: "product-newz", evidence });
// @ts-expect-error there is no opting in to everything
void heed.subscriptions.subscribe({ subject, topic: "all", evidence });
// @ts-expect-error topic
void heed.subscriptions.unsubscribe({ subject, topic: "product-newz" });
// @ts-expect-error topic
void heed.subscriptions.state({ subject, topic: "product-newz" });
// @ts-expect-error topic
void heed.permits.take({ topic: "product-newz", email: "a@x.org", messageKey: "m1" });
// @ts-expect-error purpose
void heed.consent.give({ subject, purpose: "newz", evidence });
// @ts-expect-error purpose
void heed.consent.withdraw({ subject, purpose: "newz" });
// @ts-expect-error purpose
void heed.consent.state({ subject, purpose: "newz" });
// @ts-expect-error purpose
void heed.requests.open({ right: "withdrawal", subject, identity, purpose: "newz" });
// @ts-expect-error right
void heed.requests.open({ right: "erazure", subject, identity });
// @ts-expect-error right
void heed.requests.preview({ right: "erazure", subject });
// @ts-expect-error recipient
void heed.requests.open({ right: "objection", subject, identity, recipient: "crmm" });
// @ts-expect-error to being where?
void heed.requests.open({ right: "objection", subject, identity });
// @ts-expect-error recipient
void heed.suppression.check({ email: "a@x.org", recipient: "crmm" });
// @ts-expect-error event
heed.on("step.setled", () => {});
// @ts-expect-error operation
void runOnce(crm, "eraze", subject);

// 2. A misspelled identifier kind, in any call.
// @ts-expect-error kind
void heed.subscriptions.subscribe({ subject: { emial: "a@x.org" }, topic: "events", evidence });
// @ts-expect-error kind
void heed.subscriptions.unsubscribe({ subject: { emial: "a@x.org" }, topic: "events" });
// @ts-expect-error kind
void heed.consent.give({ subject: { hubspotContact: "151" }, purpose: "news", evidence });
// @ts-expect-error kind
void heed.consent.withdraw({ subject: { hubspotContact: "151" }, purpose: "news" });
// @ts-expect-error kind
void heed.requests.open({ right: "erasure", subject: { emial: "a@x.org" }, identity });
// @ts-expect-error kind
void heed.subjects.record({ subject: { stripeCustomerId: "cus_1" } });
// @ts-expect-error kind
void runOnce(crm, "erase", { stripeCustomerId: "cus_1" });
// @ts-expect-error a number is no identifier
void heed.subjects.record({ subject: { accountId: 4711 } });

// 3. An adapter that binds no vendor list for a topic that the policy sends through it.
// @ts-expect-error no binding for "events"
createHeed({ ...base, processors: { crm: halfBound } });
// @ts-expect-error no binding at all
createHeed({ ...base, processors: { crm: app } });

// 4. A recipient named in `via`, with no processor given.
// @ts-expect-error crm is missing
createHeed({ ...base, processors: { app } });
// @ts-expect-error crm is missing
createHeed({ ...base, processors: {} });

// 5. A processor that the policy does not name.
// @ts-expect-error the policy names no mailchimp
createHeed({ ...base, processors: { crm, mailchimp: crm } });

// 6. An operation without `verify`.
type Erase = Operation<"erase", "email", "calls">;
const run: Erase["run"] = async () => new Map();
const verify: Erase["verify"] = async () => new Map();
const sizes = { batchSize: 1, repeat: "safe", settlingMs: 0 } as const;
export const withVerify: Erase = { ...sizes, run, verify };
export const withReason: Erase = { ...sizes, run, verify: { acknowledgedOnly: "the vendor keeps no log" } };
// @ts-expect-error no verify
export const withoutVerify: Erase = { ...sizes, run };
// @ts-expect-error no reason
export const withoutReason: Erase = { ...sizes, run, verify: {} };
// @ts-expect-error no repeat
export const withoutRepeat: Erase = { batchSize: 1, settlingMs: 0, run, verify };

// 7. An outcome of the wrong operation.
const retained = [{ category: "invoices", reason: "legal-obligation" }];
export const erased: Outcome<"erase"> = { status: "done", affected: 1, retained };
export const exported: Outcome<"export"> = { status: "done", records: [] };
// @ts-expect-error an export answers records, not a count
export const counted: Outcome<"export"> = { status: "done", affected: 1 };
// @ts-expect-error an unsubscribe retains nothing
export const kept: Outcome<"unsubscribe"> = { status: "done", affected: 1, retained };
// @ts-expect-error an erasure answers no records
export const read: Outcome<"erase"> = { status: "done", affected: 1, records: [] };
// @ts-expect-error nobody is subscribed by being absent
export const missing: Outcome<"subscribe"> = { status: "absent" };
// @ts-expect-error there is no such status
export const fine: Outcome<"erase"> = { status: "ok" };
// @ts-expect-error a wait needs its length
export const later: Outcome<"erase"> = { status: "pending", reference: "job-7" };

// 8. A bucket that the adapter did not declare.
declare const context: CallContext<"calls" | "search">;
void context.turn("calls", "search");
// @ts-expect-error bucket
void context.turn("cals");
// @ts-expect-error bucket
void context.turn("calls", "daily");
// @ts-expect-error at least one
void context.turn();

// 9. An identifier kind that the adapter did not declare.
declare const call: Call<"erase", "email" | "hubspotContactId">;
export const byContact = call.identifiers.find(({ kind }) => kind === "hubspotContactId");
// @ts-expect-error kind
export const byPhone = call.identifiers.find(({ kind }) => kind === "phone");
// @ts-expect-error a kind without its shape
export const shapes: Crm["identifiers"] = { email: /@/ };
// @ts-expect-error a topic that nobody declared
export const lists: Crm["topics"] = { "product-news": "4711", events: "4712", offers: "4713" };
// @ts-expect-error an operation that does not exist
export const operations: Crm["operations"] = { delete: undefined };

// 10. A purpose, option or recipient misspelled inside the policy.
const purposes = { news: { basis: "consent" } } as const;
const recipients = { crm: { role: "processor", country: "SE" } } as const;
// @ts-expect-error purpose
definePolicy({ controller, purposes, topics: { events: { class: "marketing", purpose: "newz" } } });
// @ts-expect-error class
definePolicy({ controller, purposes, topics: { events: { class: "promo", purpose: "news" } } });
const viaCrmm = { class: "marketing", purpose: "news", via: ["crmm"] } as const;
// @ts-expect-error recipient
definePolicy({ controller, recipients, purposes, topics: { a: viaCrmm } });
// @ts-expect-error a recipient where none is declared
definePolicy({ controller, purposes, topics: { a: { class: "marketing", purpose: "news", via: ["crm"] } } });
// @ts-expect-error basis
definePolicy({ controller, purposes: { news: { basis: "permission" } }, topics: {} });
// @ts-expect-error option of a topic
definePolicy({ controller, purposes, topics: { a: { class: "marketing", purpose: "news", titel: "News" } } });
// @ts-expect-error option of a purpose
definePolicy({ controller, purposes: { news: { basis: "consent", titel: "News" } }, topics: {} });
// @ts-expect-error option of a recipient
definePolicy({ controller, recipients: { crm: { role: "processor", land: "SE" } }, purposes, topics: {} });
// @ts-expect-error role
definePolicy({ controller, recipients: { crm: { role: "friend", country: "SE" } }, purposes, topics: {} });
const overseas = { role: "own", country: "US", transferTool: "handshake" } as const;
// @ts-expect-error transfer tool
definePolicy({ controller, recipients: { crm: overseas }, purposes, topics: {} });
// @ts-expect-error option of the controller
definePolicy({ controller: { ...controller, timezone: "UTC" }, purposes, topics: {} });
// @ts-expect-error option of the policy
definePolicy({ controller, purpose: purposes, topics: {} });

// 11. `requests.open` without saying how identity was established.
// @ts-expect-error identity
void heed.requests.open({ right: "erasure", subject });
// @ts-expect-error identity
void heed.requests.open({ right: "erasure", subject, identity: "trust-me" });
// @ts-expect-error a request is verified by more than nothing
void heed.requests.verify({ id: "r1", identity: "unverified" });
// @ts-expect-error an erasure has no purpose
void heed.requests.open({ right: "erasure", subject, identity, purpose: "news" });
// @ts-expect-error whoever withdraws consent ends no paid service
void heed.requests.open({ right: "withdrawal", subject, identity, endsPaidService: "allowed" });
// @ts-expect-error it is allowed or refused
void heed.requests.open({ right: "erasure", subject, identity, endsPaidService: true });
// @ts-expect-error an opt-in needs evidence
void heed.subscriptions.subscribe({ subject, topic: "events" });

/** An exhaustive switch over an outcome compiles, and forgets nothing. */
export function describeOutcome(outcome: Outcome<"erase">): string {
  switch (outcome.status) {
    case "done":
      return `${outcome.affected} gone, ${outcome.retained?.length ?? 0} kept`;
    case "absent":
      return "nothing there";
    case "pending":
      return outcome.reference;
    case "blocked":
      return outcome.by;
    case "manual":
      return outcome.instruction;
    case "failed":
      return outcome.error.message;
    default: {
      const never: never = outcome;
      return never;
    }
  }
}

type Answered = Exclude<Outcome<"unsubscribe">, { status: "failed" }>;
declare const anyOutcome: Outcome<"unsubscribe">;
// @ts-expect-error a switch that forgets `failed` does not come out at `never`
export const answered: Answered = anyOutcome;

/** Every operation has an outcome, and `absent` is none of subscribe's. */
export type EveryOutcome = { [N in keyof OutcomeOf]: Outcome<N>["status"] };
