import { definePolicy, type ProcessorV1 } from "@heed/core";
import { expect } from "vitest";
import { createTestHeed } from "../../create-test-heed.ts";
import { callsFor, carryOut } from "../carry-out.ts";
import { lend } from "../lend.ts";
import { overheard } from "../overheard.ts";
import { preferences, type ProcessorCase, type Scene } from "../processor-case.ts";
import { answers, cutAfter, cutBefore, onlyAt } from "../rules.ts";
import { anna, canary, expectNobodyNamed, sceneWith } from "../truth.ts";
import type { Rule } from "../wire.ts";
import type { VendorReply } from "../world.ts";
import { longEnoughMs, patientClock, subjectOf } from "./through-engine.ts";

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

const troubled: readonly Rule[] = [
  ...[400, 401, 403, 404, 409, 422, 429, 500, 503].map((status) => answers(quoting(status))),
  answers({ status: 200, body: `${anna}{` }),
  cutBefore,
  cutAfter,
];

/** The records of an export are personal, and so are the addresses of whom was looked at; all else that is told is not. */
const withoutRecords = (outcome: object | undefined) =>
  outcome === undefined ? undefined : { ...outcome, records: undefined, addresses: undefined };

/** Whether what is told names nobody. */
export const privacy = {
  "names nobody in errors, answers, logs or warnings, whatever the vendor quotes": {
    needs: ["wire"],
    async judge(stage) {
      const told: unknown[] = [];
      let identifiers: readonly string[] = [];
      const aloud = await overheard(async () => {
        for (const rule of [undefined, ...troubled]) {
          for (const from of [0, 1]) {
            const { scene, calls } = await sceneWith(stage, anna);
            identifiers = calls.flatMap((call) => call.identifiers.map(({ value }) => value));
            let seen = 0;
            if (rule !== undefined)
              scene.wire.meet((request) => {
                seen += 1;
                return seen > from ? rule(request) : request.forward();
              });
            told.push(await scene.processor.check(lend(scene)).catch((error: unknown) => error));
            const { stories, troubles } = await carryOut(scene, calls);
            // Who asks nobody has nothing to tell.
            expect(scene.wire.requests.length).toBeGreaterThan(0);
            if (rule === undefined) expect(troubles).toEqual([]);
            told.push(...troubles);
            for (const { clearance, outcome, finding } of stories)
              told.push(clearance, withoutRecords(outcome), finding);
          }
        }
      });
      for (const each of [...told, ...aloud]) expectNobodyNamed(each, identifiers);
    },
  },
  "leaves nobody's name in evidence, traces, metrics or rows of heed's own": {
    of: [...preferences, "erase", "forgetTokens"],
    async judge(stage) {
      const { scene } = await sceneWith(stage, anna);
      const errors: unknown[] = [];
      const aloud = await overheard(async () => {
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
        for (const text of [
          canary,
          ...callsFor(scene, [anna]).flatMap((call) => call.identifiers.map(({ value }) => value)),
        ])
          expect(await test.search(text)).toEqual([]);
      });
      expect(aloud.length).toBeGreaterThan(0);
      for (const each of [...errors, ...aloud]) expectNobodyNamed(each);
    },
  },
} as const satisfies Readonly<Record<string, ProcessorCase>>;

function heedOver({ processor }: Scene) {
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
    processors: { vendor: processor as ProcessorV1 },
    clock: patientClock(),
  });
}

/** By the way that an application would ask for it. */
async function ask({ heed }: ReturnType<typeof heedOver>, scene: Scene): Promise<void> {
  const { operation, processor } = scene;
  const subject = subjectOf(scene, anna);
  const [topic = ""] = Object.keys(processor.topics);
  if (operation === "erase") await heed.requests.open({ right: "erasure", subject, identity: "signed-in" });
  if (operation === "forgetTokens") await heed.paidService.ended({ subject });
  if (operation === "unsubscribe") await heed.subscriptions.unsubscribe({ subject, topic: "all" });
  if (operation === "subscribe")
    await heed.subscriptions.subscribe({ subject, topic, evidence: { none: true } });
}
