import type { OperationName } from "@heed/core/contract";
import { describe, it } from "vitest";
import { planCases, type CannotShow, type PlannedCase } from "./describe-processor/plan-cases.ts";
import type { ProcessorCase, Stage } from "./describe-processor/processor-case.ts";
import { openWire, type Wire } from "./describe-processor/wire.ts";
import type { Between, Setup } from "./describe-processor/world.ts";

/** A processor under test. */
export interface ProcessorUnderTest {
  readonly name: string;
  /** Makes the processor and its world, fresh for each case. It reaches its vendor by `between`. */
  readonly create: (between: Between) => Promise<Setup> | Setup;
  /** Cases that this world cannot show, each with the reason. It is printed. */
  readonly cannot?: readonly CannotShow[];
}

/** A case may strike at each single request of an operation in turn, over real connections. */
const timeoutMs = 120_000;

/**
 * The cases that every processor must pass, as a vitest suite, for every operation that the processor has. The
 * world is asked what happened, never the adapter. A case that the setup gives no means to show fails, unless
 * `cannot` has a reason, which the report prints.
 *
 * @throws TypeError when `cannot` names no case of this processor, or gives no reason
 * @example describeProcessor({ name: "hubspot", create: async (between) => ({ processor, world }) })
 */
export function describeProcessor(under: ProcessorUnderTest): void {
  describe(under.name, async () => {
    for (const [operation, cases] of Map.groupBy(await plan(under), (each) => each.operation)) {
      describe(operation, () => {
        for (const { title, case: each, skipped, lacking } of cases) {
          if (skipped !== undefined) it.skip(`${title} — cannot be shown: ${skipped}`);
          else if (lacking.length > 0) it(title, () => cannotBeJudged(lacking));
          else
            it(
              title,
              (context) => judge(under, each, operation, (because) => context.skip(because)),
              timeoutMs,
            );
        }
      });
    }
  });
}

/** What the processor can do, and what its setup can show, looked up once. */
async function plan({ create, cannot = [] }: ProcessorUnderTest): Promise<readonly PlannedCase[]> {
  const wire = openWire();
  const setup = await create(wire.between);
  try {
    return planCases(setup, wire, cannot);
  } finally {
    await close(setup, wire);
  }
}

function cannotBeJudged(lacking: readonly string[]): never {
  throw new TypeError(
    `The kit has no means to show this: ${lacking.join(", ")}. Add it, or say in \`cannot\` why this vendor has nothing of the kind.`,
  );
}

/** Judges one case, and closes whatever it opened. */
export async function judge(
  under: Pick<ProcessorUnderTest, "create">,
  each: ProcessorCase,
  operation: OperationName,
  skip: (because: string) => never,
): Promise<void> {
  const opened: (() => Promise<void>)[] = [];
  const stage: Stage = {
    operation,
    skip,
    async open() {
      const wire = openWire();
      const setup = await under.create(wire.between);
      opened.push(() => close(setup, wire));
      return { ...setup, operation, wire };
    },
  };
  try {
    await each.judge(stage);
  } finally {
    for (const end of opened) await end();
  }
}

async function close(setup: Setup, wire: Wire): Promise<void> {
  await wire.close();
  await setup.close?.();
}
