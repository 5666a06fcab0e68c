import { describe, expect, it } from "vitest";
import { batchesBroken } from "../test/broken/batches.ts";
import { byHandBroken } from "../test/broken/by-hand.ts";
import { effectBroken } from "../test/broken/effect.ts";
import { keepingBroken } from "../test/broken/keeping.ts";
import { lagBroken } from "../test/broken/lag.ts";
import { lostAnswersBroken } from "../test/broken/lost-answers.ts";
import { peopleBroken } from "../test/broken/people.ts";
import { privacyBroken } from "../test/broken/privacy.ts";
import { refusalsBroken } from "../test/broken/refusals.ts";
import { turnsBroken } from "../test/broken/turns.ts";
import type { Broken } from "../test/broken/broken.ts";
import { registerCannot, registerScene, type Slip } from "../test/register/scene.ts";
import { describeProcessor, judge } from "./describe-processor.ts";
import { type CaseName, processorCases } from "./describe-processor/cases.ts";
import type { ProcessorCase } from "./describe-processor/processor-case.ts";

describeProcessor({ name: "a register of people", create: registerScene, cannot: registerCannot });

const broken: Readonly<Record<CaseName, readonly Broken[]>> = {
  ...batchesBroken,
  ...byHandBroken,
  ...effectBroken,
  ...keepingBroken,
  ...lagBroken,
  ...lostAnswersBroken,
  ...peopleBroken,
  ...privacyBroken,
  ...refusalsBroken,
  ...turnsBroken,
};

const all = Object.entries(broken).flatMap(([caughtBy, adapters]) =>
  adapters.map((adapter) => ({ caughtBy: caughtBy as CaseName, ...adapter })),
);

describe("the kit", () => {
  it.each(all)("$caughtBy: catches an adapter that $that", async ({ caughtBy, in: operation, slip }) => {
    const each: ProcessorCase = processorCases[caughtBy];
    const skip = (because: string): never => {
      throw new TypeError(`Skipped: ${because}`);
    };
    const judged = (slip?: Slip) =>
      judge({ create: (between) => registerScene(between, slip) }, each, operation, skip);
    // The same case of the same operation passes where nothing is wrong.
    await judged();
    const caught = await judged(slip).then(
      () => "passed",
      (error: unknown) => (error as Error).name,
    );
    expect(caught).toBe("AssertionError");
  });

  it("has a broken adapter for each case", () => {
    expect(Object.keys(broken).toSorted()).toEqual(Object.keys(processorCases).toSorted());
    for (const [caughtBy, adapters] of Object.entries(broken))
      expect([caughtBy, adapters.length]).not.toEqual([caughtBy, 0]);
  });
});
