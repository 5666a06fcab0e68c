import type { SystemMailName, SystemMails } from "../src/index.ts";

const sender = { controller: "Acme AB", contact: "privacy@acme.example" };
const link = "https://acme.example/i/k1.token";
const expiresAt = "2026-11-30T14:05:00Z";
const receivedAt = "2026-11-23T09:00:00+01:00";
const closedAt = "2026-12-01T10:00:00Z";
const kept = [
  { what: "invoices", untilOn: "2033-12-31", law: "SFS 1999:1078 7:2" },
  { what: "one complaint", untilOn: "2027-06-30" },
];

/** Each mail told all it can be told, in the order in which a catalogue has them. */
export const full: SystemMails = {
  "confirm-subscription": { ...sender, topic: "Product news", link, expiresAt },
  "policy-changed": {
    ...sender,
    effectiveOn: "2027-01-01",
    changes: ["We use a new mail provider.", "We keep logs for 30 days instead of 90."],
    noticeLink: "https://acme.example/privacy/2027",
    purpose: "personal offers",
    link,
    expiresAt,
  },
  "confirm-unsubscribe": { ...sender, topic: "Product news", link },
  "request-received": { ...sender, right: "access", receivedAt, dueOn: "2026-12-23", link, expiresAt },
  "request-done": { ...sender, right: "rectification", receivedAt, closedAt, kept },
  farewell: { ...sender, closedAt, kept },
  "inquiry-received": { ...sender, receivedAt, dueOn: "2026-12-23" },
};

/** Each mail told no more than it must be told. */
export const least: SystemMails = {
  "confirm-subscription": full["confirm-subscription"],
  "policy-changed": without(full["policy-changed"], "expiresAt"),
  "confirm-unsubscribe": without(full["confirm-unsubscribe"], "topic"),
  "request-received": without(without(full["request-received"], "link"), "expiresAt"),
  "request-done": { ...full["request-done"], kept: [] },
  farewell: { ...full.farewell, kept: [] },
  "inquiry-received": full["inquiry-received"],
};

export const names = Object.keys(full) as readonly SystemMailName[];

function without<T extends object>(data: T, key: keyof T): T {
  return Object.fromEntries(Object.entries(data).filter(([name]) => name !== key)) as T;
}
