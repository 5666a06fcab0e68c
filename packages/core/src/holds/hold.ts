import type { Query } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { isDestructive } from "../requests/lifecycle.ts";

/** Reads the active holds that may stand over some steps; see {@link holdsIn}. */
export function holdReads(namespace: string, stepIds: readonly string[]) {
  return {
    subjectHolds: holdsOfSubjects({ via: "steps", column: "subjectId", where: { id: stepIds } } as const),
    generalHolds: holdsOverEveryone(namespace),
  } as const;
}

type SubjectIds = NonNullable<Extract<Query, { from: "holds" }>["where"]["subjectId"]>;

/** Reads the active holds that stand over these subjects in particular. */
export function holdsOfSubjects<const S extends SubjectIds>(subjectId: S) {
  return { from: "holds", where: { subjectId, releasedAt: { isNull: true } } } as const;
}

/** Reads the active holds that stand over everyone. */
export function holdsOverEveryone(namespace: string) {
  return {
    from: "holds",
    where: { namespace, subjectId: { isNull: true }, releasedAt: { isNull: true } },
  } as const;
}

/** What {@link holdReads} brings. */
export function holdsIn(rows: {
  readonly subjectHolds: readonly Row<"holds">[];
  readonly generalHolds: readonly Row<"holds">[];
}): readonly Row<"holds">[] {
  return [...rows.subjectHolds, ...rows.generalHolds];
}

/** Whether any of these holds forbids the step to destroy. */
export function isHeldBy(
  holds: readonly Row<"holds">[],
  step: Pick<Row<"steps">, "subjectId" | "processor" | "operation">,
): boolean {
  return isHeldAt(
    holds.filter(({ subjectId }) => subjectId === null || subjectId === step.subjectId),
    step,
  );
}

/**
 * Whether any of these holds, all of one subject or everyone's, forbids an operation at a processor. What heed itself
 * knows of a person stays while any hold stands over them: without it nobody could tell whose data is held.
 */
export function isHeldAt(
  holds: readonly Row<"holds">[],
  { processor: at, operation }: Pick<Row<"steps">, "processor" | "operation">,
): boolean {
  if (!isDestructive(operation)) return false;
  return holds.some(
    ({ processor, subjectId }) =>
      processor === null || processor === at || (at === "heed" && subjectId !== null),
  );
}
