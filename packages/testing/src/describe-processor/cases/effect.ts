import type { Sighting } from "@heed/core/contract";
import { expect } from "vitest";
import { callsFor, canReadBack, carryOut, found, inputOf, isDone, readBack } from "../carry-out.ts";
import { changing, destructive, looking, type ProcessorCase } from "../processor-case.ts";
import { isWrite, Recording } from "../rules.ts";
import { anna, expectDone, expectNobodyNamed, expectSeen, sceneWith } from "../truth.ts";

const bystander = "bystander@example.org";
const unknown = "unknown.canary@example.org";

/** What may be told of by a webhook, and is then looked at. */
const worthALook: { readonly [S in Exclude<Sighting["saw"], "gone" | "reference-settled">]: true } = {
  "opted-out": true,
  "opted-in": true,
  merged: true,
  "paid-service-ended": true,
  "credential-stored": true,
  "record-stored": true,
};

/** Whether it happens in the world, and to nobody else. */
export const effect = {
  "does it in the world, and reads it back": {
    of: changing,
    async judge(stage) {
      const { scene, calls } = await sceneWith(stage, anna);
      for (const call of calls) expect(await isDone(scene, anna, call)).toBe(false);
      const { stories, troubles } = await carryOut(scene, calls);
      expect(troubles).toEqual([]);
      for (const { call, outcome, finding } of stories) {
        await expectDone(scene, anna, call);
        expect(outcome?.status).toMatch(/^(?:done|pending)$/);
        expect(finding?.seen).toBe(canReadBack(scene) ? "as-asked" : undefined);
      }
    },
  },
  "tells all that the vendor holds": {
    of: ["export"],
    needs: ["facts"],
    async judge(stage) {
      const { scene, calls } = await sceneWith(stage, anna);
      const { stories, troubles } = await carryOut(scene, calls);
      expect(troubles).toEqual([]);
      const facts = scene.world.facts?.(anna) ?? [];
      expect(facts.length).toBeGreaterThan(0);
      for (const { outcome, records = [] } of stories) {
        expect(outcome?.status).toBe("done");
        const told = JSON.stringify(records);
        for (const fact of facts) expect(told).toContain(fact);
        for (const { category } of records) expectNobodyNamed(category);
      }
    },
  },
  "tells nothing of anybody else": {
    of: ["export"],
    async judge(stage) {
      const { scene, calls } = await sceneWith(stage, anna, bystander);
      const { stories } = await carryOut(scene, calls.slice(0, 1));
      expect(JSON.stringify(stories[0]?.records ?? [])).not.toContain(bystander);
    },
  },
  "says whose it is, whatever the webhook told of": {
    of: ["observe"],
    async judge(stage) {
      for (const saw of Object.keys(worthALook) as (keyof typeof worthALook)[]) {
        const { scene } = await sceneWith(stage, anna);
        const { stories, troubles } = await carryOut(scene, callsFor(scene, [anna], { saw: [saw] }));
        expect(troubles).toEqual([]);
        for (const story of stories) {
          expect([saw, story.outcome?.status]).toEqual([saw, "done"]);
          expectSeen(anna, story);
        }
      }
    },
  },
  "leaves every other subject untouched": {
    async judge(stage) {
      const { scene, calls } = await sceneWith(stage, anna, bystander);
      const before = await scene.world.snapshot(bystander);
      expect(before).not.toBe("");
      const { troubles } = await carryOut(scene, calls.slice(0, 1));
      expect(troubles).toEqual([]);
      expect(await scene.world.snapshot(bystander)).toBe(before);
    },
  },
  "changes nothing by only looking": {
    async judge(stage) {
      const { scene, calls } = await sceneWith(stage, anna);
      const before = await scene.world.snapshot(anna);
      const resolved = await found(scene, calls);
      await readBack(scene, resolved);
      if (looking.includes(stage.operation)) await carryOut(scene, calls);
      expect(await scene.world.snapshot(anna)).toBe(before);
      expect(scene.wire.requests.filter((request) => isWrite(scene, request))).toEqual([]);
    },
  },
  "sees on reading back that it has not been done": {
    of: changing,
    when: canReadBack,
    async judge(stage) {
      const { scene, calls } = await sceneWith(stage, anna);
      expect(await readBack(scene, await found(scene, calls))).toEqual(["not-as-asked"]);
    },
  },
  "does not believe an answer that says done when nothing was done": {
    of: changing,
    when: canReadBack,
    needs: ["wire"],
    async judge(stage) {
      const honest = await sceneWith(stage, anna);
      const recording = new Recording((request) => isWrite(honest.scene, request));
      honest.scene.wire.meet(recording.record);
      await carryOut(honest.scene, honest.calls);
      const { scene, calls } = await sceneWith(stage, anna);
      scene.wire.meet(recording.replay("as the next"));
      const { stories } = await carryOut(scene, calls);
      for (const { call, finding } of stories) {
        // What the vendor is not asked for again, it cannot lie about.
        expect(await isDone(scene, anna, call)).toBe(false);
        expect(finding?.seen).toMatch(/^not-/);
      }
    },
  },
  "changes nothing in a second run": {
    async judge(stage) {
      const { scene, calls } = await sceneWith(stage, anna);
      const first = await carryOut(scene, calls);
      const before = await scene.world.snapshot(anna);
      // Once as asked for by somebody new, once as by an engine that died before it could settle.
      for (const again of [calls, first.stories.map(({ call }) => call)]) {
        const { stories, troubles } = await carryOut(scene, again);
        expect(troubles).toEqual([]);
        expect(await scene.world.snapshot(anna)).toBe(before);
        for (const { outcome, finding } of stories) {
          expect(outcome?.status).toMatch(/^(?:done|absent|pending)$/);
          expect(finding?.seen).toBe(canReadBack(scene) ? "as-asked" : undefined);
        }
      }
    },
  },
  "sends no write in a second run": {
    needs: ["wire"],
    async judge(stage) {
      const { scene, calls } = await sceneWith(stage, anna);
      await carryOut(scene, calls);
      const before = scene.wire.requests.length;
      await carryOut(scene, calls);
      const again = scene.wire.requests.slice(before);
      expect(again.length).toBeGreaterThan(0);
      expect(again.filter((request) => isWrite(scene, request))).toEqual([]);
    },
  },
  "finds nobody where nobody is, and leaves nothing of them": {
    of: [...destructive, ...looking, "unsubscribe", "rectify"],
    async judge(stage) {
      const { scene } = await sceneWith(stage, bystander);
      const input =
        stage.operation === "unsubscribe"
          ? { ...inputOf(scene, "unsubscribe"), onlyIfKnown: true }
          : inputOf(scene, stage.operation);
      const { stories, troubles } = await carryOut(scene, callsFor(scene, [unknown], input));
      expect(troubles).toEqual([]);
      expect(stories.map(({ outcome }) => outcome?.status)).toEqual(["absent"]);
      expect(await scene.world.snapshot(unknown)).toBe("");
      expect(scene.wire.requests.filter((request) => isWrite(scene, request))).toEqual([]);
    },
  },
} as const satisfies Readonly<Record<string, ProcessorCase>>;
