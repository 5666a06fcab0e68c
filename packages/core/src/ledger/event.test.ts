import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvalidInputError } from "../errors/invalid-input-error.ts";
import { instantsOf, parseInstant } from "./event.ts";

const now = "2026-03-01T12:00:00.000Z";
const before = "2026-02-01T12:00:00.000Z";
const after = "2027-03-01T12:00:00.000Z";

describe("instantsOf", () => {
  it("records strictly after the subject's last event, also when the clock stands still or runs backwards", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 1, maxLength: 30 }), (steps) => {
        let clock = Date.parse(now);
        const recorded: string[] = [];
        for (const step of steps) {
          clock += step;
          const { recordedAt } = instantsOf(
            { kind: "given", claimedAt: undefined, imported: false },
            recorded.at(-1),
            new Date(clock).toISOString(),
          );
          expect(Date.parse(recordedAt)).toBeGreaterThanOrEqual(clock);
          recorded.push(recordedAt);
        }
        expect(recorded.toSorted()).toEqual(recorded);
        expect(new Set(recorded).size).toBe(recorded.length);
      }),
    );
  });

  it("lets an opt-in take effect when it was claimed, and never later than it was recorded", () => {
    for (const imported of [true, false]) {
      for (const kind of ["given", "renewed", "requested", "confirmed"] as const) {
        expect(instantsOf({ kind, claimedAt: before, imported }, undefined, now).effectiveAt).toBe(before);
        expect(instantsOf({ kind, claimedAt: after, imported }, undefined, now).effectiveAt).toBe(now);
      }
    }
  });

  it("lets a live opt-out take effect when it is recorded, whatever is claimed", () => {
    for (const kind of ["withdrawn", "refused", "revoked", "expired"] as const) {
      for (const claimedAt of [before, after, undefined]) {
        const instants = instantsOf({ kind, claimedAt, imported: false }, undefined, now);
        expect(instants.effectiveAt).toBe(now);
      }
    }
  });

  it("lets an imported opt-out take effect when it was claimed", () => {
    const optOut = { kind: "withdrawn", claimedAt: before, imported: true } as const;
    expect(instantsOf(optOut, undefined, now).effectiveAt).toBe(before);
    expect(instantsOf({ ...optOut, claimedAt: after }, undefined, now).effectiveAt).toBe(now);
  });
});

describe("parseInstant", () => {
  it("reads every spelling of one instant to the same text", () => {
    for (const spelling of [
      "2026-11-21T10:00:00Z",
      "2026-11-21T10:00:00.000Z",
      "2026-11-21T11:00:00+01:00",
      "2026-11-21T05:00:00.0-05:00",
      new Date("2026-11-21T10:00:00Z"),
    ]) {
      expect(parseInstant("at", spelling)).toBe("2026-11-21T10:00:00.000Z");
    }
  });

  it.each([
    "",
    "yesterday",
    "2026-11-21",
    "21/11/2026 10:00",
    "2026-11-21T10:00:00",
    "2026-11-21T10:00",
    "2026-02-30T10:00:00Z",
    "2026-13-01T10:00:00Z",
    "2026-11-21T25:00:00Z",
    "9999-12-31T23:59:59-14:00",
    "0000-01-01T00:00:00+14:00",
    "1795258800",
    "anna@example.org",
  ])("refuses %j, which is no instant that everybody reads alike", (text) => {
    expect(() => parseInstant("at", text)).toThrow(InvalidInputError);
  });

  it("names the field and not the value, which may be anything", () => {
    expect(() => parseInstant("receivedAt", "anna@example.org")).toThrow(/^(?!.*anna).*`receivedAt`/s);
  });

  it("refuses a date that is none", () => {
    expect(() => parseInstant("at", new Date(Number.NaN))).toThrow(InvalidInputError);
  });

  it("keeps the order of instants in the order of the texts", () => {
    const instant = fc.date({
      min: new Date("0001-01-01T00:00:00Z"),
      max: new Date("9999-12-31T00:00:00Z"),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(instant, instant, (one, other) => {
        expect(parseInstant("at", one) < parseInstant("at", other)).toBe(one < other);
      }),
    );
  });
});
