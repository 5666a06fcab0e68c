import { describe, expect, it } from "vitest";
import { anna, dayMs, erasure, stepOf } from "./held.ts";
import { company } from "./people.ts";

const forget = { right: "forget-tokens", identity: "signed-in", subject: anna } as const;
const hours = (from: string, to: string) => Date.parse(to) - Date.parse(from);
/** All requests here are opened on 2026-01-15, and due on 2026-02-16. */
const opened = "2026-01-15T12:00:00.000Z";
const deadline = "2026-02-17T12:00:00.000Z";

/** Somebody whose cards are not to be forgotten before an end that the guard knows, or does not. */
function waitingFor(end: string, until: string | null = end) {
  const test = company();
  const { billing, clock, person, rows, settle } = test;
  person(anna.email);
  const blocked = { blockedBy: "period-end", checkAfterMs: hours(opened, end) };
  billing.fault({ at: "guard", answers: { ...blocked, ...(until === null ? {} : { until }) } });
  return {
    ...test,
    cards: () => billing.find(anna.email)[0]?.cards,
    step: async () => stepOf(await rows("steps"), "billing", "forgetTokens"),
    async until(at: string) {
      await settle(Date.parse(at) - clock.now().getTime());
      if (clock.now().toISOString() < at) await clock.set(at);
    },
  };
}

describe("a step that something stands in the way of", () => {
  it("waits for its end where that is known, and its deadline counts from then", async () => {
    const end = "2026-09-01T10:00:00.000Z";
    const { heed, cards, step, until, rows } = waitingFor(end, "2026-09-01T12:00:00.000+02:00");
    const { id } = await heed.requests.open(forget);
    await until(deadline);
    expect(await step()).toMatchObject({
      state: "due",
      because: "period-end",
      deadlineAt: "2026-10-01T22:00:00.000Z",
    });
    expect(cards()).toBe(1);
    await until("2026-08-31T00:00:00.000Z");
    expect(cards()).toBe(1);
    await until("2026-09-02T00:00:00.000Z");
    expect(cards()).toBe(0);
    expect(await step()).toMatchObject({ state: "verified" });
    const told = (await rows("evidence")).map(({ entry }) => JSON.parse(entry ?? "") as object);
    expect(told).toContainEqual({
      kind: "step.put-off",
      stepId: (await step())?.id,
      requestId: id,
      processor: "billing",
      operation: "forgetTokens",
      because: "period-end",
      until: end,
      subject: [expect.any(String)],
    });
  });

  it("goes to a human at the deadline where nobody knows its end", async () => {
    const { heed, cards, step, until } = waitingFor("2026-09-01T10:00:00.000Z", null);
    await heed.requests.open(forget);
    await until(deadline);
    // Looked at once more, and then it was clear.
    expect(await step()).toMatchObject({ state: "verified" });
    expect(cards()).toBe(0);

    const other = waitingFor("2026-09-01T10:00:00.000Z", null);
    other.billing.fault({ at: "guard", answers: { blockedBy: "paying", checkAfterMs: dayMs }, times: 99 });
    await other.heed.requests.open(forget);
    await other.until(deadline);
    expect(await other.step()).toMatchObject({ state: "manual", because: "deadline-passed" });
  });

  it("goes to a human a month after the end, if it still stands there", async () => {
    const end = "2026-06-01T10:00:00.000Z";
    const { heed, billing, step, until } = waitingFor(end);
    billing.fault({ at: "guard", answers: { blockedBy: "open-invoice", checkAfterMs: dayMs }, times: 999 });
    await heed.requests.open(forget);
    await until("2026-06-20T00:00:00.000Z");
    expect(await step()).toMatchObject({ state: "due", because: "open-invoice" });
    await until("2026-07-03T00:00:00.000Z");
    expect(await step()).toMatchObject({ state: "manual", because: "deadline-passed" });
  });

  it("keeps the deadline that it has where the end is near", async () => {
    const { heed, step, rows, until } = waitingFor("2026-01-10T10:00:00.000Z");
    await heed.requests.open(forget);
    await until("2026-01-16T00:00:00.000Z");
    expect(await step()).toMatchObject({ deadlineAt: "2026-02-16T23:00:00.000Z" });
    expect((await rows("evidence")).some(({ entry }) => entry?.includes("put-off"))).toBe(false);
  });

  it("is put off once for each end, however often it is asked", async () => {
    const { heed, billing, rows, until } = waitingFor("2026-06-01T10:00:00.000Z");
    const still = { blockedBy: "period-end", checkAfterMs: dayMs };
    billing.fault({ at: "guard", answers: { ...still, until: "2026-06-01T10:00:00.000Z" }, times: 3 });
    billing.fault({ at: "guard", answers: { ...still, until: "2026-07-01T10:00:00.000Z" }, times: 3 });
    await heed.requests.open(forget);
    await until("2026-08-01T00:00:00.000Z");
    const ends = (await rows("evidence")).flatMap(({ entry }) =>
      entry?.includes("put-off") ? [(JSON.parse(entry) as { until: string }).until] : [],
    );
    expect(ends.map((end) => end.slice(0, 10))).toEqual(["2026-06-01", "2026-07-01"]);
  });

  it("puts heed's own promise off with it, and no right of the person's", async () => {
    for (const [ask, isOverdue] of [
      [forget, false],
      [{ ...erasure, subject: anna }, true],
    ] as const) {
      const { heed, rows, until } = waitingFor("2026-09-01T10:00:00.000Z");
      const { id, dueOn } = await heed.requests.open(ask);
      expect(dueOn).toBe("2026-02-16");
      await until(deadline);
      const now = isOverdue ? dueOn : "2026-10-01";
      expect(await heed.requests.list()).toMatchObject([{ id, dueOn: now, overdue: isOverdue }]);
      await until("2026-09-05T00:00:00.000Z");
      const closed = (await rows("evidence")).flatMap(({ entry }) =>
        entry?.includes("request.closed") ? [JSON.parse(entry) as object] : [],
      );
      expect(closed).toMatchObject([{ dueOn: now, late: isOverdue }]);
    }
  });

  it("holds up nobody else, and heed's own data waits for it", async () => {
    const { heed, crm, app, step, rows, until } = waitingFor("2026-09-01T10:00:00.000Z");
    await heed.requests.open({ ...erasure, subject: anna });
    await until("2026-01-20T00:00:00.000Z");
    expect([crm.find(anna.email).length, app.has(anna.email)]).toEqual([0, false]);
    expect(await step()).toMatchObject({ state: "due", because: "period-end" });
    expect(await rows("subjects")).toHaveLength(1);
    await until("2026-09-05T00:00:00.000Z");
    expect(await rows("subjects")).toEqual([]);
  });

  it("counts an end that is no instant, or never comes, as no answer at all", async () => {
    for (const bad of ["soon", "9999-12-31T00:00:00.000Z", "2026-09-01"]) {
      const { heed, step } = waitingFor("2026-09-01T10:00:00.000Z", bad);
      const told: unknown[] = [];
      heed.on("work.failed", (event) => told.push(event));
      await heed.requests.open(forget);
      await heed.work.drain();
      expect(await step()).toMatchObject({ state: "due", because: "guard-unanswered" });
      expect(told).toHaveLength(1);
    }
  });
});
