import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { civilDateIn, deadlineOf, endOfYearPlus } from "./deadline.ts";

const inZone = (zone: string, holidays: readonly string[] = []) => ({
  name: "Acme",
  country: "SE",
  contact: "privacy@acme.example",
  zone,
  holidays,
});
const noon = (date: string) => `${date}T12:00:00Z`;

/** Easter and what goes with it, as the two countries keep it. */
const sweden = ["2026-04-03", "2026-04-05", "2026-04-06", "2026-05-01"];
const romania = ["2026-04-10", "2026-04-12", "2026-04-13", "2026-05-01"];

describe("deadlineOf", () => {
  it.each([
    ["2025-01-31", "2025-02-28", "2025-02-28"],
    ["2024-01-30", "2024-02-29", "2024-02-29"],
    ["2025-02-28", "2025-03-28", "2025-03-28"],
    ["2025-10-31", "2025-11-30", "2025-12-01"],
    ["2025-12-31", "2026-01-31", "2026-02-02"],
    ["2026-01-31", "2026-02-28", "2026-03-02"],
  ])("received %s: the same date next month is %s, due %s", (received, raw, due) => {
    expect(deadlineOf(inZone("UTC"), noon(received))).toMatchObject({
      regime: "gdpr",
      receivedOn: received,
      rawDueOn: raw,
      dueOn: due,
    });
  });

  it("goes past the Easter of the controller's country", () => {
    expect(deadlineOf(inZone("Europe/Bucharest", romania), noon("2026-03-10")).dueOn).toBe("2026-04-14");
    expect(deadlineOf(inZone("Europe/Bucharest", []), noon("2026-03-10")).dueOn).toBe("2026-04-10");
    expect(deadlineOf(inZone("Europe/Stockholm", sweden), noon("2026-03-03")).dueOn).toBe("2026-04-07");
    expect(deadlineOf(inZone("Europe/Stockholm", []), noon("2026-03-03")).dueOn).toBe("2026-04-03");
  });

  it.each([
    ["2026-02-10T22:59:59.999Z", "2026-02-10"],
    ["2026-02-10T23:00:00.000Z", "2026-02-11"],
    ["2026-07-10T21:59:59.999Z", "2026-07-10"],
    ["2026-07-10T22:00:00.000Z", "2026-07-11"],
  ])("counts %s as received on %s in Stockholm", (receivedAt, receivedOn) => {
    expect(deadlineOf(inZone("Europe/Stockholm"), receivedAt).receivedOn).toBe(receivedOn);
  });

  it.each([
    // The day after a Friday in winter, in summer, and the two Sundays on which the clocks change.
    ["Europe/Stockholm", "2026-01-13T12:00:00Z", "2026-02-13", "2026-02-13T23:00:00.000Z"],
    ["Europe/Stockholm", "2026-06-10T12:00:00Z", "2026-07-10", "2026-07-10T22:00:00.000Z"],
    ["Europe/Stockholm", "2026-02-28T12:00:00Z", "2026-03-30", "2026-03-30T22:00:00.000Z"],
    ["Europe/Stockholm", "2026-09-25T12:00:00Z", "2026-10-26", "2026-10-26T23:00:00.000Z"],
    ["Pacific/Kiritimati", "2026-01-13T12:00:00Z", "2026-02-16", "2026-02-16T10:00:00.000Z"],
    ["Pacific/Pago_Pago", "2026-01-13T12:00:00Z", "2026-02-13", "2026-02-14T11:00:00.000Z"],
    ["Asia/Kathmandu", "2026-01-13T12:00:00Z", "2026-02-13", "2026-02-13T18:15:00.000Z"],
    ["UTC", "2026-01-13T12:00:00Z", "2026-02-13", "2026-02-14T00:00:00.000Z"],
  ])("in %s, received %s, ends with the last hour of %s", (zone, receivedAt, dueOn, dueAt) => {
    expect(deadlineOf(inZone(zone), receivedAt)).toMatchObject({ dueOn, dueAt });
  });

  it("begins a day that has no midnight with its first hour", () => {
    // In Cairo, clocks go from Thursday 24:00 to Friday 01:00.
    const egypt = deadlineOf(inZone("Africa/Cairo"), "2026-03-23T12:00:00Z");
    expect(egypt).toMatchObject({ dueOn: "2026-04-23", dueAt: "2026-04-23T22:00:00.000Z" });
    expect(civilDateIn("Africa/Cairo", new Date("2026-04-23T22:00:00.000Z"))).toBe("2026-04-24");
    expect(civilDateIn("Africa/Cairo", new Date("2026-04-23T21:59:59.999Z"))).toBe("2026-04-23");
  });

  it("is in UTC without holidays when the controller says nothing else", () => {
    const controller = { name: "Acme", country: "SE", contact: "privacy@acme.example" };
    expect(deadlineOf(controller, "2026-01-13T23:30:00-05:00")).toMatchObject({
      receivedOn: "2026-01-14",
      dueOn: "2026-02-16",
    });
  });

  const zones = fc.constantFrom(
    "UTC",
    "Europe/Stockholm",
    "Europe/Bucharest",
    "Africa/Cairo",
    "America/Santiago",
    "America/Havana",
    "America/Sao_Paulo",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
  );
  const from = Date.parse("2012-01-01T00:00:00Z");
  const days = 40 * 365;
  const instant = fc
    .integer({ min: from, max: from + days * 86_400_000 })
    .map((ms) => new Date(ms).toISOString());
  const dayAfter = (date: string, count: number) =>
    new Date(Date.parse(noon(date)) + count * 86_400_000).toISOString().slice(0, 10);
  const holidaysNear = (receivedAt: string, offsets: readonly number[]) =>
    offsets.map((offset) => dayAfter(receivedAt.slice(0, 10), 26 + offset));

  it("never ends on a weekend or a holiday, nor within 28 days (INV-23)", () => {
    fc.assert(
      fc.property(zones, instant, fc.array(fc.nat({ max: 12 })), (zone, receivedAt, offsets) => {
        const holidays = holidaysNear(receivedAt, offsets);
        const { receivedOn, rawDueOn, dueOn } = deadlineOf(inZone(zone, holidays), receivedAt);
        const weekday = new Date(noon(dueOn)).getUTCDay();
        expect([0, 6]).not.toContain(weekday);
        expect(holidays).not.toContain(dueOn);
        expect(dayAfter(receivedOn, 28) <= dueOn).toBe(true);
        expect(rawDueOn <= dueOn).toBe(true);
        for (let date = rawDueOn; date < dueOn; date = dayAfter(date, 1)) {
          const isFree = [0, 6].includes(new Date(noon(date)).getUTCDay()) || holidays.includes(date);
          expect(isFree).toBe(true);
        }
      }),
    );
  });

  it("never comes earlier for what was received later (INV-23)", () => {
    fc.assert(
      fc.property(
        zones,
        instant,
        fc.integer({ min: 0, max: 70 * 86_400_000 }),
        fc.array(fc.nat({ max: 60 })),
        (zone, receivedAt, laterMs, offsets) => {
          const controller = inZone(zone, holidaysNear(receivedAt, offsets));
          const one = deadlineOf(controller, receivedAt);
          const other = deadlineOf(controller, new Date(Date.parse(receivedAt) + laterMs).toISOString());
          expect(one.dueOn <= other.dueOn).toBe(true);
          expect(one.dueAt <= other.dueAt).toBe(true);
        },
      ),
    );
  });

  it("ends exactly where the day after begins, in every zone", () => {
    fc.assert(
      fc.property(zones, instant, (zone, receivedAt) => {
        const { dueOn, dueAt } = deadlineOf(inZone(zone), receivedAt);
        const end = Date.parse(dueAt);
        expect(civilDateIn(zone, new Date(end - 1))).toBe(dueOn);
        expect(civilDateIn(zone, new Date(end))).toBe(dayAfter(dueOn, 1));
      }),
      { numRuns: 2000 },
    );
  });
});

describe("endOfYearPlus", () => {
  it("counts whole years from the end of the calendar year", () => {
    expect(endOfYearPlus("2026-01-01", 7)).toBe("2033-12-31");
    expect(endOfYearPlus("2026-12-31", 0)).toBe("2026-12-31");
  });
});
