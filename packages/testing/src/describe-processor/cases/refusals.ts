import { isDeepStrictEqual } from "node:util";
import type { OperationName } from "@heed/core/contract";
import { expect } from "vitest";
import { callsFor, carryOut, found, operationOf, type Story } from "../carry-out.ts";
import { lend } from "../lend.ts";
import { preferences, type ProcessorCase, type Scene, type Stage } from "../processor-case.ts";
import { answers, cutBefore } from "../rules.ts";
import {
  anna,
  atEachRequest,
  claimsSuccess,
  expectNobodyNamed,
  expectTruth,
  nameOf,
  sceneWith,
} from "../truth.ts";
import type { Rule } from "../wire.ts";
import type { VendorReply, World } from "../world.ts";

const says = (status: number, message: string, headers = {}): VendorReply => ({
  status,
  headers,
  body: { message: `${message} (about ${anna})`, error: { message: `${message} (about ${anna})` } },
});

type Refusal = keyof NonNullable<World["replies"]>;

const plain: Readonly<Record<Refusal, VendorReply>> = {
  unauthorized: says(401, "Invalid credentials."),
  missingScope: says(403, "The token lacks a scope."),
  unknownUrl: says(404, "Unrecognized request URL."),
  rateLimited: says(429, "Too many requests."),
};

/** How this vendor says it: in its own words where the world has them. */
function reply({ world }: Scene, refusal: Refusal): VendorReply {
  return world.replies?.[refusal] ?? plain[refusal];
}

type Judged = (troubles: readonly unknown[]) => void;

/**
 * What every question makes of a vendor that fails: no answer but an error of this name, and no success. Once
 * with all requests of a question failing, and once with each single request of the operation.
 */
function fails(rule: (scene: Scene) => Rule, name: string, judged: Judged = () => {}): ProcessorCase {
  return {
    needs: ["wire"],
    async judge(stage) {
      await failEachQuestion(stage, rule, (troubles) => {
        expect(troubles.map(nameOf)).toContain(name);
        judged(troubles);
      });
      const { scene: any } = await sceneWith(stage);
      await atEachRequest(stage, rule(any), async (scene, carried) => {
        for (const trouble of carried.troubles) expectNobodyNamed(trouble);
        await expectTruth(scene, [anna], carried);
      });
    },
  };
}

async function failEachQuestion(stage: Stage, rule: (scene: Scene) => Rule, judged: Judged): Promise<void> {
  const { scene, calls } = await sceneWith(stage, anna);
  const resolved = await found(scene, calls);
  const before = await scene.world.snapshot(anna);
  const { resolve, guard, run, verify } = operationOf(scene);
  const questions: Readonly<Record<string, (() => Promise<ReadonlyMap<string, unknown>>) | undefined>> = {
    resolve: resolve && (() => resolve(calls, lend(scene))),
    guard: guard && (() => guard(resolved, lend(scene))),
    run: () => run(resolved, lend(scene)),
    verify: typeof verify === "function" ? () => verify(resolved, lend(scene)) : undefined,
  };
  scene.wire.meet(rule(scene));
  for (const [question, put] of Object.entries(questions)) {
    if (put === undefined) continue;
    const sent = scene.wire.requests.length;
    const { definite, troubles } = await failures(question, put);
    // What asks nobody cannot fail.
    if (scene.wire.requests.length === sent) continue;
    // Not "nobody found", not "go ahead", not "done", not "as asked".
    expect([question, definite]).toEqual([question, []]);
    for (const trouble of troubles) expectNobodyNamed(trouble);
    // A guard may say that it could not read instead of throwing.
    if (question !== "guard") judged(troubles);
  }
  expect(await scene.world.snapshot(anna)).toBe(before);
}

/** What a question answered in spite of all, and what went wrong. */
async function failures(question: string, put: () => Promise<ReadonlyMap<string, unknown>>) {
  try {
    const given = [...(await put()).values()] as Record<string, unknown>[];
    const records = given.map((each) => each["records"]);
    for (const each of records)
      for await (const _ of (each ?? []) as AsyncIterable<unknown>) {
        // An export is read to its end: that is when it may fail.
      }
    return {
      definite: given.filter((each) => isDefinite(question, each)),
      troubles: given.flatMap((each) => (each["status"] === "failed" ? [each["error"]] : [])),
    };
  } catch (error) {
    return { definite: [], troubles: [error] };
  }
}

function isDefinite(question: string, { status, seen, clear }: Record<string, unknown>): boolean {
  if (question === "resolve") return true;
  if (question === "guard") return clear === true;
  return question === "run" ? status !== "failed" : seen !== "unknown";
}

const retryAfterMs = (trouble: unknown): unknown => (trouble as { retryAfterMs?: unknown }).retryAfterMs;
const dayMs = 86_400_000;

const rateLimited =
  (retryAfter: Readonly<Record<string, string>>) =>
  (scene: Scene): Rule => {
    const { headers = {}, ...rest } = reply(scene, "rateLimited");
    const others = Object.entries(headers).filter(([name]) => name.toLowerCase() !== "retry-after");
    return answers({ ...rest, headers: { ...Object.fromEntries(others), ...retryAfter } });
  };

const json = { "content-type": "application/json" };
/** Half of a JSON. */
const garbled: VendorReply = { status: 200, headers: json, body: `{"results":[{"id":"1","email":"${anna}` };
/** What can be read, and is not what was asked for: nothing, an empty answer, one of other types. */
const misshapen: readonly VendorReply[] = [
  { status: 200 },
  { status: 200, headers: json, body: "{}" },
  { status: 200, headers: json, body: `{"data":"${anna}","results":7,"has_more":"yes"}` },
];
const malformed: readonly VendorReply[] = [
  garbled,
  ...misshapen,
  { status: 200, headers: { "content-type": "text/html" }, body: `<html>Bad gateway for ${anna}</html>` },
  { status: 200, headers: json, body: "null" },
  { status: 200, headers: json, body: "[]" },
];

/** The account may be opened; everything else is forbidden. */
function onlyTheAccount(scene: Scene): Rule {
  let seen = 0;
  return (request) => {
    seen += 1;
    return seen === 1 ? request.forward() : answers(reply(scene, "missingScope"))(request);
  };
}

/** The operations that `check()` says a permission is missing for. */
async function lackingIn({ processor }: Scene): Promise<readonly OperationName[]> {
  const { lacks } = await processor.check(lend({ processor })).catch((error: unknown) => {
    expectNobodyNamed(error);
    return expect.fail(`check() threw ${nameOf(error)}: what the key may not do belongs into \`lacks\``);
  });
  return lacks.map(({ operation }) => operation);
}

/** Whether an operation is carried out for somebody in spite of what the key may not. */
async function isCarriedOut(scene: Scene, operation: OperationName): Promise<boolean> {
  const other: Scene = { ...scene, operation };
  const email = `${operation}.${anna}`;
  await scene.world.add(email, operation);
  const { stories } = await carryOut(other, callsFor(other, [email]));
  return stories.every((story) => claimsSuccess(other, story));
}

/** What is made of a vendor that refuses, fails or talks nonsense. */
export const refusals = {
  "is refused on 401": fails((scene) => answers(reply(scene, "unauthorized")), "RejectedError"),
  "is refused on 403": fails(() => answers(says(403, "Forbidden.")), "RejectedError"),
  "takes a missing scope for a refusal, never for success": fails(
    (scene) => answers(reply(scene, "missingScope")),
    "RejectedError",
  ),
  "takes an unknown URL for a missing capability, never for success": fails(
    (scene) => answers(reply(scene, "unknownUrl")),
    "RejectedError",
  ),
  "slows down on 429, for as long as Retry-After says": fails(
    rateLimited({ "retry-after": "7" }),
    "RateLimitedError",
    (troubles) => expect(troubles.map(retryAfterMs)).toContain(7000),
  ),
  "slows down on 429 without Retry-After": fails(rateLimited({}), "RateLimitedError", (troubles) => {
    for (const ms of troubles.map(retryAfterMs)) {
      expect(ms).toBeTypeOf("number");
      expect(ms).toBeGreaterThanOrEqual(0);
      expect(ms).toBeLessThanOrEqual(dayMs);
    }
  }),
  "finds a failing vendor unavailable": fails(() => answers(says(503, "Try later.")), "UnavailableError"),
  "takes a cut connection for no answer": fails(() => cutBefore, "UnavailableError"),
  "takes a garbled answer for no answer": fails(() => answers(garbled), "UnavailableError"),
  "believes no malformed answer": {
    needs: ["wire"],
    async judge(stage) {
      for (const reply of malformed) {
        const { scene, calls } = await sceneWith(stage, anna);
        scene.wire.meet(answers(reply));
        const { stories, troubles } = await carryOut(scene, calls);
        for (const trouble of troubles) {
          expect(nameOf(trouble)).toMatch(/^\w+Error$/);
          expectNobodyNamed(trouble);
        }
        // Nothing reached the vendor.
        expect([reply, stories.filter((story: Story) => claimsSuccess(scene, story))]).toEqual([reply, []]);
      }
      for (const reply of misshapen)
        await atEachRequest(stage, answers(reply), async (scene, carried) => {
          for (const trouble of carried.troubles) expectNobodyNamed(trouble);
          await expectTruth(scene, [anna], carried);
        });
    },
  },
  "proves which account it is": {
    needs: ["misconfigured"],
    async judge(stage) {
      const { scene } = await sceneWith(stage);
      const { processor, misconfigured } = scene;
      expect((await processor.check(lend(scene))).account).toBe(processor.account);
      if (misconfigured === undefined) return;
      const other: unknown = await misconfigured
        .check(lend({ processor: misconfigured }))
        .catch(() => undefined);
      expect((other as { account?: unknown } | undefined)?.account).not.toBe(misconfigured.account);
    },
  },
  "names the topics whose list the vendor does not know": {
    of: preferences,
    when: ({ processor }) => Object.keys(processor.topics).length > 0,
    needs: ["misbound"],
    async judge(stage) {
      const { scene } = await sceneWith(stage);
      const { processor, misbound = processor } = scene;
      const wrong = Object.entries<unknown>(misbound.topics).flatMap(([topic, list]) =>
        isDeepStrictEqual(processor.topics[topic], list) ? [] : [topic],
      );
      expect(wrong, "`misbound` binds every topic as `processor` does").not.toEqual([]);
      expect((await processor.check(lend(scene))).unknownTopics).toEqual([]);
      const { unknownTopics } = await misbound.check(lend({ processor: misbound }));
      expect(unknownTopics.toSorted()).toEqual(wrong.toSorted());
    },
  },
  "says before anything is done which permission is missing": {
    needs: ["wire"],
    async judge(stage) {
      const { scene } = await sceneWith(stage);
      const { operation } = stage;
      const { world, wire } = scene;
      expect(
        await lackingIn(scene),
        `the key may do all that it needs, and \`lacks\` names "${operation}"`,
      ).not.toContain(operation);
      if (world.forbid === undefined) wire.meet(onlyTheAccount(scene));
      else await world.forbid(operation);
      const lacking = await lackingIn(scene);
      expect(
        lacking,
        world.forbid === undefined
          ? `check() was refused everything but its first request, and \`lacks\` does not name "${operation}": ask for each permission by a call, give the world \`forbid\`, or say in \`cannot\` why the vendor does not allow that`
          : `the key has no permission for "${operation}" any more, and \`lacks\` does not name it`,
      ).toContain(operation);
      if (world.forbid === undefined) return;
      for (const other of new Set(lacking))
        expect(
          await isCarriedOut(scene, other),
          `\`lacks\` names "${other}", which is carried out all the same`,
        ).toBe(false);
    },
  },
} as const satisfies Readonly<Record<string, ProcessorCase>>;
