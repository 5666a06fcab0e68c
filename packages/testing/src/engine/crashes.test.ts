import { ephemeralKeys, memory } from "@heed/core";
import { describe, expect, it } from "vitest";
import { write } from "../storages/transactions.ts";
import { virtualClock } from "../virtual-clock.ts";
import { company } from "./people.ts";

const start = "2026-01-15T12:00:00.000Z";
const poison = "poison@example.org";
const mates = ["a@example.org", "b@example.org", "c@example.org", "d@example.org"];

/**
 * Workers over one storage, each of which dies for good as soon as it runs the poison: its clock stands still, so
 * that nothing it has in hand is prolonged or settled.
 */
function workersThatDie() {
  const clock = virtualClock(start);
  const shared = { storage: memory(), keys: ephemeralKeys(), clock };
  const observer = company(shared);
  const optedOut = new Set<string>();
  const runs: string[][] = [];
  let deaths = 0;
  async function workUntilDeath(forMs: number): Promise<void> {
    let isDead = false;
    const never = new Promise<never>(() => {});
    const worker = company({
      ...shared,
      clock: {
        ...clock,
        sleep: (ms, signal) =>
          isDead ? never : clock.sleep(ms, signal).then(() => (isDead ? never : undefined)),
      },
      storage: {
        ...shared.storage,
        transact: (transaction) => (isDead ? never : shared.storage.transact(transaction)),
        due: (ask) => (isDead ? never : shared.storage.due(ask)),
      },
    });
    const { unsubscribe } = worker.crm.processor.operations as unknown as {
      unsubscribe: {
        run: (calls: readonly { id: string; identifiers: readonly { value: string }[] }[]) => unknown;
      };
    };
    unsubscribe.run = async (calls) => {
      const emails = calls.map(({ identifiers }) => identifiers[0]?.value ?? "");
      runs.push(emails);
      if (emails.includes(poison)) {
        isDead = true;
        deaths += 1;
        return never;
      }
      // The vendor takes a second: whoever is in hand when the worker dies, dies with it.
      await clock.sleep(1_000);
      if (isDead) return never;
      for (const email of emails) optedOut.add(email);
      return new Map(calls.map(({ id }) => [id, { status: "done", affected: 1 }]));
    };
    const { verify } = worker.crm.processor.operations.unsubscribe as unknown as { verify: unknown };
    if (typeof verify !== "function") throw new TypeError("Nothing is read back here.");
    Object.assign(unsubscribe, {
      verify: async (calls: readonly { id: string; identifiers: readonly { value: string }[] }[]) =>
        new Map(
          calls.map(({ id, identifiers }) => [
            id,
            { seen: optedOut.has(identifiers[0]?.value ?? "") ? "as-asked" : "not-as-asked" },
          ]),
        ),
    });
    worker.heed.on("work.failed", (event) => void told.push(event));
    worker.heed.work.start();
    await clock.advance(forMs);
    isDead = true;
  }
  const told: unknown[] = [];
  return { ...observer, clock, optedOut, runs, told, workUntilDeath, deaths: () => deaths };
}

describe("a step that ends its worker", () => {
  it("is parked after five workers, and takes none of its batch with it", async () => {
    const test = workersThatDie();
    const { heed, rows, optedOut, workUntilDeath, told } = test;
    for (const email of [mates[0], poison, ...mates.slice(1)])
      await heed.subscriptions.unsubscribe({ subject: { email: email ?? "" }, topic: "newsletter" });
    for (let worker = 0; worker < 40 && optedOut.size < mates.length; worker += 1)
      await workUntilDeath(30_000);
    for (let worker = 0; worker < 40 && test.deaths() < 5; worker += 1) await workUntilDeath(30_000);
    await workUntilDeath(600_000);
    expect([...optedOut].toSorted()).toEqual(mates);
    expect(test.deaths()).toBe(5);
    const states = (await rows("steps")).map(({ state, because }) => [state, because]);
    expect(states.filter(([state]) => state === "verified")).toHaveLength(mates.length);
    expect(states.filter(([state]) => state !== "verified")).toEqual([["failed", "crashed-worker"]]);
    expect(told).toMatchObject([
      { processor: "crm", operation: "unsubscribe", error: { code: "crashed-worker" } },
    ]);
    expect(JSON.stringify(told) + (told[0] as { error: Error }).error.message).not.toContain("poison");
    // After the first death it runs alone.
    const withPoison = test.runs.filter((emails) => emails.includes(poison));
    expect(withPoison.map((emails) => emails.length)).toEqual([5, 1, 1, 1, 1]);
  });

  it("is tried five times more once its request is retried", async () => {
    const { heed, rows, crm, storage } = company({
      clock: virtualClock(start, { autoAdvance: true }),
    });
    crm.add({ id: "1", emails: [poison] });
    const { id } = await heed.requests.open({
      right: "erasure",
      identity: "signed-in",
      subject: { email: poison },
    });
    const erase = (await rows("steps")).find(
      ({ processor, operation }) => processor === "crm" && operation === "erase",
    );
    const set = { state: "running", attempt: 4, leaseUntil: start, crashes: 4, phase: "resolve" };
    await write(storage, [{ update: "steps", where: { id: erase?.id ?? "" }, set }]);
    await heed.work.drain();
    const step = async () => (await heed.requests.get(id)).steps.find((each) => each.id === erase?.id);
    expect(await step()).toMatchObject({ state: "failed", because: "crashed-worker" });
    expect((await heed.requests.evidence(id)).map(({ entry }) => entry)).toContainEqual(
      expect.objectContaining({ state: "failed", because: "crashed-worker" }),
    );
    expect(crm.records.size).toBe(1);
    await heed.requests.retry(id);
    expect((await rows("steps")).find((row) => row.id === erase?.id)?.crashes).toBe(0);
    await heed.work.drain();
    expect(await step()).toMatchObject({ state: "verified" });
    expect(crm.records.size).toBe(0);
  });

  it("counts lost workers in a row only: an answer begins anew", async () => {
    const { heed, rows, clock, storage, crm } = company();
    await heed.subscriptions.unsubscribe({ subject: { email: "a@example.org" }, topic: "newsletter" });
    const [step] = await rows("steps");
    for (let n = 0; n < 12; n += 1) {
      const set = { state: "running", leaseUntil: clock.now().toISOString(), phase: "run", endedAt: null };
      await write(storage, [{ update: "steps", where: { id: step?.id ?? "" }, set }]);
      await heed.work.drain();
      expect((await rows("steps"))[0]).toMatchObject({ state: "verified", crashes: 0 });
    }
    expect(crm.optedOut.size).toBe(1);
  });

  it("runs alone also when it comes back after a pause, whatever else is due by then", async () => {
    const { heed, rows, clock, storage, crm } = company();
    const optOut = (email: string) =>
      heed.subscriptions.unsubscribe({ subject: { email }, topic: "newsletter" });
    await optOut(poison);
    const [step] = await rows("steps");
    const set = { state: "running", leaseUntil: clock.now().toISOString(), phase: "run", crashes: 1 };
    await write(storage, [{ update: "steps", where: { id: step?.id ?? "" }, set }]);
    const { nextAt } = await heed.work.drain();
    expect(crm.calls.filter(({ at }) => at === "run")).toEqual([]);
    await clock.set(nextAt ?? "");
    for (const email of mates) await optOut(email);
    await heed.work.drain();
    const runs = crm.calls.filter(({ at }) => at === "run").map(({ emails }) => emails.flat().toSorted());
    expect(runs.toSorted((one, other) => one.length - other.length)).toEqual([[poison], mates]);
  });
});
