import { expect } from "vitest";
import type { Outcome, Retained } from "@heed/core/contract";
import { callsFor, canReadBack, carryOut, inputOf, isDone, operationOf } from "../carry-out.ts";
import { lend } from "../lend.ts";
import { preferences, type ProcessorCase } from "../processor-case.ts";
import { anna, expectDone, sceneWith } from "../truth.ts";

/** Slugs, a citation and a civil date: it goes into evidence. */
const slug = /^[a-z][a-z0-9-]{0,63}$/;
const law = /^[\w .,:()§/-]{1,80}$/;
const civilDate = /^\d{4}-\d{2}-\d{2}$/;

function expectWellFormed({ category, reason, law: citation, until }: Retained): void {
  expect([category, reason]).toEqual([expect.stringMatching(slug), expect.stringMatching(slug)]);
  if (citation !== undefined) expect(citation).toMatch(law);
  if (until !== undefined) expect(until).toMatch(civilDate);
}

const retainedIn = (outcome: Outcome | undefined): readonly Retained[] =>
  outcome !== undefined && "retained" in outcome ? (outcome.retained ?? []) : [];

/** Whether what stays is said, and one topic is one topic. */
export const keeping = {
  "reports what it retains, with reason and date": {
    of: ["erase", "forgetTokens"],
    needs: ["keep"],
    async judge(stage) {
      const { scene } = await sceneWith(stage, anna);
      const { keep } = scene.world;
      if (keep === undefined || (stage.operation !== "erase" && stage.operation !== "forgetTokens")) return;
      const kept = {
        category: keep.category,
        reason: "legal-obligation",
        law: "SFS 1999:1078 7:2",
        until: "2033-12-31",
      };
      expect(await keep.isThere(anna)).toBe(true);
      const calls = callsFor(scene, [anna], { ...inputOf(scene, stage.operation), keep: [kept] });
      const { stories, troubles } = await carryOut(scene, calls);
      expect(troubles).toEqual([]);
      for (const { call, outcome, finding } of stories) {
        expect(retainedIn(outcome)).toContainEqual(kept);
        for (const each of retainedIn(outcome)) expectWellFormed(each);
        await expectDone(scene, anna, call);
        if (canReadBack(scene)) expect(finding?.seen).toBe("as-asked");
      }
      expect(await keep.isThere(anna)).toBe(true);
      const { repeat, run } = operationOf(scene);
      if (repeat !== "safe") return;
      // As an engine that never heard the answer: only by saying it again does it become known.
      const found = stories.map(({ call }) => call);
      const again = await run(found, lend(scene));
      for (const { id } of found) expect(retainedIn(again.get(id))).toContainEqual(kept);
    },
  },
  "changes one list, and none of the others": {
    of: preferences,
    needs: ["two topics"],
    async judge(stage) {
      const { scene } = await sceneWith(stage, anna);
      const [one = "", ...others] = Object.keys(scene.processor.topics);
      const asking = (topic: string) =>
        callsFor(scene, [anna], { ...inputOf(scene, stage.operation), topics: [topic] });
      const { troubles } = await carryOut(scene, asking(one));
      expect(troubles).toEqual([]);
      for (const call of asking(one)) await expectDone(scene, anna, call);
      for (const other of others)
        for (const call of asking(other))
          expect([other, await isDone(scene, anna, call)]).toEqual([other, false]);
    },
  },
  "ends all lists, those that no topic is bound to included": {
    of: ["unsubscribe"],
    async judge(stage) {
      const { scene } = await sceneWith(stage, anna);
      const calls = callsFor(scene, [anna], { topics: "all" });
      for (const call of calls) expect(await isDone(scene, anna, call)).toBe(false);
      const { stories, troubles } = await carryOut(scene, calls);
      expect(troubles).toEqual([]);
      for (const { call, finding } of stories) {
        await expectDone(scene, anna, call);
        if (canReadBack(scene)) expect(finding?.seen).toBe("as-asked");
      }
    },
  },
} as const satisfies Readonly<Record<string, ProcessorCase>>;
