import { ephemeralKeys, memory, RateLimitedError, RejectedError, definePolicy } from "@heed/core";
import type { Call, CallContext, Operation, ProcessorV1, Resolution } from "@heed/core/contract";
import type { HeedStorage } from "@heed/core/storage";
import { describe, expect, it } from "vitest";
import { createTestHeed } from "../create-test-heed.ts";
import { scriptedVendor } from "../scripted-vendor.ts";
import { virtualClock, type VirtualClock } from "../virtual-clock.ts";
import { company } from "./people.ts";

const start = "2026-01-15T12:00:00.000Z";
const anna = { email: "anna@example.org" };
const erasure = { right: "erasure", identity: "signed-in", subject: anna } as const;
const refused = new RejectedError("no", { processor: "crm", operation: "erase", status: 400 });

const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  recipients: { crm: { role: "processor", country: "SE" } },
  purposes: { news: { basis: "consent" } },
  topics: { newsletter: { class: "marketing", purpose: "news" } },
});

type Erase = Operation<"erase", "email", "calls">;
type Erasing = Partial<Erase> & Pick<Erase, "run">;

/** A processor that can erase, made of the given pieces. */
function eraser(
  erase: Erasing,
  limit = { calls: 1000, perMs: 1000, burst: 500, delayMs: 0 } as ProcessorV1["limits"][string],
): ProcessorV1<"email", string, "calls"> {
  return {
    specificationVersion: "v1",
    name: "crm",
    account: "account-1",
    identifiers: { email: /@/ },
    topics: {},
    limits: { calls: limit },
    operations: {
      erase: {
        batchSize: 1,
        repeat: "safe",
        settlingMs: 0,
        verify: async (calls) => new Map(calls.map(({ id }) => [id, { seen: "as-asked" }])),
        ...erase,
      },
    },
    check: async () => ({ account: "account-1", lacks: [], unknownTopics: [] }),
  };
}

const done = (calls: readonly Call<"erase", "email">[]) =>
  new Map(calls.map(({ id }) => [id, { status: "done", affected: 1 } as const]));

/** A CRM and nothing else. */
function small(crm = scriptedVendor({ name: "crm", operations: ["erase"] })) {
  return { crm, ...createTestHeed({ policy, processors: { crm: crm.processor } }) };
}

const entriesOf = async ({ heed }: Pick<ReturnType<typeof small>, "heed">, id: string) =>
  (await heed.requests.evidence(id)).map(({ entry }) => entry);

describe("a lease", () => {
  it("is kept while a slow guard and a slow run go on, so that nobody runs beside them", async () => {
    const shared = { storage: memory(), keys: ephemeralKeys(), clock: virtualClock(start), policy };
    let running = 0;
    let mostRunning = 0;
    let runs = 0;
    const slow = () => ({
      crm: eraser({
        guard: async (calls, context) => {
          await context.turn("calls");
          await shared.clock.sleep(55_000);
          return new Map(calls.map(({ id }) => [id, { clear: true }]));
        },
        run: async (calls, context) => {
          await context.turn("calls");
          runs += 1;
          running += 1;
          mostRunning = Math.max(mostRunning, running);
          await shared.clock.sleep(20_000);
          running -= 1;
          return done(calls);
        },
      }),
    });
    const one = createTestHeed({ ...shared, processors: slow() });
    const other = createTestHeed({ ...shared, processors: slow() });
    const { id } = await one.heed.requests.open(erasure);
    const first = one.heed.work.drain();
    await shared.clock.advance(61_000);
    const second = other.heed.work.drain();
    await shared.clock.advance(120_000);
    await Promise.all([first, second]);
    expect([runs, mostRunning]).toEqual([1, 1]);
    expect((await one.heed.requests.get(id)).state).toBe("fulfilled");
  });

  it("ends soon after a worker that stands still, and its late run is told to stop", async () => {
    const shared = { storage: memory(), keys: ephemeralKeys(), policy };
    const clock = virtualClock(start);
    // Its clock's sleepers never wake: nothing is prolonged.
    const frozen: VirtualClock = { ...clock, sleep: () => new Promise(() => {}) };
    const hanging = eraser({ run: () => new Promise(() => {}) });
    const lost = createTestHeed({ ...shared, clock: frozen, processors: { crm: hanging } });
    const other = createTestHeed({
      ...shared,
      clock,
      processors: { crm: eraser({ run: async (calls) => done(calls) }) },
    });
    const { id } = await lost.heed.requests.open(erasure);
    void lost.heed.work.drain();
    await clock.advance(61_000);
    await other.heed.work.drain();
    expect((await other.heed.requests.get(id)).state).toBe("fulfilled");
  });
});

describe("a turn", () => {
  it("that is used too late is void: a process that stood still does not send everything at once", async () => {
    const inner = virtualClock(start, { autoAdvance: true });
    const blockedUntil = Date.parse(start) + 20_000;
    const clock: VirtualClock = {
      ...inner,
      sleep: (ms, signal) =>
        inner.sleep(ms < 30_000 ? Math.max(ms, blockedUntil - inner.now().getTime()) : ms, signal),
    };
    const arrivals: number[] = [];
    const limit = { calls: 4, perMs: 1_000 };
    const run = async (calls: readonly Call<"erase", "email">[], context: CallContext<"calls">) => {
      await context.turn("calls");
      arrivals.push(context.now().getTime());
      return done(calls);
    };
    const { heed, settle } = createTestHeed({
      policy,
      clock,
      processors: { crm: eraser({ run }, limit) },
      work: { batchesPerProcessor: 10 },
    });
    for (let n = 0; n < 10; n += 1)
      await heed.requests.open({ ...erasure, subject: { email: `p${n}@example.org` } });
    await settle();
    expect(arrivals).toHaveLength(10);
    const most = Math.max(
      ...arrivals.map((from) => arrivals.filter((at) => at >= from && at < from + limit.perMs).length),
    );
    expect(most).toBeLessThanOrEqual(limit.calls);
  });

  it("that is an hour away is no try: the step waits in the storage, and nothing is noted as begun", async () => {
    const { heed, crm, clock, rows, settle } = company();
    const retryAfterMs = 3_600_000;
    crm.fault({
      at: "run",
      throws: new RateLimitedError("slow", { processor: "crm", operation: "unsubscribe", retryAfterMs }),
    });
    await heed.subscriptions.unsubscribe({ subject: { email: "a@example.org" }, topic: "newsletter" });
    await heed.work.drain();
    await heed.subscriptions.unsubscribe({ subject: { email: "b@example.org" }, topic: "newsletter" });
    await heed.work.drain();
    expect(clock.now().getTime() - Date.parse(start)).toBeLessThan(60_000);
    expect((await rows("steps")).map((step) => [step.because, step.attempted, step.tries])).toEqual([
      ["rate-limited", 0, 0],
      ["rate-limited", 0, 0],
    ]);
    await settle();
    expect([...crm.optedOut.keys()].toSorted()).toEqual(["a@example.org", "b@example.org"]);
    expect(clock.now().getTime() - Date.parse(start)).toBeLessThan(retryAfterMs + 60_000);
  });

  it("that is waited for is no silence of the vendor", async () => {
    const calls: string[] = [];
    const { heed, settle } = createTestHeed({
      policy,
      processors: {
        crm: eraser(
          {
            batchSize: 10,
            run: async (asked, context) => {
              for (const { id } of asked) {
                await context.turn("calls");
                await context.turn("calls");
                calls.push(id, id);
              }
              return done(asked);
            },
          },
          { calls: 2, perMs: 60_000 },
        ),
      },
    });
    const opened = await Promise.all(
      ["a@example.org", "b@example.org"].map((email) =>
        heed.requests.open({ ...erasure, subject: { email } }),
      ),
    );
    await settle(86_400_000);
    for (const { id } of opened) expect((await heed.requests.get(id)).state).toBe("fulfilled");
    expect(calls).toHaveLength(4);
  });
});

it("serves the other processors while one hangs, however much is due there", async () => {
  const { heed, crm, billing, clock, person } = company();
  for (let n = 0; n < 450; n += 1)
    await heed.subscriptions.unsubscribe({ subject: { email: `p${n}@example.org` }, topic: "all" });
  await heed.paidService.ended({ subject: person(anna.email) });
  crm.fault({ at: "run", hangs: true, times: 1000 });
  const settledAt: number[] = [];
  heed.on("step.settled", ({ processor, ended }) => {
    if (processor === "billing" && ended) settledAt.push(clock.now().getTime());
  });
  await heed.work.drain({ budgetMs: 30_000 });
  expect(billing.find(anna.email).map((record) => record.cards)).toEqual([0]);
  expect((settledAt[0] ?? Number.POSITIVE_INFINITY) - Date.parse(start)).toBeLessThan(10_000);
});

describe("what never ends by itself", () => {
  it("goes to a human at the deadline when a vendor only ever says pending", async () => {
    const { crm, heed, clock, settle } = small();
    crm.add({ id: "1", emails: [anna.email] });
    const pending = { status: "pending", reference: "r", checkAfterMs: 300 * 86_400_000 };
    crm.fault({ at: "run", answers: pending, times: 1000 });
    crm.fault({ at: "verify", answers: { seen: "not-as-asked" }, times: 1000 });
    const { id, dueOn } = await heed.requests.open(erasure);
    await settle(200 * 86_400_000);
    expect(clock.now().getTime()).toBeLessThanOrEqual(Date.parse(dueOn) + 86_400_000);
    const { state, steps } = await heed.requests.get(id);
    expect(state).toBe("awaiting_manual");
    expect(steps[0]).toMatchObject({ state: "manual", because: "deadline-passed" });
  });

  it("goes to a human when every look finds yet another record", async () => {
    let looks = 0;
    let runs = 0;
    const resolve = async (calls: readonly Call<"erase", "email">[]) =>
      new Map(
        calls.map(({ id, identifiers: [via] }): [string, Resolution] => {
          looks += 1;
          return [id, { targets: [{ kind: "contact", id: String(looks), via, verified: true }] }];
        }),
      );
    const { heed, settle } = createTestHeed({
      policy,
      processors: {
        crm: eraser({
          resolve,
          run: async (calls) => {
            runs += 1;
            if (runs > 50) throw refused;
            return done(calls);
          },
        }),
      },
    });
    const { id } = await heed.requests.open(erasure);
    await settle();
    expect(runs).toBe(5);
    expect((await heed.requests.get(id)).steps[0]).toMatchObject({ state: "manual", because: "more-found" });
  });
});

describe("evidence", () => {
  it("keeps what an earlier run did when a later one finds nothing there", async () => {
    const test = small();
    test.crm.add({ id: "1", emails: [anna.email] });
    test.crm.fault({ at: "verify", answers: { seen: "not-as-asked" } });
    const { id } = await test.heed.requests.open(erasure);
    await test.settle();
    expect(await entriesOf(test, id)).toContainEqual(
      expect.objectContaining({ processor: "crm", state: "verified", outcome: "done", affected: 1 }),
    );
  });

  it("claims nothing that a refused run did not do", async () => {
    const test = small();
    test.crm.add({ id: "1", emails: [anna.email] });
    test.crm.fault({ at: "run", throws: refused });
    const { id } = await test.heed.requests.open(erasure);
    await test.settle();
    test.crm.records.clear(); // Somebody else has erased it.
    await test.heed.requests.retry(id);
    await test.settle();
    const settled = (await entriesOf(test, id)).filter(
      (entry) => entry.kind === "step.settled" && entry.processor === "crm",
    );
    expect(settled.at(-1)).toMatchObject({ state: "verified", outcome: "absent" });
  });

  it("claims nothing that a refused account did not do, and still knows of a run before whose answer was lost", async () => {
    for (const [isLostBefore, outcome] of [
      [false, "absent"],
      [true, "done"],
    ] as const) {
      const test = small(
        scriptedVendor({ name: "crm", operations: ["erase"], repeat: "safe", acknowledgedOnly: true }),
      );
      test.crm.add({ id: "1", emails: [anna.email] });
      if (isLostBefore) test.crm.fault({ at: "run", loses: new Error("lost") });
      test.crm.fault({
        at: "run",
        throws: new RejectedError("no", { processor: "crm", operation: "erase", status: 401 }),
      });
      const { id } = await test.heed.requests.open(erasure);
      await test.heed.work.drain();
      test.crm.records.clear();
      await test.settle();
      expect(await entriesOf(test, id)).toContainEqual(
        expect.objectContaining({ processor: "crm", state: "acknowledged", outcome }),
      );
    }
  });

  it("is read back in the order in which it was kept, within one millisecond too", async () => {
    for (let round = 0; round < 8; round += 1) {
      const test = small();
      const { id } = await test.heed.requests.open(erasure);
      await test.settle();
      const kinds = (await entriesOf(test, id)).map(({ kind }) => kind);
      expect(kinds).toEqual(["request.opened", "step.settled", "step.settled", "request.closed"]);
      const instants = (await test.heed.requests.evidence(id)).map(({ at }) => at);
      expect(new Set(instants).size).toBe(1);
    }
  });
});

it("silences a further address that only reading back showed", async () => {
  let looks = 0;
  const resolve = async (calls: readonly Call<"erase", "email">[]) => {
    looks += 1;
    return new Map(
      calls.map(({ id, identifiers: [via] }): [string, Resolution] => [
        id,
        {
          targets: [{ kind: "contact", id: looks === 1 ? "1" : "2", via, verified: true }],
          ...(looks === 2 ? { alsoKnownAs: [{ kind: "email", value: "second@example.org" }] } : {}),
        },
      ]),
    );
  };
  const { heed, settle } = createTestHeed({
    policy,
    processors: { crm: eraser({ resolve, run: async (calls) => done(calls) }) },
  });
  const { id } = await heed.requests.open(erasure);
  await settle();
  expect((await heed.requests.get(id)).state).toBe("fulfilled");
  expect(await heed.suppression.check({ email: "second@example.org" })).toMatchObject({ suppressed: true });
  expect(await heed.suppression.check({ email: "third@example.org" })).toMatchObject({ suppressed: false });
});

describe("an account that lacks something", () => {
  it("has found nothing in a preview before it is proven to be the right one", async () => {
    const { crm, heed, person, clock } = company();
    const subject = person(anna.email);
    const crmStep = async () =>
      (await heed.requests.preview({ right: "erasure", subject })).steps.find(
        (step) => step.processor === "crm" && step.operation === "erase",
      );
    expect(await crmStep()).toMatchObject({ found: 1 });
    crm.fault({ at: "check", answers: { account: "another", lacks: [], unknownTopics: [] }, times: 1000 });
    // It was proven for an hour.
    await clock.advance(3_600_000);
    const step = await crmStep();
    expect(step).toMatchObject({ because: "wrong-account" });
    expect(step).not.toHaveProperty("found");
  });

  it("sends the steps for a list that it does not know to a human, and the others on", async () => {
    const { crm, heed, rows, settle } = company();
    crm.fault({
      at: "check",
      answers: { account: "account-1", lacks: [], unknownTopics: ["newsletter"] },
      times: 1000,
    });
    await heed.subscriptions.unsubscribe({ subject: { email: "a@example.org" }, topic: "newsletter" });
    await heed.subscriptions.unsubscribe({ subject: { email: "b@example.org" }, topic: "offers" });
    await settle();
    const byInput = new Map((await rows("steps")).map((step) => [step.input, step]));
    expect([...byInput.values()].map(({ state, because, attempted }) => [state, because, attempted])).toEqual(
      [
        ["manual", "unknown-topic", 0],
        ["verified", null, 0],
      ],
    );
    expect([...crm.optedOut.keys()]).toEqual(["b@example.org"]);
  });
});

it("reads a bounded number of steps to say what is left", async () => {
  const inner = memory();
  let mostRead = 0;
  const storage: HeedStorage = {
    ...inner,
    transact: (transaction) =>
      inner.transact({
        ...transaction,
        decide: (rows, now) => {
          for (const read of Object.values(rows)) mostRead = Math.max(mostRead, read.length);
          return transaction.decide(rows, now);
        },
      }),
  };
  const { heed, crm } = company({ storage });
  crm.fault({
    at: "check",
    answers: { account: "another", lacks: [], unknownTopics: [] },
    times: 1000,
  });
  for (let n = 0; n < 1100; n += 1)
    await heed.subscriptions.unsubscribe({ subject: { email: `p${n}@example.org` }, topic: "newsletter" });
  mostRead = 0;
  const { open, nextAt } = await heed.work.drain();
  expect(mostRead).toBeLessThanOrEqual(1000);
  expect(open).toBe(1000);
  expect(nextAt).toBe("2026-01-15T12:15:00.000Z");
});
