import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Call, CallContext } from "@heed/core/contract";
import { canReadBack, carryOut, found, operationOf, readBack } from "../carry-out.ts";
import { lend } from "../lend.ts";
import { changing, type ProcessorCase, type Scene, type Stage } from "../processor-case.ts";
import { cutAfter, hangs, isWrite, onlyAt, stalls } from "../rules.ts";
import { anna, expectDone, expectNobodyNamed, expectTruth, nameOf, sceneWith } from "../truth.ts";

const bystander = "bystander@example.org";
/** Real time: how long an adapter may take to notice that nobody waits any more. */
const noticesInMs = 2000;

type Put = (calls: readonly Call[], context: CallContext) => Promise<unknown>;

/** The questions of an operation that ask the vendor something. */
function questionsOf(scene: Scene): readonly (readonly [string, Put])[] {
  const { resolve, guard, run, verify } = operationOf(scene);
  const drained: Put = async (calls, context) => {
    for (const outcome of (await run(calls, context)).values())
      if ("records" in outcome) for await (const _ of outcome.records ?? []);
  };
  return [
    ...(resolve === undefined ? [] : [["resolve", resolve] as const]),
    ...(guard === undefined ? [] : [["guard", guard] as const]),
    ["run", drained] as const,
    ...(typeof verify === "function" ? [["verify", verify] as const] : []),
  ];
}

/** Asks, gives up as soon as a request hangs, and answers what came of it. */
async function giveUp(scene: Scene, put: Put, calls: readonly Call[]): Promise<string> {
  const over = new AbortController();
  const before = scene.wire.requests.length;
  const ended = put(calls, lend(scene, { signal: over.signal })).then(
    () => "answered",
    (error: unknown) => {
      expectNobodyNamed(error);
      return "stopped";
    },
  );
  scene.wire.onRequest = () => void setTimeout(() => over.abort(new Error("over")), 50);
  const came = await Promise.race([ended, sleep(noticesInMs + 50, "waits on")]);
  scene.wire.onRequest = undefined;
  if (scene.wire.requests.length === before) return "asks nobody";
  const sent = scene.wire.requests.length;
  await sleep(50);
  return scene.wire.requests.length > sent ? "goes on asking" : came;
}

/** How many writes the operation sends when nothing goes wrong, and what is there afterwards. */
async function writesOf(stage: Stage): Promise<{ count: number; after: string }> {
  const { scene, calls } = await sceneWith(stage, anna, bystander);
  await carryOut(scene, calls.slice(0, 1));
  const writes = scene.wire.requests.filter((request) => isWrite(scene, request));
  return { count: writes.length, after: await scene.world.snapshot(anna) };
}

/** What the engine does when a run's answer was lost: looks, and repeats where it is not as asked. */
async function resume(scene: Scene, calls: readonly Call[]): Promise<void> {
  const seen = canReadBack(scene) ? await readBack(scene, calls) : [];
  if (seen[0] === "as-asked") return;
  const context = lend(scene);
  const outcomes = await operationOf(scene).run(calls, context);
  for (const { id } of calls) expect(outcomes.get(id)?.status).toMatch(/^(?:done|absent|pending)$/);
  await scene.world.settle?.();
  if (canReadBack(scene)) expect(await readBack(scene, calls)).toEqual(["as-asked"]);
}

/** What becomes of work whose answer never arrives. */
export const lostAnswers = {
  "has one effect when an answer was lost and it is asked again": {
    of: changing,
    needs: ["wire"],
    async judge(stage) {
      const { count, after } = await writesOf(stage);
      expect(count).toBeGreaterThan(0);
      for (let at = 0; at < count; at += 1) {
        const { scene, calls } = await sceneWith(stage, anna, bystander);
        const before = await scene.world.snapshot(bystander);
        const resolved = await found(scene, calls.slice(0, 1));
        scene.wire.meet(onlyAt(at, cutAfter, (request) => isWrite(scene, request)));
        const carried = await carryOut(scene, resolved);
        expect(carried.troubles.map(nameOf)).toContain("UnavailableError");
        for (const trouble of carried.troubles) expectNobodyNamed(trouble);
        await expectTruth(scene, [anna], carried);
        scene.wire.heal();
        await resume(scene, resolved);
        for (const call of resolved) await expectDone(scene, anna, call);
        expect(await scene.world.snapshot(anna)).toBe(after);
        expect(await scene.world.snapshot(bystander)).toBe(before);
      }
    },
  },
  "stops waiting when it is aborted": {
    needs: ["wire"],
    async judge(stage) {
      const { scene, calls } = await sceneWith(stage, anna);
      const resolved = await found(scene, calls);
      const before = await scene.world.snapshot(anna);
      scene.wire.meet(hangs);
      for (const [question, put] of questionsOf(scene)) {
        const came = await giveUp(scene, put, question === "resolve" ? calls : resolved);
        if (came !== "asks nobody") expect([question, came]).toEqual([question, "stopped"]);
      }
      expect(await scene.world.snapshot(anna)).toBe(before);
    },
  },
  "asks nobody when it was aborted before": {
    needs: ["wire"],
    async judge(stage) {
      const { scene, calls } = await sceneWith(stage, anna);
      const resolved = await found(scene, calls);
      const before = scene.wire.requests.length;
      const signal = AbortSignal.abort(new Error("over"));
      for (const [question, put] of questionsOf(scene))
        await put(question === "resolve" ? calls : resolved, lend(scene, { signal })).catch(
          expectNobodyNamed,
        );
      expect(scene.wire.requests.slice(before)).toEqual([]);
    },
  },
  "knows nothing of a write that it no longer waits for, until it reads back": {
    of: changing,
    needs: ["wire"],
    async judge(stage) {
      const { count } = await writesOf(stage);
      const { scene, calls } = await sceneWith(stage, anna);
      const resolved = await found(scene, calls);
      const over = new AbortController();
      scene.wire.meet(
        onlyAt(
          count - 1,
          async (request) => {
            const met = await stalls(request);
            over.abort(new Error("over"));
            return met;
          },
          (request) => isWrite(scene, request),
        ),
      );
      const answered = await Promise.race([
        operationOf(scene)
          .run(resolved, lend(scene, { signal: over.signal }))
          .then(
            (outcomes) => [...outcomes.values()].map(({ status }) => status),
            () => "thrown" as const,
          ),
        sleep(10 * noticesInMs, "waits on" as const),
      ]);
      expect(answered).not.toBe("waits on");
      if (answered !== "thrown") expect(answered).toEqual([]);
      scene.wire.heal();
      await resume(scene, resolved);
      for (const call of resolved) await expectDone(scene, anna, call);
    },
  },
} as const satisfies Readonly<Record<string, ProcessorCase>>;
