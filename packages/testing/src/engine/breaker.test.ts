import { memory, RejectedError } from "@heed/core";
import { describe, expect, it } from "vitest";
import { about, breakerAt, describeBreaker, down, withSteps } from "../storages/describe-breaker.ts";

const start = "2026-01-15T12:00:00.000Z";

describe("a vendor account that fails as a whole", () => {
  it("is probed with one batch after a pause that doubles to a quarter of an hour", async () => {
    const { heed, crm, asked, clock } = await withSteps(60);
    crm.fault({ at: "run", throws: down, times: 1000 });
    await heed.work.drain();
    const pauses: number[] = [];
    for (let probe = 0; probe < 7; probe += 1) {
      const before = asked();
      const since = clock.now().getTime();
      const breaker = await breakerAt(heed);
      await clock.set(breaker?.until ?? "");
      pauses.push(clock.now().getTime() - since);
      expect((await breakerAt(heed))?.state).toBe("half-open");
      await heed.work.drain();
      expect(asked()).toBe(before + 1);
    }
    expect(pauses).toEqual([30_000, 60_000, 120_000, 240_000, 480_000, 900_000, 900_000]);
  });

  it("is not left alone any longer for a clock that was ahead when it was given up", async () => {
    const { heed, crm, asked, clock } = await withSteps(10);
    await clock.set("2026-01-15T18:00:00.000Z");
    crm.fault({ at: "run", throws: down, times: 5 });
    await heed.work.drain();
    expect(asked()).toBe(5);
    await clock.set("2026-01-15T12:00:01.000Z");
    expect((await breakerAt(heed))?.state).toBe("half-open");
    const { nextAt = "" } = await heed.work.drain();
    // What was never tried is done; what was put off by that clock waits for it.
    expect(crm.optedOut.size).toBe(5);
    expect((await breakerAt(heed))?.state).toBe("closed");
    expect(nextAt > "2026-01-15T18:00:00.000Z").toBe(true);
  });

  it("is not given up for one step that fails again and again by itself", async () => {
    const { heed, crm, clock, rows } = await withSteps(1);
    crm.fault({ at: "run", email: "p0@example.org", throws: down, times: 1000 });
    crm.fault({ at: "verify", email: "p0@example.org", throws: down, times: 1000 });
    for (let n = 0; n < 12; n += 1) {
      const { nextAt } = await heed.work.drain();
      await clock.set(nextAt ?? "");
    }
    expect((await rows("steps"))[0]?.tries).toBeGreaterThan(5);
    expect((await breakerAt(heed))?.state).toBe("closed");
  });

  it("has answered when it refuses", async () => {
    const { heed, crm, asked } = await withSteps(12);
    const refused = new RejectedError("no", { ...about, status: 400 });
    for (let n = 0; n < 12; n += 1) crm.fault({ at: "run", throws: n % 4 === 3 ? refused : down });
    await heed.work.drain();
    expect(asked()).toBe(12);
    expect((await breakerAt(heed))?.state).toBe("closed");
  });

  it("still lets a step end at its deadline while it is left alone", async () => {
    const { heed, crm, clock, asked, rows } = await withSteps(12);
    crm.fault({ at: "run", throws: down, times: 100_000 });
    crm.fault({ at: "verify", throws: down, times: 100_000 });
    await heed.work.drain();
    const deadlineAt = (await rows("steps"))[0]?.deadlineAt ?? "";
    // Until shortly before it, with an open breaker all along.
    while (clock.now().toISOString() < deadlineAt) {
      const { nextAt } = await heed.work.drain();
      if (nextAt === undefined) break;
      await clock.set(nextAt < deadlineAt ? nextAt : deadlineAt);
    }
    await clock.advance(1_000);
    const breaker = await breakerAt(heed);
    expect(breaker?.state).toBe("open");
    const before = asked();
    await heed.work.drain();
    expect(asked()).toBe(before);
    expect((await rows("steps")).map(({ state, because }) => [state, because])).toEqual(
      Array.from({ length: 12 }, () => ["manual", "deadline-passed"]),
    );
  });

  it("does not slow the others down", async () => {
    const { heed, crm, billing, clock, person } = await withSteps(40);
    const cards = ["a@example.org", "b@example.org", "c@example.org"];
    for (const email of cards) await heed.paidService.ended({ subject: person(email) });
    crm.fault({ at: "run", hangs: true, times: 1000 });
    let lastAt = 0;
    heed.on("step.settled", ({ processor, ended }) => {
      if (processor === "billing" && ended) lastAt = clock.now().getTime();
    });
    await heed.work.drain();
    expect(cards.flatMap((email) => billing.find(email).map((record) => record.cards))).toEqual([0, 0, 0]);
    expect(lastAt - Date.parse(start)).toBeLessThan(1_000);
    // Five time-outs of a minute, and then it was left alone.
    expect((await breakerAt(heed))?.state).toBe("open");
  });
});

describeBreaker({ name: "memory", create: () => memory() });
