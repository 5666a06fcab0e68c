import { expect } from "vitest";
import { carryOut } from "../carry-out.ts";
import type { ProcessorCase } from "../processor-case.ts";
import { isWrite } from "../rules.ts";
import { anna, expectNobodyNamed, sceneWith } from "../truth.ts";

/** What an operation does that only a human can carry out at this vendor. */
export const byHand = {
  "leaves it to a human, with an instruction that names nobody": {
    byHand: true,
    async judge(stage) {
      const { scene, calls } = await sceneWith(stage, anna);
      const before = await scene.world.snapshot(anna);
      const { stories, troubles } = await carryOut(scene, calls);
      expect(troubles).toEqual([]);
      for (const { outcome } of stories) {
        expect(outcome?.status).toBe("manual");
        if (outcome?.status !== "manual") continue;
        expect(outcome.instruction.length).toBeGreaterThan(20);
        expectNobodyNamed(outcome);
      }
      expect(await scene.world.snapshot(anna)).toBe(before);
      expect(scene.wire.requests.filter((request) => isWrite(scene, request))).toEqual([]);
    },
  },
} as const satisfies Readonly<Record<string, ProcessorCase>>;
