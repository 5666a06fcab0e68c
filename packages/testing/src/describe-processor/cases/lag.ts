import { expect } from "vitest";
import { canReadBack, found, operationOf, readBack } from "../carry-out.ts";
import { lend } from "../lend.ts";
import { changing, type ProcessorCase } from "../processor-case.ts";
import { isWrite, Recording } from "../rules.ts";
import { anna, sceneWith } from "../truth.ts";

/** Whether a vendor that lags is told from one that lies. */
export const lag = {
  "says not yet while the vendor's reads lag, and as asked when they have caught up": {
    of: changing,
    when: canReadBack,
    needs: ["wire"],
    async judge(stage) {
      const { scene, calls } = await sceneWith(stage, anna);
      const resolved = await found(scene, calls);
      // What is read before the write is what a lagging vendor shows after it.
      const recording = new Recording((request) => !isWrite(scene, request));
      scene.wire.meet(recording.record);
      expect(await readBack(scene, resolved)).toEqual(["not-as-asked"]);
      scene.wire.heal();
      const outcomes = await operationOf(scene).run(resolved, lend(scene));
      await scene.world.settle?.();
      const pending = resolved.map((call) => {
        const outcome = outcomes.get(call.id);
        return outcome?.status === "pending" ? { ...call, reference: outcome.reference } : call;
      });
      scene.wire.meet(recording.replay("forward"));
      expect(await readBack(scene, pending)).toEqual([expect.stringMatching(/^not-/)]);
      scene.wire.heal();
      expect(await readBack(scene, pending)).toEqual(["as-asked"]);
    },
  },
} as const satisfies Readonly<Record<string, ProcessorCase>>;
