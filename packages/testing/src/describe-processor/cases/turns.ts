import { expect } from "vitest";
import { carryOut } from "../carry-out.ts";
import { lend } from "../lend.ts";
import type { ProcessorCase } from "../processor-case.ts";
import { anna, expectNobodyNamed, expectTruth, sceneWith } from "../truth.ts";

/** Whether the engine's limiter can rely on the adapter. */
export const turns = {
  "takes a turn before every request, and none besides": {
    needs: ["wire"],
    async judge(stage) {
      const { scene, calls } = await sceneWith(stage, anna);
      const context = lend(scene);
      const early: string[] = [];
      let sent = 0;
      scene.wire.onRequest = ({ method, path }) => {
        sent += 1;
        if (sent > context.turns) early.push(`${method} ${path}`);
      };
      await scene.processor.check(context);
      const { troubles } = await carryOut(scene, calls, context);
      expect(troubles).toEqual([]);
      expect(early).toEqual([]);
      expect(sent).toBeGreaterThan(0);
      expect(context.turns).toBe(sent);
    },
  },
  "makes no request where the turn is refused": {
    needs: ["wire"],
    async judge(stage) {
      const straight = await sceneWith(stage, anna);
      await carryOut(straight.scene, straight.calls);
      const count = straight.scene.wire.requests.length;
      expect(count).toBeGreaterThan(0);
      for (let refusesFrom = 1; refusesFrom <= count; refusesFrom += 1) {
        const { scene, calls } = await sceneWith(stage, anna);
        const carried = await carryOut(scene, calls, lend(scene, { refusesFrom }));
        expect(scene.wire.requests.length).toBeLessThan(refusesFrom);
        expect(carried.troubles.length).toBeGreaterThan(0);
        for (const trouble of carried.troubles) expectNobodyNamed(trouble);
        await expectTruth(scene, [anna], carried);
      }
    },
  },
} as const satisfies Readonly<Record<string, ProcessorCase>>;
