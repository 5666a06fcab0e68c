import type { OperationName } from "@heed/core/contract";
import { describe, it } from "vitest";
import { processorCases, type CaseName } from "./describe-processor/cases.ts";
import type { ProcessorCase, Scene, Stage } from "./describe-processor/processor-case.ts";
import { openWire } from "./describe-processor/wire.ts";
import type { Between, Setup } from "./describe-processor/world.ts";

/** A case that this world cannot show. */
export interface CannotShow {
  readonly case: CaseName;
  /** Default: every operation. */
  readonly operation?: OperationName;
  /** Why, in a sentence that a reader of the report understands. */
  readonly reason: string;
}

/** A processor under test. */
export interface ProcessorUnderTest {
  readonly name: string;
  /** Makes the processor and its world, fresh for each case. It reaches its vendor by `between`. */
  create(between: Between): Promise<Setup> | Setup;
  /** Cases that this world cannot show, each with the reason. It is printed. */
  readonly cannot?: readonly CannotShow[];
}

/** A case strikes at each single request of an operation in turn, over real connections. */
const timeoutMs = 120_000;

/**
 * The cases that every processor must pass, as a vitest suite, for every operation that the processor has. The
 * world is asked what happened, never the adapter. A case that the world gives the kit no means to show fails,
 * unless `cannot` has a reason, which the report prints.
 *
 * @throws TypeError when `cannot` names no case, or gives no reason
 * @example describeProcessor({ name: "hubspot", create: async (between) => ({ processor, world }) })
 */
export function describeProcessor(under: ProcessorUnderTest): void {
  const { name, cannot = [] } = under;
  requireReasons(cannot);
  describe(name, async () => {
    const { operations, lacking } = await lookAt(under);
    for (const operation of operations) {
      describe(operation, () => {
        for (const [title, each, lacks] of casesOf(operation, lacking)) {
          const skip = cannot.find(
            (other) => other.case === title && (other.operation ?? operation) === operation,
          );
          if (skip !== undefined) it.skip(`${title} — cannot be shown: ${skip.reason}`);
          else if (lacks.length > 0) it(title, () => cannotBeJudged(lacks));
          else it(title, ({ skip }) => judge(under, each, operation, skip), timeoutMs);
        }
      });
    }
  });
}

type Lacking = (operation: OperationName, each: ProcessorCase) => readonly string[] | "not for this";

/** What the processor can do, and what its world can show, looked up once. */
async function lookAt(
  under: ProcessorUnderTest,
): Promise<{ readonly operations: readonly OperationName[]; readonly lacking: Lacking }> {
  const wire = openWire();
  const setup = await under.create(wire.between);
  const { processor, world, byHand = [] } = setup;
  const isUsed = wire.isUsed;
  await close(setup, wire);
  const has: Readonly<Record<string, boolean>> = {
    wire: isUsed,
    misconfigured: setup.misconfigured !== undefined,
    "two topics": Object.keys(processor.topics).length > 1,
  };
  return {
    operations: Object.keys(processor.operations) as OperationName[],
    lacking(operation, each) {
      const scene: Scene = { ...setup, operation, wire };
      if (each.of !== undefined && !each.of.includes(operation)) return "not for this";
      if ((each.byHand ?? false) !== byHand.includes(operation)) return "not for this";
      if (each.when?.(scene) === false) return "not for this";
      return (each.needs ?? []).filter((part) => !(has[part] ?? part in world));
    },
  };
}

function casesOf(
  operation: OperationName,
  lacking: Lacking,
): readonly (readonly [CaseName, ProcessorCase, readonly string[]])[] {
  return (Object.entries(processorCases) as [CaseName, ProcessorCase][]).flatMap(([title, each]) => {
    const lacks = lacking(operation, each);
    return lacks === "not for this" ? [] : [[title, each, lacks] as const];
  });
}

function cannotBeJudged(lacks: readonly string[]): never {
  throw new TypeError(
    `The kit has no means to show this: ${lacks.map((part) => missing[part] ?? `the world has no \`${part}\``).join(", ")}. Add it, or say in \`cannot\` why this vendor has nothing of the kind.`,
  );
}

const missing: Readonly<Record<string, string>> = {
  wire: "`create` does not pass its vendor through `between`",
  misconfigured: "the setup has no `misconfigured` processor",
  "two topics": "the processor binds fewer than two topics",
};

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

async function close(setup: Setup, { close }: { close(): Promise<void> }): Promise<void> {
  await close();
  await setup.close?.();
}

function requireReasons(cannot: readonly CannotShow[]): void {
  const unknown = cannot.filter((skip) => !(skip.case in processorCases));
  if (unknown.length > 0)
    throw new TypeError(`There is no case named ${unknown.map((skip) => `"${skip.case}"`).join(", ")}.`);
  const unreasoned = cannot.find(({ reason }) => reason.trim().length < 10);
  if (unreasoned !== undefined)
    throw new TypeError(`Say why "${unreasoned.case}" cannot be shown, in a sentence.`);
}
