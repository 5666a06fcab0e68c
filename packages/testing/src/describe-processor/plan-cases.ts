import type { OperationName } from "@heed/core/contract";
import { processorCases, type CaseName } from "./cases.ts";
import type { ProcessorCase, Scene } from "./processor-case.ts";
import type { Wire } from "./wire.ts";
import type { Setup } from "./world.ts";

/** A case that a world cannot show. */
export interface CannotShow {
  readonly case: CaseName;
  /** Default: every operation that has the case. */
  readonly operation?: OperationName;
  /** Why, in a sentence that a reader of the report understands. */
  readonly reason: string;
}

/** What is to be done about one case of one operation. */
export interface PlannedCase {
  readonly operation: OperationName;
  readonly title: CaseName;
  readonly case: ProcessorCase;
  /** Why it is left out. */
  readonly skipped?: string;
  /** What the setup would have to offer for it to be judged. */
  readonly lacking: readonly string[];
}

/** Shorter than this is no sentence. */
const leastReason = 12;

/**
 * Every case of every operation that the processor has.
 *
 * @throws TypeError when `cannot` names what is no case, or no case of this processor, or gives no reason
 */
export function planCases(setup: Setup, wire: Wire, cannot: readonly CannotShow[]): readonly PlannedCase[] {
  for (const { case: title, reason } of cannot) {
    if (!(title in processorCases)) throw new TypeError(`There is no case named "${title}".`);
    if (reason.trim().length < leastReason)
      throw new TypeError(`Say in a sentence why "${title}" cannot be shown.`);
  }
  const titles = Object.entries(processorCases) as [CaseName, ProcessorCase][];
  const planned = (Object.keys(setup.processor.operations) as OperationName[]).flatMap((operation) =>
    titles
      .filter(([, each]) => concerns(each, { ...setup, operation, wire }))
      .map(([title, each]): PlannedCase => {
        const skipped = cannot.find((skip) => covers(skip, title, operation))?.reason;
        return {
          operation,
          title,
          case: each,
          ...(skipped === undefined ? {} : { skipped }),
          lacking: lackingFor(each, setup, wire),
        };
      }),
  );
  const idle = cannot.find((skip) => !planned.some(({ title, operation }) => covers(skip, title, operation)));
  if (idle !== undefined)
    throw new TypeError(`\`cannot\` names "${idle.case}", which is no case of this processor's operations.`);
  return planned;
}

function covers(skip: CannotShow, title: CaseName, operation: OperationName): boolean {
  return skip.case === title && (skip.operation ?? operation) === operation;
}

function concerns(each: ProcessorCase, scene: Scene): boolean {
  if (each.of !== undefined && !each.of.includes(scene.operation)) return false;
  if ((each.byHand ?? false) !== (scene.byHand ?? []).includes(scene.operation)) return false;
  return each.when?.(scene) ?? true;
}

function lackingFor(
  each: ProcessorCase,
  { world, processor, misconfigured, misbound }: Setup,
  wire: Wire,
): string[] {
  const has: Readonly<Record<string, boolean>> = {
    wire: wire.isUsed,
    misconfigured: misconfigured !== undefined,
    misbound: misbound !== undefined,
    "two topics": Object.keys(processor.topics).length > 1,
  };
  const named: Readonly<Record<string, string>> = {
    wire: "`create` does not pass its vendor through `between`",
    misconfigured: "the setup has no `misconfigured` processor",
    misbound: "the setup has no `misbound` processor",
    "two topics": "the processor binds fewer than two topics (bind a second topic in `create`)",
  };
  return (each.needs ?? [])
    .filter((part) => !(has[part] ?? part in world))
    .map((part) => named[part] ?? `the world has no \`${part}\``);
}
