import { afterEach, beforeEach, describe, it } from "vitest";
import { processorCases } from "./describe-processor/cases.ts";
import type { JudgedOperation, Setup } from "./describe-processor/world.ts";

/** A processor under test. */
export interface ProcessorUnderTest {
  readonly name: string;
  /** The operations to judge, of those that the kit knows. */
  readonly operations: readonly JudgedOperation[];
  /** Makes the processor and its world, fresh for each case. */
  create(): Promise<Setup> | Setup;
  /** Cases that this world cannot show, each with the reason. It is printed. */
  readonly cannot?: readonly {
    readonly case: string;
    readonly operation?: JudgedOperation;
    readonly reason: string;
  }[];
}

/**
 * The cases that every processor must pass, as a vitest suite. The world is asked what happened, never the
 * adapter.
 *
 * @example describeProcessor({ name: "hubspot", operations: ["unsubscribe", "erase"], create: () => ({ processor, world }) })
 */
export function describeProcessor(under: ProcessorUnderTest): void {
  const unknown =
    under.cannot?.filter((skip) => !processorCases.some((each) => each.name === skip.case)) ?? [];
  if (unknown.length > 0)
    throw new TypeError(`There is no case named ${unknown.map((skip) => `"${skip.case}"`).join(", ")}.`);
  describe.each(under.operations)(`${under.name}: %s`, (operation) => {
    let setup: Setup;
    beforeEach(async () => {
      setup = await under.create();
    });
    afterEach(async () => {
      await setup.close?.();
    });
    for (const each of processorCases) {
      const skip = under.cannot?.find(
        (other) => other.case === each.name && (other.operation ?? operation) === operation,
      );
      if (skip !== undefined) it.skip(`${each.name} — cannot be shown: ${skip.reason}`);
      else it(each.name, () => each.judge(setup, operation));
    }
  });
}
