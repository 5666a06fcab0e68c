import { describe, expect, it } from "vitest";
import { readClearance, readFinding, readOutcome, readResolution } from "./answers.ts";

const email = { kind: "email", value: "anna@example.org" };

describe("readOutcome", () => {
  it.each([
    { status: "done", affected: 0 },
    { status: "done", affected: 2, retained: [{ category: "invoices", reason: "legal-obligation" }] },
    { status: "absent" },
    { status: "pending", reference: "job-7", checkAfterMs: 0 },
    { status: "pending", reference: "job-7", checkAfterMs: 0, affected: 1, retained: [] },
    { status: "blocked", by: "in-use", checkAfterMs: 0, affected: 1 },
    { status: "blocked", by: "open-invoice", checkAfterMs: 1000 },
    { status: "manual", instruction: "Press the button." },
    { status: "failed", error: new TypeError("x") },
  ])("takes $status", (outcome) => {
    expect(readOutcome(outcome)).toEqual(outcome);
  });

  it.each([
    undefined,
    null,
    true,
    "done",
    {},
    { status: "ok" },
    { status: "Done" },
    { status: "done", affected: -1 },
    { status: "done", affected: "2" },
    { status: "done", retained: [{ category: "Anna's invoices", reason: "law" }] },
    { status: "done", retained: [{ category: "invoices", reason: "law", law: "ask anna@example.org" }] },
    { status: "done", retained: [{ category: "invoices", reason: "law", until: "next year" }] },
    { status: "pending", reference: "", checkAfterMs: 1 },
    { status: "pending", reference: "job-7" },
    { status: "pending", reference: "job-7", checkAfterMs: 1, retained: [{ category: "Anna", reason: "x" }] },
    { status: "blocked", by: "in-use", checkAfterMs: 1, affected: -1 },
    { status: "pending", reference: "job-7", checkAfterMs: Number.NaN },
    { status: "pending", reference: "job-7", checkAfterMs: Number.POSITIVE_INFINITY },
    { status: "pending", reference: "job-7", checkAfterMs: 1e300 },
    { status: "blocked", by: "anna@example.org", checkAfterMs: 1 },
    { status: "blocked", by: "open-invoice", checkAfterMs: -1 },
    { status: "failed", error: "a string" },
    { status: "manual" },
  ])("takes %j for no answer, and never for success", (answer) => {
    expect(readOutcome(answer)).toBeUndefined();
  });

  it("drops the records of an export and whatever else is told", () => {
    const told = {
      status: "done",
      records: [{ category: "contact", data: "anna@example.org" }],
      note: "Anna",
    };
    expect(readOutcome(told)).toEqual({ status: "done" });
  });
});

describe("readFinding", () => {
  it("takes the four findings and nothing else", () => {
    for (const seen of ["as-asked", "not-as-asked", "unknown"])
      expect(readFinding({ seen })).toEqual({ seen });
    expect(readFinding({ seen: "not-yet", checkAfterMs: 5 })).toEqual({ seen: "not-yet", checkAfterMs: 5 });
    for (const answer of [undefined, true, {}, { seen: "yes" }, { seen: "not-yet" }, { seen: true }])
      expect(readFinding(answer)).toBeUndefined();
  });
});

describe("readResolution", () => {
  it("takes targets with how they were matched", () => {
    const target = { kind: "contact", id: "1", via: email, verified: true };
    expect(readResolution({ targets: [] })).toEqual({ targets: [] });
    expect(readResolution({ targets: [target], alsoKnownAs: [email] })).toEqual({
      targets: [target],
      alsoKnownAs: [email],
    });
    for (const wrong of [
      { ...target, id: "" },
      { ...target, id: 1 },
      { ...target, via: undefined },
      { ...target, verified: undefined },
      { ...target, verified: "yes" },
    ])
      expect(readResolution({ targets: [wrong] })).toBeUndefined();
    for (const answer of [undefined, {}, [], { targets: {} }]) expect(readResolution(answer)).toBeUndefined();
  });
});

describe("readClearance", () => {
  it("takes a clear yes, or what stands in the way", () => {
    expect(readClearance({ clear: true })).toEqual({ clear: true });
    const blocked = { blockedBy: "still-a-customer", checkAfterMs: 1000 };
    expect(readClearance(blocked)).toEqual(blocked);
  });

  it.each([undefined, true, {}, { clear: false }, { clear: "yes" }, { blockedBy: "x" }, { clear: 1 }])(
    "takes %j for no",
    (answer) => {
      expect(readClearance(answer)).toBeUndefined();
    },
  );
});
