import { definePolicy, memory, RateLimitedError, RejectedError } from "@heed/core";
import type { Write } from "@heed/core/storage";
import type { OperationName } from "@heed/core/contract";
import { describe, expect, it } from "vitest";
import { createTestHeed } from "../create-test-heed.ts";
import { scriptedVendor } from "../scripted-vendor.ts";
import { company, evidence } from "./people.ts";

const erasure = { right: "erasure", identity: "signed-in" } as const;
const refusing = (operation: OperationName, times = 1) => ({
  at: "run" as const,
  operation,
  throws: new RejectedError("no", { processor: "crm", operation, status: 422 }),
  times,
});

/** A person whose opt-out the CRM has refused for good. */
async function refusedOptOut() {
  const test = company();
  const { heed, crm, person, settle, clock } = test;
  const subject = person("anna-canary@example.org");
  await heed.subscriptions.subscribe({ subject, topic: "newsletter", evidence });
  await settle();
  await clock.advance(1_000);
  crm.fault(refusing("unsubscribe"));
  const answer = await heed.subscriptions.unsubscribe({ subject, topic: "newsletter" });
  await settle();
  const [step] = await heed.steps.parked();
  const isOptedIn = () => crm.optedIn.get(subject.email)?.has("newsletter") ?? false;
  return { ...test, subject, answer, step, id: step?.id ?? "", isOptedIn };
}

describe("a choice that a processor refused", () => {
  it("is among what waits for a human, names nobody, and is told once it is tried again", async () => {
    const { heed, answer, step, id, settle, isOptedIn, clock } = await refusedOptOut();
    expect(await heed.steps.parked()).toEqual([step]);
    expect(step).toMatchObject({
      processor: "crm",
      operation: "unsubscribe",
      state: "failed",
      because: "rejected",
    });
    expect(step).not.toHaveProperty("requestId");
    expect([step?.eventId, [id]]).toEqual([expect.any(String), answer.steps]);
    expect(step?.eventId).toBe(answer.eventId);
    expect(Date.parse(step?.parkedAt ?? "")).toBeLessThanOrEqual(clock.now().getTime());
    expect(JSON.stringify(step)).not.toContain("canary");
    expect(isOptedIn()).toBe(true);
    expect(await heed.steps.retry(id)).toEqual({ state: "due" });
    expect(await heed.steps.parked()).toEqual([]);
    await settle();
    expect(isOptedIn()).toBe(false);
    expect((await heed.work.status()).processors["crm"]).toMatchObject({ failed: 0, manual: 0 });
  });

  it("ends as acknowledged, with evidence, on a human's word", async () => {
    const { heed, id, rows } = await refusedOptOut();
    const told: unknown[] = [];
    heed.on("step.settled", ({ stepId, state }) => told.push([stepId, state]));
    expect(await heed.steps.acknowledge(id)).toEqual({ state: "acknowledged" });
    expect(told).toEqual([[id, "acknowledged"]]);
    expect(await heed.steps.parked()).toEqual([]);
    const entries = (await rows("evidence")).map((row) => JSON.parse(row.entry ?? "{}"));
    const ends = entries.filter((entry) => entry.stepId === id);
    expect(ends.map((entry) => [entry.state, entry.because])).toEqual([
      ["failed", "rejected"],
      ["acknowledged", "by-hand"],
    ]);
    expect(ends[1].subject).toEqual(ends[0].subject);
    expect(ends[1].subject).toHaveLength(1);
    await expect(heed.steps.acknowledge(id)).rejects.toMatchObject({ code: "not-parked" });
    await expect(heed.steps.retry(id)).rejects.toMatchObject({ code: "not-parked" });
  });

  it("changes nothing any more when a newer choice has overtaken it", async () => {
    const { heed, id, subject, settle, isOptedIn, clock, rows } = await refusedOptOut();
    await clock.advance(1_000);
    await heed.subscriptions.subscribe({ subject, topic: "newsletter", evidence });
    await settle();
    await heed.steps.retry(id);
    await settle();
    expect(isOptedIn()).toBe(true);
    expect((await rows("steps")).find((row) => row.id === id)).toMatchObject({
      state: "superseded",
      because: "newer-choice",
    });
  });

  it.each(["acknowledge", "retry"] as const)(
    "lets nothing overtake a later one that the vendor has put off, by %s",
    async (how) => {
      const { heed, crm, id, subject, rows, clock } = await refusedOptOut();
      const later = { processor: "crm", operation: "unsubscribe", retryAfterMs: 3_600_000 } as const;
      crm.fault({ at: "run", operation: "unsubscribe", throws: new RateLimitedError("later", later) });
      const putOff = await heed.subscriptions.unsubscribe({ subject, topic: "offers" });
      await heed.work.drain();
      await clock.advance(1_000);
      const withdrawal = await heed.requests.open({ right: "withdrawal", identity: "signed-in", subject });
      await heed.steps[how](id);
      const steps = await rows("steps");
      const stateOf = (wanted: string | undefined) => steps.find((row) => row.id === wanted)?.state;
      expect(stateOf(putOff.steps[0])).toBe("due");
      expect(steps.filter((row) => row.requestId === withdrawal.id)).toMatchObject([{ state: "waiting" }]);
      expect(stateOf(id)).toBe(how === "retry" ? "waiting" : "acknowledged");
    },
  );

  it("is left to the erasure while one is under way, and waits no longer once it has ended", async () => {
    const { heed, id, subject, settle, rows } = await refusedOptOut();
    await heed.requests.open({ ...erasure, subject });
    await expect(heed.steps.retry(id)).rejects.toMatchObject({ code: "frozen" });
    await settle();
    expect(await rows("subjects")).toEqual([]);
    expect(await heed.steps.parked()).toEqual([]);
    expect((await heed.work.status()).processors["crm"]).toMatchObject({ failed: 0, manual: 0 });
    await expect(heed.steps.retry(id)).rejects.toMatchObject({ code: "not-parked" });
  });
});

describe("what waits for a human", () => {
  const silent = () =>
    createTestHeed({
      policy: definePolicy({
        controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
        recipients: { paper: { role: "processor", country: "SE" } },
        purposes: { news: { basis: "consent" } },
        topics: { newsletter: { class: "marketing", purpose: "news" } },
      }),
    });

  it("says what to do, and of which request it is", async () => {
    const { heed } = silent();
    const { id } = await heed.requests.open({ ...erasure, subject: { email: "anna@example.org" } });
    const [step, ...others] = await heed.steps.parked();
    expect(others).toEqual([]);
    expect(step).toMatchObject({ requestId: id, processor: "paper", state: "manual" });
    expect(step).not.toHaveProperty("eventId");
    expect(step?.instruction).toContain("by hand");
    expect(step?.instruction).toBe((await heed.requests.get(id)).steps[0]?.instruction);
  });

  it("still says so when two people turn out to be one", async () => {
    const { heed, crm, settle } = company();
    await heed.subjects.record({ subject: { accountId: "a0" } });
    crm.fault({
      at: "run",
      operation: "unsubscribe",
      answers: { status: "manual", instruction: "Ring them." },
    });
    crm.add({ id: "1", emails: ["anna@example.org"] });
    await heed.subscriptions.unsubscribe({ subject: { email: "anna@example.org" }, topic: "all" });
    await settle();
    const before = await heed.steps.parked();
    expect(before.map((step) => step.instruction)).toEqual(["Ring them."]);
    await heed.subjects.record({
      subject: { accountId: "a0", email: "anna@example.org" },
      identityVerified: true,
    });
    expect(await heed.steps.parked()).toEqual(before);
  });

  it("is nobody's to do by hand while a legal hold stands over it", async () => {
    const { heed, settle } = silent();
    const subject = { email: "anna@example.org" };
    const { id } = await heed.requests.open({ ...erasure, subject });
    const hold = await heed.holds.place({
      subject,
      reason: "case-1",
      orderedBy: "general-counsel",
      reviewAt: "2040-01-01T00:00:00Z",
    });
    const [step] = await heed.steps.parked();
    expect(step).toMatchObject({ held: true });
    await expect(heed.steps.acknowledge(step?.id ?? "")).rejects.toMatchObject({ code: "legal-hold" });
    expect(await heed.steps.parked()).toEqual([step]);
    await heed.holds.release(hold.id);
    await heed.steps.acknowledge(step?.id ?? "");
    await settle();
    expect((await heed.requests.get(id)).state).toBe("fulfilled");
  });

  it("is of this controller alone", async () => {
    const storage = memory();
    const [one, other] = [company({ storage }), company({ storage, namespace: "other" })];
    one.crm.fault(refusing("unsubscribe"));
    await one.heed.subscriptions.unsubscribe({ subject: one.person("anna@example.org"), topic: "all" });
    await one.settle();
    const [step] = await one.heed.steps.parked();
    expect(step).toBeDefined();
    expect(await other.heed.steps.parked()).toEqual([]);
    await expect(other.heed.steps.retry(step?.id ?? "")).rejects.toMatchObject({ code: "no-such-step" });
    await expect(other.heed.steps.acknowledge(step?.id ?? "")).rejects.toMatchObject({
      code: "no-such-step",
    });
  });

  it("is tried again alone, and its request goes on", async () => {
    const { heed, crm, billing, person, settle } = company();
    const subject = person("anna@example.org");
    crm.fault(refusing("erase"));
    billing.fault({ ...refusing("forgetTokens"), times: 2 });
    const { id } = await heed.requests.open({ ...erasure, subject });
    await settle();
    expect((await heed.requests.get(id)).state).toBe("awaiting_manual");
    const parked = await heed.steps.parked();
    expect(parked.map((step) => step.processor).toSorted()).toEqual(["billing", "crm"]);
    await heed.steps.retry(parked.find((step) => step.processor === "crm")?.id ?? "");
    expect((await heed.requests.get(id)).state).toBe("executing");
    await settle();
    expect(crm.find(subject.email)).toEqual([]);
    expect((await heed.steps.parked()).map((step) => step.processor)).toEqual(["billing"]);
    expect((await heed.requests.get(id)).state).toBe("awaiting_manual");
    expect(await heed.steps.parked({ limit: 1 })).toHaveLength(1);
  });

  it("waits no longer once its request was taken back or refused", async () => {
    const { heed, rows } = silent();
    const open = (email: string) => heed.requests.open({ ...erasure, subject: { email } });
    const [one, other] = [await open("one@example.org"), await open("other@example.org")];
    await heed.requests.withdraw(one.id);
    await heed.requests.deny({ id: other.id, because: "unfounded" });
    expect(await heed.steps.parked()).toEqual([]);
    const steps = await rows("steps");
    for (const [id, because] of [
      [one.id, "request-withdrawn"],
      [other.id, "request-denied"],
    ])
      expect(steps.find((step) => step.requestId === id && step.processor === "paper")).toMatchObject({
        state: "cancelled",
        because,
      });
  });

  it("is listed though one of the keys is damaged", async () => {
    const { heed, crm, person, settle, storage, rows, clock } = company();
    crm.fault({ at: "run", operation: "unsubscribe", answers: { status: "manual", instruction: "Ring." } });
    crm.fault({ at: "run", operation: "unsubscribe", answers: { status: "manual", instruction: "Ring." } });
    for (const name of ["a", "b"])
      await heed.subscriptions.unsubscribe({ subject: person(`${name}@example.org`), topic: "all" });
    await settle();
    const before = await heed.steps.parked();
    expect(before.map(({ instruction }) => instruction)).toEqual(["Ring.", "Ring."]);
    const [key] = await rows("dataKeys");
    const damage: Write = {
      update: "dataKeys",
      where: { owner: key?.owner ?? "" },
      set: { wrapped: new Uint8Array(60) },
    };
    await storage.transact({ lock: [], clock, read: {}, decide: () => ({ writes: [damage], answer: null }) });
    const parked = await heed.steps.parked();
    expect(parked.map(({ id }) => id)).toEqual(before.map(({ id }) => id));
    expect(parked.map(({ instruction }) => instruction ?? "").toSorted()).toEqual(["", "Ring."]);
  });

  it("is not done by a human's word where it is heed's own data", async () => {
    const { heed, person, rows, storage, clock, settle } = company();
    const { id } = await heed.requests.open({ ...erasure, subject: person("anna@example.org") });
    // Every other step has ended, and the process has died in this one each time.
    const at = clock.now().toISOString();
    const writes: readonly Write[] = [
      { update: "steps", where: { requestId: id }, set: { state: "verified", endedAt: at, dueAt: null } },
      {
        update: "steps",
        where: { requestId: id, processor: "heed" },
        set: { state: "running", endedAt: null, leaseUntil: at, attempt: 5, crashes: 4 },
      },
    ];
    await storage.transact({ lock: [], clock, read: {}, decide: () => ({ writes, answer: null }) });
    await heed.work.drain();
    const [step] = await heed.steps.parked();
    expect(step).toMatchObject({ processor: "heed", because: "crashed-worker" });
    await expect(heed.steps.acknowledge(step?.id ?? "")).rejects.toMatchObject({ code: "own-data" });
    expect(await rows("subjects")).toHaveLength(1);
    expect((await heed.requests.get(id)).state).toBe("awaiting_manual");
    await heed.steps.retry(step?.id ?? "");
    await settle();
    expect(await rows("subjects")).toEqual([]);
    expect((await heed.requests.get(id)).state).toBe("fulfilled");
  });

  it("is to stop what a recipient sends that keeps the person after the erasure", async () => {
    const { processor } = scriptedVendor({
      name: "shop",
      topics: ["newsletter"],
      operations: ["forgetTokens"],
    });
    const { heed, settle } = createTestHeed({
      policy: definePolicy({
        controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
        recipients: {
          shop: {
            role: "processor",
            country: "SE",
            keeps: [{ category: "invoices", reason: "legal-obligation", law: "SFS 1999:1078", years: 7 }],
          },
        },
        purposes: { news: { basis: "consent" } },
        topics: { newsletter: { class: "marketing", purpose: "news", via: ["shop"] } },
      }),
      processors: { shop: processor },
    });
    const subject = { email: "anna@example.org" };
    await heed.subscriptions.unsubscribe({ subject, topic: "all" });
    const told = await heed.steps.parked();
    expect(told).toMatchObject([{ operation: "unsubscribe", state: "manual" }]);
    const { id } = await heed.requests.open({ ...erasure, subject });
    await settle();
    const left = (await heed.steps.parked()).find((step) => step.requestId === id);
    expect(left).toMatchObject({ operation: "unsubscribe", instruction: told[0]?.instruction });
    await heed.steps.acknowledge(left?.id ?? "");
    await settle();
    expect(await heed.steps.parked()).toEqual([]);
    expect((await heed.requests.get(id)).closedAt).toBeDefined();
  });

  it("of requests: those that have not ended, next deadline first", async () => {
    const { heed, clock, settle } = silent();
    const ask = (email: string, receivedAt: string) =>
      heed.requests.open({ ...erasure, subject: { email }, receivedAt });
    const at = (daysAgo: number) => new Date(clock.now().getTime() - daysAgo * 86_400_000).toISOString();
    const newer = await ask("newer@example.org", at(1));
    const older = await ask("older@example.org", at(20));
    const ended = await ask("ended@example.org", at(30));
    const steps = await heed.steps.parked();
    await heed.steps.acknowledge(steps.find((step) => step.requestId === ended.id)?.id ?? "");
    await settle();
    const ids = async () => (await heed.requests.list()).map(({ id, overdue }) => [id, overdue]);
    expect(await ids()).toEqual([
      [older.id, false],
      [newer.id, false],
    ]);
    await clock.advance(15 * 86_400_000);
    expect(await ids()).toEqual([
      [older.id, true],
      [newer.id, false],
    ]);
    expect(await heed.requests.list({ limit: 1 })).toEqual([
      {
        id: older.id,
        right: "erasure",
        state: "awaiting_manual",
        receivedAt: expect.any(String),
        dueOn: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
        overdue: true,
      },
    ]);
  });
});
