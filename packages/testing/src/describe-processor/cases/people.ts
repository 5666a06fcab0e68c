import { expect } from "vitest";
import { callsFor, canReadBack, carryOut, isDone, operationOf } from "../carry-out.ts";
import { changing, destructive, looking, type ProcessorCase, type Scene } from "../processor-case.ts";
import { isWrite } from "../rules.ts";
import { anna, claimsSuccess, expectDone, expectTruth, nameOf, sceneWith } from "../truth.ts";
import type { Rule } from "../wire.ts";
import { throughEngine } from "./through-engine.ts";

const bystander = "bystander@example.org";

const awkward = [
  "o'brien+news@example.org",
  "a/b%c@example.org",
  "UPPER.Case@example.org",
  "jörg@bücher.example",
  "x=y&z#1@example.org",
  "q?u!e*r{y}|~^`$@example.org",
];

/** How often the engine would look again before it asks a human. */
const mostRounds = 5;
/** In so many of them somebody takes things away at the same time: not for ever. */
const shrinkingRounds = 2;

/** Takes one thing away at each read. */
function shrinking(scene: Scene, takeOne: () => void): Rule {
  return async (request) => {
    const reply = await request.forward();
    if (!isWrite(scene, request)) takeOne();
    return reply;
  };
}

/** Whether the right people are found, all of them, and nobody else. */
export const people = {
  "finds identifiers with awkward characters, and nobody else's": {
    async judge(stage) {
      for (const email of awkward) {
        const { scene } = await sceneWith(stage, email, bystander);
        const before = await scene.world.snapshot(bystander);
        const { stories, troubles } = await carryOut(scene, callsFor(scene, [email]));
        expect([email, troubles]).toEqual([email, []]);
        for (const { call, outcome } of stories) {
          expect([email, outcome?.status]).toEqual([email, expect.stringMatching(/^(?:done|pending)$/)]);
          if (!looking.includes(stage.operation))
            expect([email, await isDone(scene, email, call)]).toEqual([email, true]);
        }
        expect(await scene.world.snapshot(bystander)).toBe(before);
      }
    },
  },
  "works through every page of a set, also while it shrinks": {
    needs: ["crowd", "wire"],
    async judge(stage) {
      for (const isShrinking of [false, true]) {
        const scene = await stage.open();
        const takeOne = (await scene.world.crowd?.(anna, stage.operation)) ?? (() => {});
        let calls = callsFor(scene, [anna]);
        for (let round = 1; ; round += 1) {
          if (isShrinking && round <= shrinkingRounds) scene.wire.meet(shrinking(scene, takeOne));
          else scene.wire.heal();
          const carried = await carryOut(scene, calls);
          await expectTruth(scene, [anna], carried);
          const [story] = carried.stories;
          if (story !== undefined && claimsSuccess(scene, story)) break;
          // What broke off is asked again, as the engine does; a refusal it would leave to a human.
          expect(
            carried.troubles.map(nameOf),
            "what somebody else took away meanwhile was taken for a refusal: a missing object is done already",
          ).not.toContain("RejectedError");
          expect([round, carried.troubles.length > 0 || canReadBack(scene)]).toEqual([round, true]);
          expect(round).toBeLessThan(mostRounds);
          calls = callsFor(scene, [anna]);
        }
        if (looking.includes(stage.operation)) continue;
        for (const call of calls) await expectDone(scene, anna, call);
      }
    },
  },
  "acts on every one of several matches, or leaves them all to a human": {
    of: changing,
    needs: ["twin"],
    async judge(stage) {
      const { scene } = await sceneWith(stage, anna);
      await scene.world.twin?.(anna, stage.operation);
      const before = await scene.world.snapshot(anna);
      const ended = await throughEngine(scene, anna);
      if (destructive.includes(stage.operation) && operationOf(scene).matches !== "several") {
        expect([ended.state, ended.because]).toEqual(["manual", "several-matches"]);
        expect(await scene.world.snapshot(anna)).toBe(before);
      } else if (ended.state === "manual") expect(await scene.world.snapshot(anna)).toBe(before);
      else {
        expect(ended.state).toMatch(/^(?:verified|acknowledged|retained)$/);
        for (const call of callsFor(scene, [anna])) await expectDone(scene, anna, call);
      }
    },
  },
  "touches nobody whom the vendor's search merely also finds": {
    needs: ["alike"],
    async judge(stage) {
      const { scene } = await sceneWith(stage, anna);
      const other = (await scene.world.alike?.(anna, stage.operation)) ?? "";
      const before = await scene.world.snapshot(other);
      expect(before).not.toBe("");
      if (looking.includes(stage.operation)) {
        const { stories } = await carryOut(scene, callsFor(scene, [anna]));
        expect(JSON.stringify([stories[0]?.records, stories[0]?.outcome])).not.toContain(other);
        return;
      }
      const ended = await throughEngine(scene, anna);
      expect(await scene.world.snapshot(other)).toBe(before);
      if (ended.state === "manual") expect(ended.because).toMatch(/-match(?:es)?$/);
      else for (const call of callsFor(scene, [anna])) await expectDone(scene, anna, call);
    },
  },
} as const satisfies Readonly<Record<string, ProcessorCase>>;
