import { expect } from "vitest";
import type { Call } from "@heed/core/contract";
import {
  callsFor,
  canReadBack,
  carryOut,
  found,
  isDone,
  operationOf,
  readBack,
  type Carried,
} from "../carry-out.ts";
import {
  changing,
  destructive,
  looking,
  type ProcessorCase,
  type Scene,
  type Stage,
} from "../processor-case.ts";
import { changingLists, isWrite } from "../rules.ts";
import { expectDone, expectNobodyNamed, expectTruth, sceneWith } from "../truth.ts";
import type { Rule } from "../wire.ts";
import { wireReply } from "../wire.ts";
import type { VendorRequest } from "../world.ts";

const people = ["b1.canary@example.org", "b2.canary@example.org", "b3.canary@example.org"] as const;
const [first, second, third] = people;

const reversed = (records: readonly object[]) => records.toReversed();
const doubled = (records: readonly object[]) => [...records, ...records.slice(0, 1)];

/** The objects of a call. The same one twice is one. */
const targetsOf = ({ targets }: Call) =>
  [...new Set(targets.map(({ kind, id, within }) => [kind, id, within].join(" ")))].toSorted();

/** As many at once as the operation takes. */
async function inBatches(scene: Scene, calls: readonly Call[]): Promise<Carried> {
  const size = operationOf(scene).batchSize;
  const parts: Carried[] = [];
  for (let at = 0; at < calls.length; at += size)
    parts.push(await carryOut(scene, calls.slice(at, at + size)));
  return {
    stories: parts.flatMap(({ stories }) => stories),
    troubles: parts.flatMap(({ troubles }) => troubles),
  };
}

/** The second of three is refused by the vendor in whatever is written about nobody else. */
function refusing(
  scene: Scene,
  calls: readonly Call[],
): { readonly rule: Rule; readonly isMet: () => boolean } {
  const named = calls.map((call) => [
    ...call.identifiers.map(({ value }) => value),
    ...call.targets.map(({ id }) => id),
  ]);
  const [before = [], theirs = [], after = []] = named;
  const mentions = ({ path, body }: VendorRequest, ids: readonly string[]) => {
    const texts = [path, decoded(path), body, decoded(body.replaceAll("+", " "))];
    return ids.some((id) => texts.some((text) => new RegExp(`(?<!\\w)${quoted(id)}(?!\\w)`, "i").test(text)));
  };
  let met = false;
  return {
    isMet: () => met,
    rule: (request) => {
      const isTheirs = mentions(request, theirs) && !mentions(request, [...before, ...after]);
      if (!isTheirs || !isWrite(scene, request)) return request.forward();
      met = true;
      return wireReply({ status: 400, body: { message: `Not for ${second}.`, status: "error" } });
    },
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const quoted = (text: string): string => text.replaceAll(/[^\w@]/g, String.raw`\$&`);

/** Three people at once, with the vendor's answers changed on their way. */
async function withChanged(
  stage: Stage,
  change: Parameters<typeof changingLists>[0],
  status?: number,
): Promise<{ scene: Scene; carried: Carried }> {
  const { scene, calls } = await sceneWith(stage, ...people);
  if (operationOf(scene).batchSize === 1) stage.skip("the operation takes one call at a time");
  const { rule, hasChanged } = changingLists(change, status);
  scene.wire.meet(rule);
  const carried = await inBatches(scene, calls);
  if (!hasChanged()) {
    expect(carried.troubles).toEqual([]);
    stage.skip("no answer in this case held several records");
  }
  return { scene, carried };
}

/** Whether what is said of one is true of that one. */
export const batches = {
  "answers a batch by call id": {
    async judge(stage) {
      const { scene } = await sceneWith(stage, first, third);
      const calls = callsFor(scene, people);
      const { stories, troubles } = await inBatches(scene, calls);
      expect(troubles).toEqual([]);
      const isAbsent = [...destructive, ...looking, "rectify"].includes(stage.operation);
      for (const [index, { call, outcome, finding }] of stories.entries()) {
        const expected = index === 1 && isAbsent ? /^absent$/ : /^(?:done|pending)$/;
        if (index !== 1 || isAbsent)
          expect([call.id, outcome?.status]).toEqual([call.id, expect.stringMatching(expected)]);
        if (canReadBack(scene) && (index !== 1 || isAbsent))
          expect([call.id, finding?.seen]).toEqual([call.id, "as-asked"]);
      }
      if (!looking.includes(stage.operation)) {
        await expectDone(scene, first, stories[0]?.call ?? fails());
        await expectDone(scene, third, stories[2]?.call ?? fails());
      }
      await expectTruth(scene, isAbsent ? [first, undefined, third] : people, { stories, troubles });
    },
  },
  "gives each call of a batch its own outcome when one is refused": {
    of: changing,
    needs: ["wire"],
    async judge(stage) {
      const { scene, calls } = await sceneWith(stage, ...people);
      if (operationOf(scene).batchSize < 3) stage.skip("the operation does not take three calls at a time");
      const resolved = await found(scene, calls);
      const { rule, isMet } = refusing(scene, resolved);
      if (scene.world.refuse === undefined) scene.wire.meet(rule);
      else await scene.world.refuse(second);
      const { stories, troubles } = await carryOut(scene, resolved);
      if (scene.world.refuse === undefined && !isMet())
        throw new TypeError(
          `No write is about one of them alone: give the world \`refuse\`. The kit knows only addresses and the ids that \`resolve\` found${
            resolved.some(({ targets }) => targets.length > 0) ? "" : "; this operation has none"
          }.`,
        );
      for (const trouble of troubles) expectNobodyNamed(trouble);
      expect(stories[1]?.outcome?.status ?? "unknown").toMatch(/^(?:failed|manual|unknown)$/);
      await expectTruth(scene, people, { stories, troubles });
      for (const [index, email] of people.entries()) {
        if (email === second) continue;
        const { call, outcome } = stories[index] ?? fails();
        expect([call.id, outcome?.status ?? "unknown"]).toEqual([
          call.id,
          expect.stringMatching(/^(?:done|unknown|pending)$/),
        ]);
        // What a throw left unknown is asked again, alone.
        if (outcome === undefined) await carryOut(scene, [call]);
        expect([call.id, await isDone(scene, email, call)]).toEqual([call.id, true]);
      }
    },
  },
  "reads answers by what they are about, in whatever order they come": {
    needs: ["wire"],
    async judge(stage) {
      for (const change of [reversed, doubled]) {
        const { scene, calls } = await sceneWith(stage, ...people);
        if (operationOf(scene).batchSize < 3) stage.skip("the operation does not take three calls at a time");
        const straight = await found(scene, calls);
        const { rule, hasChanged } = changingLists(change);
        scene.wire.meet(rule);
        const resolved = await found(scene, calls);
        expect(resolved.map(targetsOf)).toEqual(straight.map(targetsOf));
        // Not all of them, so that it shows who was meant.
        const { stories, troubles } = await carryOut(scene, resolved.slice(0, 2));
        expect(troubles).toEqual([]);
        for (const { call, outcome } of stories)
          expect([call.id, outcome?.status]).toEqual([call.id, expect.stringMatching(/^(?:done|pending)$/)]);
        await expectTruth(scene, people, { stories, troubles });
        if (canReadBack(scene))
          expect(await readBack(scene, resolved)).toEqual(["as-asked", "as-asked", "not-as-asked"]);
        if (!hasChanged()) stage.skip("no answer in this case held several records");
      }
    },
  },
  "takes what a partial answer leaves out for unknown": {
    of: changing,
    needs: ["wire"],
    async judge(stage) {
      for (const leavesOut of [0, 1, -1]) {
        const { scene, carried } = await withChanged(
          stage,
          (records, depth) => (depth > 1 ? records : records.toSpliced(leavesOut % records.length, 1)),
          207,
        );
        for (const trouble of carried.troubles) expectNobodyNamed(trouble);
        await expectTruth(scene, people, carried);
        // The others are served.
        expect(carried.stories.filter(({ outcome }) => outcome?.status === "done").length).toBeGreaterThan(0);
      }
    },
  },
} as const satisfies Readonly<Record<string, ProcessorCase>>;

function fails(): never {
  throw new TypeError("A call of the batch is missing.");
}
