import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keyring, newKey } from "../keys/keyring.ts";
import { evidenceEntrySchema, type EvidenceEntry } from "./entry.ts";

const digest = keyring(newKey()).digest("evidence", "default", "email", "anna@example.org");
const at = "2026-01-15T12:00:00.000Z";

/** An entry of every kind, with every field: a kind without one here does not compile. */
const complete: { readonly [K in EvidenceEntry["kind"]]: Extract<EvidenceEntry, { kind: K }> } = {
  "choice.recorded": {
    kind: "choice.recorded",
    eventId: "signup-1",
    choice: "withdrawn",
    scope: "topic",
    name: "product-news",
    effectiveAt: at,
    subject: [digest],
  },
  "message.in-flight": { kind: "message.in-flight", topic: "product-news" },
  "message.reported": { kind: "message.reported", topic: "product-news", report: "policy" },
  "request.opened": {
    kind: "request.opened",
    requestId: "r1",
    right: "erasure",
    regime: "gdpr",
    identity: "signed-in",
    receivedAt: at,
    dueOn: "2026-02-16",
    subject: [digest],
  },
  "step.settled": {
    kind: "step.settled",
    stepId: "s1",
    requestId: "r1",
    processor: "crm",
    operation: "forgetTokens",
    state: "retained",
    outcome: "done",
    finding: "as-asked",
    affected: 2,
    retained: [
      { category: "invoices", reason: "legal-obligation", law: "SFS 1999:1078 7:2 §", until: "2033-12-31" },
    ],
    purgedBy: "2026-02-14",
    because: "rate-limited",
    tries: 3,
    subject: [digest],
  },
  "step.put-off": {
    kind: "step.put-off",
    stepId: "s1",
    requestId: "r1",
    processor: "payments",
    operation: "forgetTokens",
    because: "period-end",
    until: at,
    subject: [digest],
  },
  "request.may-end-service": {
    kind: "request.may-end-service",
    requestId: "r1",
    identity: "signed-in",
    subject: [digest],
  },
  "request.closed": {
    kind: "request.closed",
    requestId: "r1",
    right: "erasure",
    identity: "confirmed-by-link",
    state: "partially-fulfilled",
    receivedAt: at,
    dueOn: "2026-02-16",
    late: false,
    because: "by-hand",
    subject: [digest],
  },
  "farewell.ended": { kind: "farewell.ended", requestId: "r1", outcome: "not-sent" },
  "objection.lifted": {
    kind: "objection.lifted",
    processor: "crm",
    identity: "signed-in",
    subject: [digest],
  },
  "hold.placed": {
    kind: "hold.placed",
    holdId: "h1",
    everyone: false,
    processor: "crm",
    reason: "litigation",
    orderedBy: "general-counsel",
    reviewAt: at,
    subject: [digest],
  },
  "hold.released": { kind: "hold.released", holdId: "h1" },
  "evidence.pruned": { kind: "evidence.pruned", before: at },
};
const entries = Object.values(complete);

/** Where an entry has values: paths to every leaf. */
function leavesOf(value: unknown, path: readonly (string | number)[] = []): (string | number)[][] {
  if (typeof value !== "object" || value === null) return [[...path]];
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, [...path, key]));
}

function withValue(entry: object, path: readonly (string | number)[], value: unknown): unknown {
  const copy = structuredClone(entry) as Record<string, unknown>;
  const last = path.at(-1) ?? "";
  const holder = path
    .slice(0, -1)
    .reduce<Record<string, unknown>>((at, key) => at[key] as Record<string, unknown>, copy);
  holder[last] = value;
  return copy;
}

const isAccepted = (entry: unknown): boolean => evidenceEntrySchema.safeParse(entry).success;

const anyLeaf = fc
  .constantFrom(...entries)
  .chain((entry) => fc.tuple(fc.constant(entry), fc.constantFrom(...leavesOf(entry))));
const label = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9.+_-]{0,20}$/);
const address = fc.tuple(label, label).map(([local, domain]) => `${local}@${domain}.example`);

describe("evidence", () => {
  it("takes every kind of entry with all its fields", () => {
    for (const entry of entries) expect(evidenceEntrySchema.parse(entry)).toEqual(entry);
  });

  it("takes an address in no field of any kind (INV-14)", () => {
    fc.assert(
      fc.property(
        anyLeaf,
        address,
        fc.constantFrom(
          (text: string) => text,
          (text: string) => `product-news ${text}`,
          (text: string) => ` ${text}\n`,
          (text: string) => ({ email: text }),
          (text: string) => [text],
        ),
        ([entry, path], email, wrap) => {
          expect(isAccepted(withValue(entry, path, wrap(email)))).toBe(false);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("takes a telephone number or a name in no field of text", () => {
    fc.assert(
      fc.property(
        anyLeaf,
        fc.constantFrom("+46 70 000 00 42", "+46700000042", "Anna Berg", "Anna Maria Berg, Storgatan 1"),
        ([entry, path], text) => {
          // A citation of a law is the one field with spaces; it comes from the policy, never from a person.
          fc.pre(path.at(-1) !== "law");
          expect(isAccepted(withValue(entry, path, text))).toBe(false);
        },
      ),
    );
  });

  it("has no field besides those it lists, on any level", () => {
    for (const entry of entries) {
      expect(isAccepted({ ...entry, note: "x" })).toBe(false);
      expect(isAccepted({ ...entry, email: digest })).toBe(false);
    }
    const [kept] = complete["step.settled"].retained ?? [];
    expect(isAccepted({ ...complete["step.settled"], retained: [{ ...kept, note: "x" }] })).toBe(false);
  });

  it("takes no kind that it does not know", () => {
    for (const kind of ["note", "", undefined]) expect(isAccepted({ ...entries[0], kind })).toBe(false);
  });

  it("takes a digest for a subject, and nothing that only looks a little like one", () => {
    for (const wrong of [
      `x${digest}`,
      `${digest}A`,
      digest.replace(".", ""),
      "",
      "anna",
      digest.slice(0, -1),
    ])
      expect(isAccepted({ ...complete["request.opened"], subject: [wrong] })).toBe(false);
    expect(isAccepted({ ...complete["request.opened"], subject: [] })).toBe(true);
  });
});
