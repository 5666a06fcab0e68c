import { definePolicy, type ProcessorV1 } from "@heed/core";
import type { Call, InputOf, OperationName, Sighting } from "@heed/core/contract";
import { expect } from "vitest";
import { createTestHeed } from "../../create-test-heed.ts";
import { callsFor, carryOut } from "../carry-out.ts";
import { lend } from "../lend.ts";
import { overheard } from "../overheard.ts";
import { changing, type ProcessorCase, type Scene } from "../processor-case.ts";
import { answers, cutAfter, cutBefore, isWrite, onlyAt } from "../rules.ts";
import { anna, canary, expectNobodyNamed, sceneWith } from "../truth.ts";
import type { Rule } from "../wire.ts";
import type { VendorReply } from "../world.ts";
import { longEnoughMs, patientClock, subjectOf, throughEngine } from "./through-engine.ts";

/** A vendor's texts quote what they were sent. */
const quoting = (status: number): VendorReply => ({
  status,
  headers: { "x-about": anna },
  body: {
    status: "error",
    message: `Something is wrong with ${anna}.`,
    error: { type: "invalid_request_error", message: `No such person: '${anna}'`, param: anna },
    errors: [{ message: anna, context: { id: [anna] } }],
    correlationId: anna,
  },
});

const rules: readonly Rule[] = [
  ...[400, 401, 403, 404, 409, 422, 429, 500, 503].map((status) => answers(quoting(status))),
  answers({ status: 200, body: `${anna}{` }),
  cutBefore,
  cutAfter,
];

/** Which requests go wrong: all, all but the first, or those that change something. */
const places: readonly ((seen: number, isWrite: boolean) => boolean)[] = [
  () => true,
  (seen) => seen > 1,
  (_seen, isWrite) => isWrite,
];

/** Each of the rules, in each of the places: made for one scene. */
const troubles: readonly ((scene: Scene) => Rule)[] = rules.flatMap((rule) =>
  places.map((strikes) => (scene) => {
    let seen = 0;
    return (request) => {
      seen += 1;
      return strikes(seen, isWrite(scene, request)) ? rule(request) : request.forward();
    };
  }),
);

/** The records of an export are personal, and so are the addresses of whom was looked at; all else that is told is not. */
const withoutRecords = (outcome: object | undefined) =>
  outcome === undefined ? undefined : { ...outcome, records: undefined, addresses: undefined };

/** What a person is named by, and what is to be written of them. */
function personalIn(calls: readonly Call[]): readonly string[] {
  const values = calls.flatMap(({ operation, input }) =>
    operation === "rectify" ? Object.values((input as InputOf["rectify"]).changes) : [],
  );
  return [
    ...calls.flatMap(({ identifiers }) => identifiers.map(({ value }) => value)),
    ...values.filter((value) => value !== null),
  ];
}

/** Whether what is told names nobody. */
export const privacy = {
  "names nobody in errors, answers, logs or warnings, whatever the vendor quotes": {
    needs: ["wire"],
    async judge(stage) {
      const told: unknown[] = [];
      let personal: readonly string[] = [];
      const aloud = await overheard(async () => {
        for (const trouble of [undefined, ...troubles]) {
          const { scene, calls } = await sceneWith(stage, anna);
          personal = personalIn(calls);
          if (trouble !== undefined) scene.wire.meet(trouble(scene));
          told.push(await scene.processor.check(lend(scene)).catch((error: unknown) => error));
          // What is tried again finds other things than the first time.
          for (let time = 0; time < 2; time += 1) {
            const carried = await carryOut(scene, calls);
            // Who asks nobody has nothing to tell.
            expect(scene.wire.requests.length).toBeGreaterThan(0);
            if (trouble === undefined) expect(carried.troubles).toEqual([]);
            told.push(...carried.troubles);
            for (const { clearance, outcome, finding } of carried.stories)
              told.push(clearance, withoutRecords(outcome), finding);
          }
        }
      });
      for (const each of [...told, ...aloud]) expectNobodyNamed(each, personal);
    },
  },
  "leaves nobody's name in evidence, traces, metrics or rows of heed's own": {
    of: [...changing, "observe"],
    async judge(stage) {
      const { scene, calls } = await sceneWith(stage, anna);
      const errors: unknown[] = [];
      const aloud = await overheard(async () => {
        if (!isAskedFor(stage.operation)) {
          errors.push(await throughEngine(scene, anna, onlyAt(1, answers(quoting(500)))));
          return;
        }
        const test = heedOver(scene);
        test.heed.on("work.failed", ({ error }) => void errors.push(error));
        if (scene.wire.isUsed) {
          const strikes = onlyAt(1, answers(quoting(500)));
          scene.wire.meet((request) => test.clock.during(Promise.resolve(strikes(request))));
        }
        await ask(test, scene);
        await test.settle(longEnoughMs(scene));
        scene.wire.heal();
        const steps = (await test.rows("steps")).filter(({ operation }) => operation === scene.operation);
        expect(steps.filter(({ endedAt }) => endedAt !== null).length).toBeGreaterThan(0);
        expect((await test.rows("evidence")).length).toBeGreaterThan(0);
        for (const text of [canary, ...personalIn(calls)]) expect(await test.search(text)).toEqual([]);
      });
      expect(aloud.length).toBeGreaterThan(0);
      for (const each of [...errors, ...aloud]) expectNobodyNamed(each, personalIn(calls));
    },
  },
} as const satisfies Readonly<Record<string, ProcessorCase>>;

function heedOver(scene: Scene) {
  const { processor } = scene;
  // What the vendor's own webhook would tell.
  const sightings = async (): Promise<readonly Sighting[]> => {
    const subject = callsFor(scene, [anna]).flatMap(({ identifiers }) => identifiers);
    return [{ id: anna, claimedAt: "2026-01-15T12:00:00.000Z", subject, saw: "opted-out", topics: "all" }];
  };
  const topics = Object.keys(processor.topics);
  const policy = definePolicy({
    controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
    recipients: { vendor: { role: "processor", country: "SE" } },
    purposes: { news: { basis: "consent" } },
    topics: Object.fromEntries(
      topics.map((topic) => [topic, { class: "marketing", purpose: "news", via: ["vendor"] } as const]),
    ),
  });
  return createTestHeed({
    policy,
    processors: { vendor: { ...(processor as ProcessorV1), webhook: sightings } },
    clock: patientClock(),
  });
}

/** Whether there is a way for an application to ask for it. */
const isAskedFor = (operation: OperationName) => operation !== "rectify" && operation !== "restrict";

/** By the way that an application would ask for it. */
async function ask({ heed }: ReturnType<typeof heedOver>, scene: Scene): Promise<void> {
  const { operation, processor } = scene;
  const subject = subjectOf(scene, anna);
  const [topic = ""] = Object.keys(processor.topics);
  if (operation === "erase") await heed.requests.open({ right: "erasure", subject, identity: "signed-in" });
  if (operation === "exclude")
    await heed.requests.open({ right: "objection", recipient: "vendor", subject, identity: "signed-in" });
  if (operation === "observe")
    await heed.webhooks.receive("vendor", new Request("https://heed.example/webhooks"));
  if (operation === "forgetTokens") await heed.paidService.ended({ subject });
  if (operation === "unsubscribe") await heed.subscriptions.unsubscribe({ subject, topic: "all" });
  if (operation === "subscribe")
    await heed.subscriptions.subscribe({ subject, topic, evidence: { none: true } });
}
