import { randomBytes } from "node:crypto";
import type { HeedStorage, Row } from "@heed/core/storage";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  all,
  anna,
  bo,
  dayMs,
  erasure,
  leftOf,
  nothing,
  openSteps,
  order,
  start,
  stepOf,
} from "../engine/held.ts";
import { company } from "../engine/people.ts";
import { standingStill } from "../standing-still.ts";
import { virtualClock, type VirtualClock } from "../virtual-clock.ts";

/** A storage that does something once, just before or after the transaction that a test waits for. */
function interrupting(inner: HeedStorage) {
  const hook: { at?: (writes: string) => boolean; act?: () => Promise<void> } = {};
  const storage: HeedStorage = {
    ...inner,
    async transact(transaction) {
      let writes = "";
      const answer = await inner.transact({
        ...transaction,
        decide: (rows, now) => {
          const decision = transaction.decide(rows, now);
          writes = JSON.stringify(decision.writes);
          return decision;
        },
      });
      if (hook.at?.(writes) === true && hook.act !== undefined) {
        const { act } = hook;
        delete hook.act;
        await act();
      }
      return answer;
    },
  };
  return { storage, hook };
}

type Act = { act: "erase" | "place" | "release"; who: number; which: number } | { act: "drain"; ms: number };
const acts: fc.Arbitrary<Act> = fc.oneof(
  fc.record({
    act: fc.constantFrom("erase" as const, "place" as const, "place" as const, "release" as const),
    who: fc.nat(1),
    which: fc.nat(3),
  }),
  fc.record({
    act: fc.constant("drain" as const),
    ms: fc.constantFrom(0, 10, 60_000, 2 * dayMs, 50 * dayMs),
  }),
);

/** Plays the acts, and lets everything go in the end. @returns whether holds stood over an erasure to the last */
async function actOut(test: ReturnType<typeof company>, script: readonly Act[]): Promise<boolean> {
  const { heed, person, settle } = test;
  const subjects = [anna, bo] as const;
  for (const { email } of subjects) person(email);
  // What each hold found there; what was gone before is not its business.
  const holds: { id: string; found: readonly (readonly [string, string])[] }[] = [];
  const there = () =>
    subjects.flatMap(({ email }) => {
      const left = leftOf(test, { email });
      return Object.entries(left).flatMap(([at, has]) => (has ? [[email, at] as const] : []));
    });
  const check = () => {
    const now = new Set(there().map(String));
    for (const { found } of holds) for (const each of found) expect(now).toContain(String(each));
  };
  let asked = 0;
  let placed = 0;
  for (const act of script) {
    if (act.act === "drain") {
      if (act.ms > 0) await test.clock.advance(act.ms);
      await heed.work.drain();
    } else if (act.act === "erase") {
      await heed.requests.open({ ...erasure, subject: subjects[act.who] ?? anna });
      asked += 1;
    } else if (act.act === "place") {
      const email = subjects[act.who]?.email ?? "";
      const processor = ([undefined, "crm", "billing", undefined] as const)[act.which];
      const scope = act.which === 3 ? ({ everyone: true } as const) : { subject: { email } };
      const { id, inFlight, changed } = await heed.holds.place({
        ...scope,
        ...(processor === undefined ? {} : { processor }),
        ...order,
        reason: `case-${(placed += 1)}`,
        reviewAt: "2040-01-01T00:00:00Z",
      });
      if (inFlight.length > 0 || !changed) throw new Error("a hold of nothing in hand is its own");
      const at = { crm: "crm", billing: "cards" };
      const found = there().filter(
        ([who, what]) =>
          (act.which === 3 || who === email) && (processor === undefined || at[processor] === what),
      );
      holds.push({ id, found });
    } else {
      const [hold] = holds.splice(act.which % Math.max(1, holds.length), 1);
      if (hold !== undefined) await heed.holds.release(hold.id);
    }
    check();
  }
  const stood = asked > 0 && holds.length > 0;
  for (const { id } of holds.splice(0)) await heed.holds.release(id);
  for (const subject of subjects) await heed.requests.open({ ...erasure, subject });
  await settle();
  expect(there()).toEqual([]);
  expect(await openSteps(test)).toEqual([]);
  expect(await test.rows("subjects")).toEqual([]);
  return stood;
}

/**
 * What a legal hold promises, over a storage: what it covers is there, whatever was planned, leased or drained.
 *
 * @param create opens an empty storage, named `place`
 * @param runs how many series of acts are tried
 */
export function describeHolds({
  name,
  create,
  runs,
}: {
  readonly name: string;
  readonly create: (place: string) => HeedStorage | Promise<HeedStorage>;
  readonly runs: number;
}): void {
  const opened = async (clock: VirtualClock) => {
    const storage = await create(`heed${randomBytes(6).toString("hex")}`);
    onTestFinished(() => storage.close());
    return standingStill(storage, clock);
  };

  describe(`a legal hold over ${name}`, () => {
    it(
      "keeps everything that was there, also past the deadline, and lets it go when it is released",
      { timeout: 60_000 },
      async () => {
        const clock = virtualClock(start, { autoAdvance: true });
        const test = company({ clock, storage: await opened(clock) });
        const { heed, person, settle, rows } = test;
        person(anna.email);
        person(bo.email);
        const placed = await heed.holds.place({ subject: anna, ...order });
        expect(placed).toEqual({ id: expect.any(String), changed: true, inFlight: [] });
        const held = await heed.requests.open({ ...erasure, subject: anna });
        const other = await heed.requests.open({ ...erasure, subject: bo });
        await settle(100 * dayMs);
        expect(clock.now().getTime() - Date.parse(start)).toBeGreaterThan(90 * dayMs);
        expect(leftOf(test, anna)).toEqual(all);
        expect(leftOf(test, bo)).toEqual(nothing);
        expect((await heed.requests.get(other.id)).state).toBe("partially_fulfilled");

        const view = await heed.requests.get(held.id);
        expect(view.state).toBe("executing");
        expect(
          view.steps.map(({ operation, state, because, held, tries }) => [
            operation,
            state,
            because,
            held,
            tries,
          ]),
        ).toEqual([
          ["unsubscribe", "verified", undefined, undefined, 0],
          ["erase", "due", "legal-hold", true, 0],
          ["forgetTokens", "due", "legal-hold", true, 0],
          ["erase", "due", "legal-hold", true, 0],
          ["erase", "waiting", undefined, true, 0],
        ]);
        expect(await heed.holds.release(placed.id)).toEqual({ changed: true });
        await heed.work.drain();
        expect(leftOf(test, anna)).toEqual(nothing);
        expect((await heed.requests.get(held.id)).state).toBe("partially_fulfilled");
        expect((await heed.requests.get(held.id)).steps.some((step) => "held" in step)).toBe(false);
        expect(await rows("subjects")).toEqual([]);
        expect(await rows("identifiers")).toEqual([]);
      },
    );

    it("placed between the lease and the run takes the step back", async () => {
      const clock = virtualClock(start, { autoAdvance: true });
      const { storage, hook } = interrupting(await opened(clock));
      const test = company({ clock, storage });
      const { heed, person, settle, rows } = test;
      person(anna.email);
      await heed.requests.open({ ...erasure, subject: anna });
      let placed: Awaited<ReturnType<typeof heed.holds.place>> | undefined;
      let after: readonly Row<"steps">[] = [];
      const crmErase = stepOf(await rows("steps"), "crm");
      // Its second lease is the one for the run.
      hook.at = (writes) =>
        [crmErase?.id ?? "-", '"running"', '"attempt":2'].every((each) => writes.includes(each));
      hook.act = async () => {
        placed = await heed.holds.place({ subject: anna, ...order });
        after = await rows("steps");
      };
      await settle(3 * dayMs);
      expect(placed?.inFlight).toEqual([]);
      expect(stepOf(after, "crm")).toMatchObject({
        state: "due",
        because: "legal-hold",
        leaseUntil: null,
        attempted: 0,
      });
      // Tokens go before contacts.
      expect(leftOf(test, anna)).toEqual({ ...all, cards: 0 });
    });
  });

  describe(`in whatever order holds are placed and released, and work is done, over ${name}`, () => {
    it("what a hold covers is there, and nothing is once all are released", { timeout: 60_000 }, async () => {
      let heldInVain = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(acts, { minLength: 3, maxLength: 14 }), async (script) => {
          const clock = virtualClock(start, { autoAdvance: true, quietTurns: 5 });
          const storage = await opened(clock);
          const stood = await actOut(company({ clock, storage }), script);
          await storage.close();
          if (stood) heldInVain += 1;
        }),
        // One that is sure to hold an erasure up; the others do as chance has it.
        {
          numRuns: runs,
          examples: [
            [
              [
                { act: "place", who: 0, which: 0 },
                { act: "erase", who: 0, which: 0 },
                { act: "drain", ms: 2 * dayMs },
              ],
            ],
          ],
        },
      );
      expect(heldInVain).toBeGreaterThan(0);
    });
  });
}
