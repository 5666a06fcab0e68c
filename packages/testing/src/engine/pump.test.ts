import { definePolicy, ephemeralKeys, memory } from "@heed/core";
import type { DueAsk, HeedStorage } from "@heed/core/storage";
import { describe, expect, it, vi } from "vitest";
import { createTestHeed } from "../create-test-heed.ts";
import { scriptedVendor } from "../scripted-vendor.ts";
import { virtualClock } from "../virtual-clock.ts";
import { company } from "./people.ts";

const start = "2026-01-15T12:00:00.000Z";

/** A storage that lends: what it told of, it tells nobody of until the step was touched or a minute has passed. */
function lending() {
  const inner = memory();
  const asks: DueAsk[] = [];
  const lent = new Map<string, string>();
  const storage: HeedStorage = {
    ...inner,
    async due(ask) {
      asks.push(ask);
      const all = await inner.due({ ...ask, max: 1_000_000 });
      const free = all.filter(({ id }) => !lent.has(id)).slice(0, ask.max);
      for (const { id, processor } of free) lent.set(id, processor);
      return free;
    },
    transact: (transaction) =>
      inner.transact({
        ...transaction,
        decide: (rows, now) => {
          const decision = transaction.decide(rows, now);
          for (const write of decision.writes) {
            if (!("update" in write) || write.update !== "steps") continue;
            const ids = [write.where.id ?? []].flat();
            for (const id of ids) if (typeof id === "string") lent.delete(id);
          }
          return decision;
        },
      }),
  };
  return { storage, asks, lent };
}

async function unsubscribeMany(test: ReturnType<typeof company>, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1)
    await test.heed.subscriptions.unsubscribe({
      subject: { email: `p${n}@example.org` },
      topic: "newsletter",
    });
}

describe("what is asked of delivery", () => {
  it("is what is urgent when all room is taken by what can wait", async () => {
    const { storage } = lending();
    const test = company({
      storage,
      clock: virtualClock(start),
      crm: { batchSize: 2 },
      work: { batchesPerProcessor: 2 },
    });
    const { heed, crm, clock } = test;
    const bulk = Array.from({ length: 8 }, (_, n) => ({
      subject: { email: `bulk${n}@example.org` },
      topic: "newsletter" as const,
    }));
    await heed.subscriptions.unsubscribeMany(bulk);
    crm.fault({ at: "run", hangs: true, times: 2 });
    const drained = heed.work.drain();
    const runs = () => crm.calls.filter(({ at }) => at === "run").map(({ emails }) => emails.flat());
    await vi.waitUntil(() => runs().length === 2);
    const email = "now@example.org";
    await heed.subscriptions.unsubscribe({ subject: { email }, topic: "newsletter" });
    await vi.waitUntil(() => runs().length === 3);
    expect(runs()[2]).toEqual([email]);
    await clock.advance(3_600_000);
    await drained;
    expect(runs().flat()).toHaveLength(8 + 1);
  });

  it("is an opt-out beside erasures that have taken all room", async () => {
    const { storage } = lending();
    const { heed, crm, clock } = company({
      storage,
      clock: virtualClock(start),
      crm: { batchSize: 2 },
      work: { batchesPerProcessor: 2 },
    });
    for (let n = 0; n < 8; n += 1) {
      const subject = { email: `gone${n}@example.org` };
      await heed.requests.open({ right: "erasure", subject, identity: "signed-in" });
    }
    crm.fault({ at: "resolve", hangs: true, times: 2 });
    const drained = heed.work.drain();
    const resolving = () => crm.calls.filter(({ at }) => at === "resolve").length;
    await vi.waitUntil(() => resolving() === 2);
    const email = "now@example.org";
    await heed.subscriptions.unsubscribe({ subject: { email }, topic: "newsletter" });
    await vi.waitUntil(() => crm.optedOut.has(email));
    // Neither of them has ended meanwhile.
    expect(resolving()).toBe(2);
    await clock.advance(3_600_000);
    await drained;
  });

  it("is asked again when something became due during the look that found nothing", async () => {
    const inner = memory();
    const duringTheLook: (() => Promise<unknown>)[] = [];
    const storage: HeedStorage = {
      ...inner,
      async due(ask) {
        const found = await inner.due(ask);
        if (ask.processor === "crm") await duringTheLook.pop()?.();
        return found;
      },
    };
    const test = company({ storage });
    duringTheLook.push(() => unsubscribeMany(test, 1));
    expect(await test.heed.work.drain()).toMatchObject({ settled: 1, open: 0 });
    expect((await test.rows("steps")).map(({ endedAt }) => endedAt === null)).toEqual([false]);
  });

  it("is begun at once: nothing that was lent lies in vain, and everything is done", async () => {
    const { storage, lent } = lending();
    const test = company({ storage });
    await unsubscribeMany(test, 95);
    test.crm.fault({ at: "run", hangs: true, times: 4 });
    const draining = test.heed.work.drain();
    // While four batches of ten hang, nothing else may be lent.
    const during: number[] = [];
    test.heed.on("step.settled", () => void during.push(lent.size));
    await draining;
    await test.settle();
    expect(test.crm.optedOut.size).toBe(95);
    expect(lent.size).toBe(0);
    expect(Math.max(...during)).toBeLessThanOrEqual(40);
  });

  it("is never more than the free batches hold, one processor at a time", async () => {
    const { storage, asks } = lending();
    const test = company({ storage, work: { batchesPerProcessor: 3 } });
    await unsubscribeMany(test, 60);
    await test.settle();
    expect(test.crm.optedOut.size).toBe(60);
    const ofCrm = asks.filter(({ processor }) => processor === "crm").map(({ max }) => max);
    expect(Math.max(...ofCrm)).toBe(30);
    const general = asks.filter(({ processor }) => processor === undefined);
    expect(general.every(({ except }) => except?.includes("crm"))).toBe(true);
  });

  it("is about a second's worth of the tightest limit", async () => {
    const limit = { calls: 20, perMs: 10_000, burst: 4, delayMs: 0 };
    const { storage, asks } = lending();
    const test = company({ storage, crm: { batchSize: 5, limit }, work: { batchesPerProcessor: 50 } });
    await unsubscribeMany(test, 60);
    await test.heed.work.drain({ budgetMs: 5_000 });
    const ofCrm = asks.filter(({ processor }) => processor === "crm").map(({ max }) => max);
    // Two calls a second: two batches of five.
    expect(Math.max(...ofCrm)).toBe(10);
  });

  it("ends the steps of recipients that have no processor any more", async () => {
    const policy = definePolicy({
      controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
      recipients: { crm: { role: "processor", country: "SE" }, gone: { role: "processor", country: "SE" } },
      purposes: { news: { basis: "consent" } },
      topics: { newsletter: { class: "marketing", purpose: "news" } },
    });
    const shared = { storage: memory(), keys: ephemeralKeys(), clock: virtualClock(start), policy };
    const crm = () => scriptedVendor({ name: "crm", operations: ["erase"] }).processor;
    const gone = scriptedVendor({ name: "gone", account: "account-2", operations: ["erase"] }).processor;
    const before = createTestHeed({ ...shared, processors: { crm: crm(), gone } });
    const { id } = await before.heed.requests.open({
      right: "erasure",
      identity: "signed-in",
      subject: { email: "anna@example.org" },
    });
    const after = createTestHeed({ ...shared, processors: { crm: crm() } });
    await after.heed.work.drain();
    const { steps, state } = await after.heed.requests.get(id);
    expect(steps.map((step) => [step.processor, step.state, step.because])).toEqual([
      ["crm", "verified", undefined],
      ["gone", "manual", "no-such-operation"],
      ["heed", "waiting", undefined],
    ]);
    expect(state).toBe("awaiting_manual");
  });
});

describe("a running worker", () => {
  it("is woken by what its own process writes, long before it would look again", async () => {
    const { heed, crm, clock } = company({ work: { pollMs: 3_600_000 } });
    heed.work.start();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const before = clock.now().getTime();
    const ended = new Promise<number>((resolve) => {
      heed.on("step.settled", ({ ended }) => {
        if (ended) resolve(clock.now().getTime());
      });
    });
    await heed.subscriptions.unsubscribe({ subject: { email: "a@example.org" }, topic: "newsletter" });
    expect((await ended) - before).toBeLessThan(1_000);
    expect([...crm.optedOut.keys()]).toEqual(["a@example.org"]);
    await heed.work.stop();
  });

  it("is woken by the storage when another process wrote", async () => {
    const inner = memory();
    const watchers = new Set<() => void>();
    const storage: HeedStorage = {
      ...inner,
      watch(wake) {
        watchers.add(wake);
        return () => watchers.delete(wake);
      },
    };
    const clock = virtualClock(start);
    const shared = { storage, keys: ephemeralKeys(), clock };
    const worker = company({ ...shared, work: { pollMs: 3_600_000 } });
    const writer = company(shared);
    worker.heed.work.start();
    await clock.advance(10);
    await writer.heed.subscriptions.unsubscribe({ subject: { email: "a@example.org" }, topic: "newsletter" });
    await clock.advance(1_000);
    expect(worker.crm.optedOut.size).toBe(0);
    for (const wake of watchers) wake();
    await clock.advance(1_000);
    expect(worker.crm.optedOut.size).toBe(1);
    const stopped = worker.heed.work.stop();
    await clock.advance(60_000);
    await stopped;
    expect(watchers.size).toBe(0);
  });

  it("lets what is written together travel together", async () => {
    const clock = virtualClock(start);
    const { heed, crm } = company({ clock, work: { lingerMs: 20 } });
    heed.work.start();
    await clock.advance(10);
    for (let n = 0; n < 8; n += 1) {
      await heed.subscriptions.unsubscribe({ subject: { email: `p${n}@example.org` }, topic: "newsletter" });
      await clock.advance(2);
    }
    await clock.advance(1_000);
    expect(crm.calls.filter(({ at }) => at === "run").map(({ emails }) => emails.length)).toEqual([8]);
    const stopped = heed.work.stop();
    await clock.advance(60_000);
    await stopped;
  });
});

describe("an opt-out behind a bulk job", () => {
  it("waits for about a second and what is in hand, whatever the backlog", { timeout: 120_000 }, async () => {
    const waits: number[] = [];
    for (const backlog of [100, 20_000]) {
      const limit = { calls: 10, perMs: 1_000, burst: 2, delayMs: 0 };
      const clock = virtualClock(start, { autoAdvance: true, quietTurns: 10 });
      const { heed, crm } = company({ clock, crm: { batchSize: 5, limit } });
      // Opt-ins go in the lowest lane.
      for (let n = 0; n < backlog; n += 1)
        await heed.subscriptions.subscribe({
          subject: { email: `p${n}@example.org` },
          topic: "newsletter",
          evidence: { none: true },
        });
      const draining = heed.work.drain({ budgetMs: 5_000 });
      await clock.sleep(2_000);
      const askedAt = clock.now().getTime();
      await heed.subscriptions.unsubscribe({ subject: { email: "urgent@example.org" }, topic: "newsletter" });
      while (!crm.optedOut.has("urgent@example.org") && clock.now().getTime() < askedAt + 5_000)
        await clock.sleep(50);
      waits.push(clock.now().getTime() - askedAt);
      await draining;
      expect(crm.optedIn.size).toBeGreaterThan(20);
    }
    // Four batches in hand take two turns each, at seven a second.
    expect(Math.max(...waits)).toBeLessThan(2_000);
  });
});

describe("what a worker has begun to destroy", () => {
  const opened = (operation: "erase" | "unsubscribe") => {
    const limit = { calls: 100, perMs: 1000, burst: 1, delayMs: 0 };
    const vendor = scriptedVendor({
      name: "crm",
      topics: ["newsletter"],
      operations: [operation],
      batchSize: 2,
      settlingMs: 1000,
      limit,
    });
    const policy = definePolicy({
      controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
      recipients: { crm: { role: "processor", country: "US", transferTool: "scc" } },
      purposes: { news: { basis: "consent" } },
      topics: {
        newsletter: { class: "marketing", purpose: "news", via: operation === "erase" ? [] : ["crm"] },
      },
    });
    return { vendor, ...createTestHeed({ policy, processors: { crm: vendor.processor } }) };
  };
  const subjects = Array.from({ length: 60 }, (_, at) => ({ email: `p${at}@example.org` }));
  const peopleAt = ({ calls }: Pick<ReturnType<typeof opened>["vendor"], "calls">, at: string) =>
    calls.filter((call) => call.at === at).flatMap(({ emails }) => emails.flat());

  it("is run before more is begun, so that what was found is still so", async () => {
    const { heed, vendor, settle } = opened("erase");
    for (const [at, { email }] of subjects.entries()) {
      vendor.add({ id: `r${at}`, emails: [email] });
      await heed.requests.open({ right: "erasure", subject: { email }, identity: "signed-in" });
    }
    await settle();
    expect(vendor.records.size).toBe(0);
    const untilFirstRun = vendor.calls.slice(
      0,
      vendor.calls.findIndex(({ at }) => at === "run"),
    );
    // Four batches of two are in hand.
    expect(peopleAt({ calls: untilFirstRun }, "resolve").length).toBeLessThanOrEqual(8);
  });

  it("is looked at a second time when that is due, and not after all that is new", async () => {
    const { heed, vendor } = opened("erase");
    for (const [at, { email }] of subjects.entries()) {
      vendor.add({ id: `r${at}`, emails: [email] });
      await heed.requests.open({ right: "erasure", subject: { email }, identity: "signed-in" });
    }
    await heed.work.drain();
    const looks = Object.groupBy(peopleAt(vendor, "verify"), (email) => email);
    // Not one more was due when the others were, and all that was new took longer than a settling time.
    expect(Object.values(looks).filter((each) => each?.length === 2).length).toBeGreaterThan(10);
  });

  it("is another thing than what is only stopped: there the next one comes before the proof", async () => {
    const { heed, vendor, settle } = opened("unsubscribe");
    await heed.subscriptions.unsubscribeMany(
      subjects.map((subject) => ({ subject, topic: "newsletter" as const })),
    );
    await settle();
    const untilFirstProof = vendor.calls.slice(
      0,
      vendor.calls.findIndex(({ at }) => at === "verify"),
    );
    expect(peopleAt({ calls: untilFirstProof }, "run").length).toBeGreaterThan(8);
  });
});
