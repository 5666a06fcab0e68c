import { UnavailableError } from "@heed/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { company, evidence } from "./people.ts";

const down = () => new UnavailableError("down", { processor: "crm", operation: "unsubscribe", status: 503 });

describe("preferences at processors", () => {
  it("tells every processor of an opt-out, and reads it back", async () => {
    const { heed, crm, person, settle, rows } = company();
    const subject = person("anna@example.org");
    const { steps, changed } = await heed.subscriptions.unsubscribe({ subject, topic: "newsletter" });
    expect([changed, steps.length]).toEqual([true, 1]);
    await settle();
    expect([...(crm.optedOut.get("anna@example.org") ?? [])]).toEqual(["newsletter"]);
    expect((await rows("steps")).map((step) => [step.state, step.finding])).toEqual([
      ["verified", "as-asked"],
    ]);
  });

  it("blocks locally at once while the processor is down, keeps trying, and is not done until confirmed", async () => {
    const { heed, crm, person, settle, rows, clock } = company();
    const subject = person("anna@example.org");
    await heed.subscriptions.subscribe({ subject, topic: "newsletter", evidence });
    await settle();
    await clock.advance(1000);
    crm.fault({ at: "run", operation: "unsubscribe", throws: down(), times: 3 });
    crm.fault({ at: "verify", operation: "unsubscribe", throws: down(), times: 3 });
    await heed.subscriptions.unsubscribe({ subject, topic: "newsletter" });
    expect(
      await heed.permits.take({ topic: "newsletter", email: subject.email, messageKey: "m" }),
    ).toMatchObject({ because: "suppressed" });
    await heed.work.drain();
    const step = (await rows("steps")).find((each) => each.operation === "unsubscribe");
    expect(step).toMatchObject({ state: "due", because: "unavailable" });
    await settle();
    expect((await rows("steps")).find((each) => each.operation === "unsubscribe")).toMatchObject({
      state: "verified",
    });
    expect([...(crm.optedOut.get("anna@example.org") ?? [])]).toEqual(["newsletter"]);
  });

  it("never runs an old subscribe after a newer opt-out, however long it waited", async () => {
    const { heed, crm, person, settle, rows, clock } = company();
    const subject = person("anna@example.org");
    crm.fault({ at: "run", operation: "subscribe", throws: down(), times: 4 });
    crm.fault({ at: "verify", operation: "subscribe", throws: down(), times: 4 });
    await heed.subscriptions.subscribe({ subject, topic: "newsletter", evidence });
    await heed.work.drain();
    await clock.advance(1000);
    await heed.subscriptions.unsubscribe({ subject, topic: "newsletter" });
    await settle();
    const steps = (await rows("steps"))
      .toSorted((a, b) => a.seq - b.seq)
      .map((step) => [step.operation, step.state]);
    expect(steps).toEqual([
      ["subscribe", "superseded"],
      ["unsubscribe", "verified"],
    ]);
    expect(crm.optedIn.get("anna@example.org") ?? new Set()).not.toContain("newsletter");
  });

  it("unsubscribes from everything at the processor, and leaves what was newly asked for", async () => {
    const { heed, crm, person, settle, clock } = company();
    const subject = person("anna@example.org");
    await heed.subscriptions.unsubscribe({ subject, topic: "all" });
    await clock.advance(1000);
    await heed.subscriptions.subscribe({ subject, topic: "offers", evidence });
    await settle();
    expect([...(crm.optedOut.get("anna@example.org") ?? [])]).toEqual(["newsletter"]);
    expect([...(crm.optedIn.get("anna@example.org") ?? [])]).toEqual(["offers"]);
  });

  it("ends at the processor as the fold says, for any history of choices and outages", async () => {
    const choice = fc.record({
      kind: fc.constantFrom("subscribe", "unsubscribe", "all", "withdraw", "give", "work", "outage"),
      topic: fc.constantFrom("newsletter" as const, "offers" as const),
      gapMs: fc.integer({ min: 1, max: 100_000 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(choice, { maxLength: 12 }), async (history) => {
        const { heed, crm, person, settle, clock, rows } = company();
        const subject = person("anna@example.org");
        for (const { kind, topic, gapMs } of history) {
          if (kind === "subscribe") await heed.subscriptions.subscribe({ subject, topic, evidence });
          if (kind === "unsubscribe") await heed.subscriptions.unsubscribe({ subject, topic });
          if (kind === "all") await heed.subscriptions.unsubscribe({ subject, topic: "all" });
          if (kind === "withdraw") await heed.consent.withdraw({ subject, purpose: "news" });
          if (kind === "give") await heed.consent.give({ subject, purpose: "news", evidence });
          if (kind === "outage") crm.fault({ at: "run", throws: down() });
          if (kind === "work") await heed.work.drain();
          await clock.advance(gapMs);
        }
        await settle();
        for (const topic of ["newsletter", "offers"] as const) {
          const { state } = await heed.subscriptions.state({ subject, topic });
          const isIn = crm.optedIn.get("anna@example.org")?.has(topic) ?? false;
          const isOut = crm.optedOut.get("anna@example.org")?.has(topic) ?? false;
          expect([topic, state, isIn, isOut]).toEqual([
            topic,
            state,
            state === "given",
            state === "not-given",
          ]);
        }
        expect((await rows("steps")).filter((step) => step.endedAt === null)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it("carries a withdrawal out as a request with a deadline", async () => {
    const { heed, crm, person, settle, clock } = company();
    const subject = person("anna@example.org");
    await heed.consent.give({ subject, purpose: "news", evidence });
    await settle();
    await clock.advance(1000);
    const { id, state } = await heed.requests.open({
      right: "withdrawal",
      subject,
      purpose: "news",
      identity: "signed-in",
    });
    expect(state).toBe("executing");
    expect((await heed.consent.state({ subject, purpose: "news" })).state).toBe("not-given");
    await settle();
    expect((await heed.requests.get(id)).state).toBe("fulfilled");
    expect([...(crm.optedOut.get("anna@example.org") ?? [])].toSorted()).toEqual(["newsletter", "offers"]);
  });
});
