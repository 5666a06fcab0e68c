import {
  ephemeralKeys,
  HeedError,
  memory,
  ProcessorError,
  RateLimitedError,
  RejectedError,
  UnavailableError,
} from "@heed/core";
import type { HeedStorage } from "@heed/core/storage";
import { describe, expect, it } from "vitest";
import { virtualClock, type VirtualClock } from "../virtual-clock.ts";
import { company, evidence } from "./people.ts";

const about = { processor: "crm", operation: "unsubscribe" } as const;

async function unsubscribeMany(count: number, options: Parameters<typeof company>[0] = {}) {
  const test = company(options);
  const emails = Array.from({ length: count }, (_, index) => `p${index}@example.org`);
  for (const email of emails)
    await test.heed.subscriptions.unsubscribe({ subject: test.person(email), topic: "newsletter" });
  const optedOut = () => emails.filter((email) => test.crm.optedOut.get(email)?.has("newsletter"));
  return { ...test, emails, optedOut };
}

describe("a processor in trouble", () => {
  it("is asked in batches, answered by call id", async () => {
    const { crm, settle, optedOut } = await unsubscribeMany(25);
    await settle();
    expect(optedOut()).toHaveLength(25);
    // They go out side by side.
    const batches = crm.calls.filter((call) => call.at === "run").map((call) => call.emails.length);
    expect(batches.toSorted((one, other) => other - one)).toEqual([10, 10, 5]);
  });

  it("looks first and repeats only what is missing when calls are left out of an answer", async () => {
    const { crm, settle, optedOut, rows } = await unsubscribeMany(5);
    crm.fault({ at: "run", leavesOut: [1, 3] });
    await settle();
    expect(optedOut()).toHaveLength(5);
    expect((await rows("steps")).every((step) => step.state === "verified")).toBe(true);
    expect(crm.calls.filter((call) => call.at === "run")).toHaveLength(1);
  });

  it("finds the poison of a batch, and the others do not suffer", async () => {
    const { crm, settle, optedOut, rows } = await unsubscribeMany(6);
    crm.fault({
      at: "run",
      email: "p3@example.org",
      throws: new RejectedError("no", { ...about, status: 400 }),
      times: 1000,
    });
    await settle();
    expect(optedOut()).toHaveLength(5);
    const failed = (await rows("steps")).filter((step) => step.state === "failed");
    expect(failed.map((step) => step.because)).toEqual(["rejected"]);
  });

  it("tells why it refused a step for good, once and under the recipient's name", async () => {
    const { crm, heed, settle } = await unsubscribeMany(6, { crm: { name: "some-adapter" } });
    const error = new RejectedError("no", { ...about, status: 422 });
    const told: unknown[] = [];
    heed.on("work.failed", (event) => told.push(event));
    crm.fault({ at: "run", email: "p3@example.org", throws: error, times: 1000 });
    await settle();
    // In the batch of six nobody knew yet whom it was about.
    expect(told).toEqual([{ error, processor: "crm", operation: "unsubscribe" }]);
    expect(crm.calls.filter(({ at }) => at === "run").length).toBeGreaterThan(2);
  });

  it.each([
    ["that parks its step", new RejectedError("no", { ...about, status: 400 }), "failed"],
    ["by a defect", new TypeError("x is undefined"), "due"],
  ])("tells of the one call of a batch that it answered as failed, %s", async (_how, error, state) => {
    const { crm, heed, rows } = await unsubscribeMany(3);
    const told: unknown[] = [];
    heed.on("work.failed", (event) => told.push(event));
    const { run } = crm.processor.operations.unsubscribe as unknown as {
      run: (...args: unknown[]) => Promise<Map<string, unknown>>;
    };
    let isFirst = true;
    Object.assign(crm.processor.operations.unsubscribe ?? {}, {
      run: async (...args: unknown[]) => {
        const answers = await run(...args);
        const [, second = ""] = answers.keys();
        if (isFirst) answers.set(second, { status: "failed", error });
        isFirst = false;
        return answers;
      },
    });
    await heed.work.drain({ budgetMs: 1_000 });
    expect(told).toEqual([{ error, processor: "crm", operation: "unsubscribe" }]);
    expect((await rows("steps")).map((step) => step.state)).toContain(state);
  });

  it.each([
    ["an account that is refused", new RejectedError("no", { ...about, status: 401 })],
    ["a vendor that asked to slow down", new RateLimitedError("slow", { ...about, retryAfterMs: 1_000 })],
    ["an outage", new UnavailableError("down", { ...about, status: 503 })],
  ])("tells nothing of %s: it is tried again", async (_what, error) => {
    const { crm, heed, settle, optedOut } = await unsubscribeMany(1);
    const told: unknown[] = [];
    heed.on("work.failed", (event) => told.push(event));
    crm.fault({ at: "run", throws: error });
    await settle();
    expect([told, optedOut()]).toEqual([[], ["p0@example.org"]]);
  });

  it("waits as long as a 429 says, for everybody", async () => {
    const { crm, heed, clock, settle, optedOut } = await unsubscribeMany(25, { crm: { batchSize: 1 } });
    crm.fault({
      at: "run",
      throws: new RateLimitedError("slow down", { ...about, status: 429, retryAfterMs: 10_000 }),
    });
    const before = clock.now().getTime();
    await heed.work.drain();
    await settle();
    expect(optedOut()).toHaveLength(25);
    expect(clock.now().getTime() - before).toBeGreaterThanOrEqual(10_000);
    expect(clock.now().getTime() - before).toBeLessThan(60_000);
  });

  it("asks again after a day, however long a 429 says", async () => {
    const { crm, heed, clock, person, settle } = await unsubscribeMany(1);
    const before = clock.now().getTime();
    const retryAfterMs = 300 * 86_400_000;
    crm.fault({ at: "run", throws: new RateLimitedError("slow down", { ...about, retryAfterMs }) });
    await heed.work.drain();
    await heed.subscriptions.unsubscribe({ subject: person("late@example.org"), topic: "newsletter" });
    await settle();
    expect(crm.optedOut.size).toBe(2);
    expect(clock.now().getTime() - before).toBe(25 * 3_600_000);
  });

  it.each([401, 403])(
    "waits for somebody to mend the account after a %i, and proves it again before the next use",
    async (status) => {
      const { crm, heed, settle, optedOut, rows } = await unsubscribeMany(3);
      crm.fault({ at: "run", throws: new RejectedError("refused", { ...about, status }) });
      await heed.work.drain();
      expect(
        (await rows("steps")).every((step) => step.state === "due" && step.because === "account-refused"),
      ).toBe(true);
      expect(optedOut()).toEqual([]);
      await settle();
      expect(optedOut()).toHaveLength(3);
      expect(crm.calls.filter((call) => call.at === "check")).toHaveLength(2);
    },
  );

  it("never uses an account that is not proven to be the right one", async () => {
    const { crm, heed, rows, optedOut } = await unsubscribeMany(2);
    crm.fault({
      at: "check",
      answers: { account: "somebody-else", lacks: [], unknownTopics: [] },
      times: 1000,
    });
    await heed.work.drain();
    expect(crm.calls.every((call) => call.at === "check")).toBe(true);
    expect((await rows("steps")).map((step) => [step.because, step.attempted])).toEqual([
      ["wrong-account", 0],
      ["wrong-account", 0],
    ]);
    expect(optedOut()).toEqual([]);
  });

  it("proves an account again after an hour, and does nothing there when it is another by then", async () => {
    const { crm, heed, clock, optedOut, rows } = await unsubscribeMany(1);
    await heed.work.drain();
    expect(optedOut()).toHaveLength(1);
    crm.fault({ at: "check", answers: { account: "somebody-else", lacks: [], unknownTopics: [] } });
    await clock.advance(3_660_000);
    await heed.subscriptions.unsubscribe({ subject: { email: "late@example.org" }, topic: "newsletter" });
    await heed.work.drain();
    expect((await rows("steps")).filter(({ endedAt }) => endedAt === null)).toMatchObject([
      { because: "wrong-account", attempted: 0 },
    ]);
    expect(crm.optedOut.has("late@example.org")).toBe(false);
  });

  it("can do within a minute what was missing and was granted", async () => {
    const { crm, heed, clock, optedOut, settle } = await unsubscribeMany(1);
    const lacks = [{ operation: "unsubscribe", needs: "scope crm.write" }];
    crm.fault({ at: "check", answers: { account: "account-1", lacks, unknownTopics: [] } });
    await settle();
    const [step] = await heed.steps.parked();
    expect(step).toMatchObject({ because: "capability-missing" });
    await clock.advance(61_000);
    await heed.steps.retry(step?.id ?? "");
    await heed.work.drain();
    expect(optedOut()).toHaveLength(1);
  });

  it("hands a missing capability to a human, with what is missing", async () => {
    const { crm, heed, person, settle } = company();
    const subject = person("anna@example.org");
    crm.fault({
      at: "check",
      answers: {
        account: "account-1",
        lacks: [{ operation: "erase", needs: "scope crm.write" }],
        unknownTopics: [],
      },
      times: 1000,
    });
    const { id } = await heed.requests.open({ right: "erasure", subject, identity: "signed-in" });
    await settle();
    const step = (await heed.requests.get(id)).steps.find(
      (each) => each.operation === "erase" && each.processor === "crm",
    );
    expect(step).toMatchObject({ state: "manual", because: "capability-missing" });
    expect(step?.instruction).toContain("scope crm.write");
    expect(crm.find("anna@example.org")).toHaveLength(1);
  });

  it.each<[string, Error]>([
    ["an outage", new UnavailableError("down", { ...about, status: 503 })],
    ["a defect of the adapter", new TypeError("x is not a function")],
    ["an error of its own", new ProcessorError("odd", about)],
  ])("tries again after %s, with growing pauses", async (_name, error) => {
    const { crm, settle, optedOut, clock } = await unsubscribeMany(1);
    const before = clock.now().getTime();
    crm.fault({ at: "run", throws: error, times: 3 });
    await settle();
    expect(optedOut()).toHaveLength(1);
    expect(clock.now().getTime() - before).toBeGreaterThanOrEqual(2_000 + 4_000 + 8_000);
  });

  it("stops waiting for an answer that never comes", async () => {
    const { crm, settle, optedOut } = await unsubscribeMany(1);
    crm.fault({ at: "run", hangs: true });
    await settle();
    expect(optedOut()).toHaveLength(1);
  });

  it("waits as long as a question takes turns, however many slow calls it makes", async () => {
    const { crm, settle, optedOut, rows, clock } = await unsubscribeMany(1);
    const { unsubscribe } = crm.processor.operations;
    const run = unsubscribe?.run;
    let runs = 0;
    Object.assign(unsubscribe ?? {}, {
      run: async (...asked: Parameters<NonNullable<typeof run>>) => {
        runs += 1;
        for (let calls = 0; calls < 30; calls += 1) {
          await asked[1].turn("calls");
          await clock.sleep(50_000);
        }
        return run?.(...asked);
      },
    });
    await settle();
    expect([optedOut().length, runs, (await rows("steps"))[0]?.tries]).toEqual([1, 1, 0]);
  });

  it.each([
    ["its last turn", 4, 4 * 50_000 + 60_000],
    ["an hour, however many turns it takes", Number.POSITIVE_INFINITY, 3_600_000],
  ])("stops waiting for a question after %s", async (_when, most, expectedMs) => {
    const { crm, settle, optedOut, clock } = await unsubscribeMany(1);
    const { unsubscribe } = crm.processor.operations;
    const run = unsubscribe?.run;
    let abortedAfterMs: number | undefined;
    Object.assign(unsubscribe ?? {}, {
      run: async (...asked: Parameters<NonNullable<typeof run>>) => {
        if (abortedAfterMs !== undefined) return run?.(...asked);
        const [, { turn, signal }] = asked;
        const beganMs = clock.now().getTime();
        signal.addEventListener("abort", () => (abortedAfterMs = clock.now().getTime() - beganMs));
        for (let calls = 0; calls < most; calls += 1) {
          await turn("calls");
          await clock.sleep(50_000);
        }
        await turn("calls");
        return new Promise(() => {});
      },
    });
    await settle();
    expect([optedOut().length, abortedAfterMs]).toEqual([1, expectedMs]);
  });

  it.each([
    undefined,
    null,
    {},
    { status: "ok" },
    { status: "done", affected: -1 },
    { status: "blocked", by: "Anna said no", checkAfterMs: 1 },
  ])("takes no answer that the contract does not know: %j", async (answer) => {
    const { crm, settle, optedOut, rows } = await unsubscribeMany(1);
    crm.fault({ at: "run", answers: answer, times: 1 });
    crm.fault({ at: "verify", answers: { seen: "surely" }, times: 1 });
    await settle();
    expect(optedOut()).toHaveLength(1);
    expect((await rows("steps"))[0]).toMatchObject({ state: "verified" });
  });

  it("hands what can never be read back to a human", async () => {
    const { crm, settle, rows } = await unsubscribeMany(1);
    crm.fault({ at: "verify", answers: { seen: "unknown" }, times: 1000 });
    await settle();
    expect((await rows("steps"))[0]).toMatchObject({ state: "manual", because: "cannot-tell" });
  });

  it("waits for a processor that lags", async () => {
    const { crm, settle, rows } = await unsubscribeMany(1);
    crm.lagMs = 45_000;
    await settle();
    expect((await rows("steps"))[0]).toMatchObject({ state: "verified", doubts: 0 });
    expect(crm.calls.filter((call) => call.at === "run")).toHaveLength(1);
  });

  it("ends as acknowledged, not verified, where nothing can be read back", async () => {
    const { settle, rows } = await unsubscribeMany(1, { crm: { acknowledgedOnly: true } });
    await settle();
    expect((await rows("steps"))[0]).toMatchObject({ state: "acknowledged", finding: null });
  });

  it("asks a human when the answer was lost and nothing can be read back or repeated", async () => {
    const { crm, settle, rows } = await unsubscribeMany(1, {
      crm: { acknowledgedOnly: true, repeat: "verify-first" },
    });
    crm.fault({ at: "run", loses: new TypeError("cut") });
    await settle();
    expect((await rows("steps"))[0]).toMatchObject({ state: "manual", because: "unknown-outcome" });
  });

  it("takes a turn for every question, and never more in a window than the limit", async () => {
    const limit = { calls: 10, perMs: 1_000, burst: 2, delayMs: 0 };
    const { crm, clock, settle } = await unsubscribeMany(40, { crm: { batchSize: 1, limit } });
    const times: number[] = [];
    const push = crm.calls.push.bind(crm.calls);
    crm.calls.push = (...calls) => {
      times.push(clock.now().getTime());
      return push(...calls);
    };
    await settle();
    expect(times.length).toBeGreaterThanOrEqual(80);
    for (const start of times) {
      expect(times.filter((time) => time >= start && time < start + limit.perMs).length).toBeLessThanOrEqual(
        limit.calls,
      );
    }
  });

  it("keeps addresses out of events, evidence and clear columns, whatever fails", async () => {
    const { heed, crm, person, settle, search } = company();
    const told: unknown[] = [];
    for (const name of ["choice.recorded", "request.opened", "request.changed", "step.settled"] as const) {
      heed.on(name, (event) => told.push(event));
    }
    const subject = person("canary.person@example.org");
    crm.fault({ at: "run", throws: new TypeError("canary.person@example.org is broken"), times: 2 });
    crm.fault({ at: "verify", answers: { seen: "unknown" }, times: 2 });
    await heed.consent.give({ subject, purpose: "news", evidence: { ...evidence, ip: "canary.person" } });
    await heed.requests.open({ right: "erasure", subject, identity: "signed-in" });
    await settle();
    expect(told.length).toBeGreaterThan(3);
    expect(JSON.stringify(told)).not.toContain("canary.person");
    expect(await search("canary.person")).toEqual([]);
  });
});

describe("leases", () => {
  it("passes the step of a worker that stands still to another, and refuses the late answer", async () => {
    const shared = {
      storage: memory(),
      keys: ephemeralKeys(),
      clock: virtualClock("2026-01-15T12:00:00.000Z"),
    };
    const work = { leaseMs: 10_000, callTimeoutMs: 300_000 };
    // A worker that only waits prolongs its lease. The short timers of this one stand still.
    const clock: VirtualClock = {
      ...shared.clock,
      sleep: (ms, signal) => (ms < work.leaseMs ? new Promise(() => {}) : shared.clock.sleep(ms, signal)),
    };
    const first = company({ ...shared, clock, work });
    const second = company({ ...shared, work });
    const subject = first.person("anna@example.org");
    await first.heed.subscriptions.unsubscribe({ subject, topic: "newsletter" });
    first.crm.fault({ at: "run", hangs: true });
    const hung = first.heed.work.drain();
    await shared.clock.advance(9_000);
    expect(await second.heed.work.drain()).toMatchObject({ settled: 0, open: 1 });
    await shared.clock.advance(2_000);
    expect(await second.heed.work.drain()).toMatchObject({ settled: 1, open: 0 });
    const [taken] = await first.rows("steps");
    expect(taken).toMatchObject({ state: "verified", tries: 0 });
    await shared.clock.advance(300_000);
    expect(await hung).toMatchObject({ settled: 0 });
    expect(await first.rows("steps")).toEqual([taken]);
    expect([...(second.crm.optedOut.get("anna@example.org") ?? [])]).toEqual(["newsletter"]);
  });

  it("lets an erasure overtake what is in flight: the late answer ends as cancelled", async () => {
    const shared = {
      storage: memory(),
      keys: ephemeralKeys(),
      clock: virtualClock("2026-01-15T12:00:00.000Z"),
    };
    const { heed, crm, person, rows, clock } = { ...company(shared), clock: shared.clock };
    const subject = person("anna@example.org");
    await heed.subscriptions.subscribe({ subject, topic: "newsletter", evidence });
    crm.fault({ at: "run", operation: "subscribe", hangs: true });
    const hung = heed.work.drain();
    await clock.advance(1_000);
    await heed.requests.open({ right: "erasure", subject, identity: "signed-in" });
    await clock.advance(120_000);
    await hung;
    const subscribe = (await rows("steps")).find((step) => step.operation === "subscribe");
    expect(subscribe).toMatchObject({ state: "cancelled", because: "erasure-requested" });
  });

  it("lets an objection overtake what is in flight, and tells of it nowhere again", async () => {
    const shared = {
      storage: memory(),
      keys: ephemeralKeys(),
      clock: virtualClock("2026-01-15T12:00:00.000Z"),
      crm: { operations: ["subscribe", "unsubscribe", "erase", "exclude"] },
    } as const;
    const { heed, crm, rows, clock, settle } = { ...company(shared), clock: shared.clock };
    const subject = { email: "anna@example.org" };
    await heed.subscriptions.subscribe({ subject, topic: "newsletter", evidence });
    crm.fault({ at: "run", operation: "subscribe", hangs: true });
    const hung = heed.work.drain();
    await clock.advance(1_000);
    await heed.requests.open({ right: "objection", recipient: "crm", subject, identity: "signed-in" });
    await clock.advance(120_000);
    await hung;
    await settle();
    const subscribe = (await rows("steps")).find((step) => step.operation === "subscribe");
    expect(subscribe).toMatchObject({ state: "cancelled", because: "objected" });
    expect(crm.calls.filter(({ at, operation }) => at === "run" && operation === "subscribe")).toHaveLength(
      1,
    );
    expect(crm.optedIn.get(subject.email)).toBeUndefined();
  });
});

describe("a storage that takes nothing any more", () => {
  it("is tried again at the worker's pace, and what is due goes on once it does", async () => {
    const inner = memory();
    let isFull = false;
    const storage: HeedStorage = {
      ...inner,
      transact: (transaction) =>
        inner.transact({
          ...transaction,
          decide: (rows, now) => {
            const decision = transaction.decide(rows, now);
            if (isFull && decision.writes.length > 0) throw new HeedError("full", { code: "storage-failed" });
            return decision;
          },
        }),
    };
    const test = company({ storage, clock: virtualClock(), crm: { batchSize: 1 } });
    const { heed, crm, clock } = test;
    for (let n = 0; n < 20; n += 1)
      await heed.subscriptions.unsubscribe({ subject: { email: `p${n}@example.org` }, topic: "newsletter" });
    isFull = true;
    let failures = 0;
    heed.on("work.failed", () => {
      failures += 1;
      // Without a pause this would never end.
      if (failures === 1_000) isFull = false;
    });
    heed.work.start();
    await clock.advance(10_000);
    expect(failures).toBeGreaterThan(1);
    // Every half second: four batches side by side, and what each of them needs.
    expect(failures).toBeLessThanOrEqual(8 * (20 + 1));
    expect(crm.optedOut.size).toBe(0);
    isFull = false;
    await clock.advance(10_000);
    expect(crm.optedOut.size).toBe(20);
    await heed.work.stop();
  });
});

describe("an adapter that breaks the contract", () => {
  it.each([[[]], [{}], ["done"]])(
    "is told so, and its step goes on: %j in place of a Map",
    async (answer) => {
      const { crm, heed, settle, optedOut } = await unsubscribeMany(1);
      const told: unknown[] = [];
      heed.on("work.failed", (event) => told.push(event));
      const { run } = crm.processor.operations.unsubscribe ?? {};
      const operation = crm.processor.operations.unsubscribe as { run: unknown };
      operation.run = async () => answer;
      await heed.work.drain();
      expect(told).toEqual([{ error: expect.any(TypeError), processor: "crm", operation: "unsubscribe" }]);
      operation.run = run;
      await settle();
      expect(optedOut()).toHaveLength(1);
    },
  );

  it("is told so when its check throws", async () => {
    const { crm, heed } = await unsubscribeMany(1);
    const told: unknown[] = [];
    heed.on("work.failed", (event) => told.push(event));
    crm.fault({ at: "check", throws: new TypeError("x is undefined") });
    await heed.work.drain();
    expect(told).toMatchObject([{ processor: "crm", operation: "check" }]);
  });

  it.each([
    ["a throw", { at: "run", throws: new TypeError("x is undefined") }, "unsubscribe"],
    ["an answer that is none", { at: "run", answers: { status: "well" } }, "unsubscribe"],
    ["a check that throws", { at: "check", throws: new TypeError("x is undefined") }, "check"],
  ] as const)(
    "is told of %s under the recipient's name, whatever its own",
    async (_what, fault, operation) => {
      const { crm, heed } = await unsubscribeMany(1, { crm: { name: "some-adapter" } });
      const told: unknown[] = [];
      heed.on("work.failed", (event) => told.push(event));
      crm.fault(fault);
      await heed.work.drain();
      expect(told).toEqual([{ error: expect.any(TypeError), processor: "crm", operation }]);
    },
  );

  it.each([
    ["run", { status: "done", affected: -1 }, "affected"],
    ["run", { status: "well, canary@example.org" }, "status"],
    ["run", { status: "blocked", by: "canary@example.org", checkAfterMs: 1 }, "by"],
    [
      "run",
      { status: "done", retained: [{ category: "x", reason: "y", "canary@example.org": 1 }] },
      "retained.0",
    ],
    ["verify", { seen: "surely canary@example.org" }, "seen"],
    ["verify", "canary@example.org", "the answer"],
  ] as const)("is told which answer was no answer, where and never what: %s %j", async (at, answer, path) => {
    const { crm, heed, settle, optedOut } = await unsubscribeMany(3);
    const told: { readonly error: unknown; readonly processor?: string; readonly operation?: string }[] = [];
    heed.on("work.failed", (event) => told.push(event));
    crm.fault({ at, answers: answer });
    await settle();
    // Once for the batch, however many answers were wrong.
    expect(told).toEqual([{ error: expect.any(TypeError), processor: "crm", operation: "unsubscribe" }]);
    const message = String(told[0]?.error);
    expect(message).toContain(`(unsubscribe, ${at}): ${path}: `);
    expect(message).not.toContain("canary");
    expect(optedOut()).toHaveLength(3);
  });

  it.each(["the answers", "an answer"])(
    "is told of answers that throw when they are read, and its steps go on: %s",
    async (which) => {
      const { crm, heed, rows, settle, optedOut } = await unsubscribeMany(2);
      const messages: string[] = [];
      heed.on("work.failed", ({ error }) => messages.push((error as Error).message));
      const operation = crm.processor.operations.unsubscribe as unknown as { run: unknown };
      const { run } = operation;
      const breaks = () => {
        throw new TypeError("x is undefined");
      };
      const lazy = Object.defineProperty({}, "status", { get: breaks });
      operation.run = async () => ({ get: which === "the answers" ? breaks : () => lazy });
      await heed.work.drain();
      expect(messages).toHaveLength(1);
      expect((await rows("steps")).map(({ state, phase }) => [state, phase])).toEqual([
        ["due", "verify"],
        ["due", "verify"],
      ]);
      operation.run = run;
      await settle();
      expect(optedOut()).toHaveLength(2);
    },
  );

  it("is told of a clearance and a resolution that are none, too", async () => {
    const { crm, billing, heed, person, settle } = company();
    const messages: string[] = [];
    heed.on("work.failed", ({ error }) => messages.push((error as Error).message));
    crm.fault({ at: "resolve", operation: "erase", answers: { targets: "none" } });
    billing.fault({ at: "guard", answers: { clear: "perhaps" } });
    const subject = person("a@example.org");
    await heed.requests.open({ right: "erasure", identity: "signed-in", subject });
    await settle();
    expect(messages).toEqual([
      expect.stringContaining("(erase, resolve): targets: "),
      expect.stringContaining("(forgetTokens, guard): "),
    ]);
    expect(crm.records.size).toBe(0);
  });

  it("is not told of a call that it left out, which the contract allows", async () => {
    const { crm, heed, settle } = await unsubscribeMany(3);
    const told: unknown[] = [];
    heed.on("work.failed", (event) => told.push(event));
    crm.fault({ at: "run", leavesOut: [1] });
    await settle();
    expect(told).toEqual([]);
  });
});

describe("one failure in a batch", () => {
  it("that is a vendor's 429 for one call holds the whole bucket back, and leaves the others as they are", async () => {
    const { crm, heed, clock, rows, optedOut, settle } = await unsubscribeMany(3);
    const { run } = crm.processor.operations.unsubscribe as unknown as {
      run: (...args: unknown[]) => Promise<Map<string, unknown>>;
    };
    const slow = new RateLimitedError("slow", { ...about, retryAfterMs: 60_000 });
    let times = 0;
    Object.assign(crm.processor.operations.unsubscribe ?? {}, {
      run: async (...args: unknown[]) => {
        const answers = await run(...args);
        const [, second] = [...answers.keys()];
        times += 1;
        return times > 1 ? answers : new Map(answers).set(second ?? "", { status: "failed", error: slow });
      },
    });
    const runAt: number[] = [];
    const since = clock.now().getTime();
    const push = crm.calls.push.bind(crm.calls);
    crm.calls.push = (...calls) => {
      runAt.push(clock.now().getTime() - since);
      return push(...calls);
    };
    await heed.work.drain();
    const steps = await rows("steps");
    expect(steps.map(({ phase }) => phase).toSorted()).toEqual(["run", "verify", "verify"]);
    await settle();
    expect(optedOut()).toHaveLength(3);
    // A check and a run, and then nothing at all for a minute, the read-backs of the others included.
    expect(runAt.length).toBeGreaterThan(3);
    expect(runAt.slice(2).filter((at) => at < 60_000)).toEqual([]);
    expect((await rows("steps")).map(({ state, tries }) => [state, tries])).toEqual(
      Array.from({ length: 3 }, () => ["verified", 0]),
    );
  });
});

it("lets steps of different requests travel together, up to the batch size", async () => {
  const { crm, heed, person, settle } = company({ crm: { batchSize: 4 } });
  for (let n = 0; n < 10; n += 1)
    await heed.requests.open({
      right: "erasure",
      identity: "signed-in",
      subject: person(`p${n}@example.org`),
    });
  await settle();
  expect(crm.records.size).toBe(0);
  const sizes = crm.calls
    .filter(({ at, operation }) => at === "run" && operation === "erase")
    .map(({ emails }) => emails.length);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(10);
  expect(sizes.length).toBeLessThanOrEqual(4);
});
