import type { Identifier } from "../contract/identifier.ts";
import type { FoundTarget, Target } from "../contract/operation.ts";

/** What a step found out and may not forget; sealed in its row. */
export interface Found {
  readonly targets: readonly FoundTarget[];
  /** From a pending outcome. */
  readonly reference?: string;
  /** Whom a sighting is about: nobody's row has these. */
  readonly sighted?: readonly Identifier[];
  /** RFC 3339, by the vendor's clock: when a record of theirs was made there, where the sighting is of that. */
  readonly storedAt?: string;
  /** For a human. */
  readonly instruction?: string;
}

export const nothingFound: Found = { targets: [] };

const sameTarget = (a: Target, b: Target) => a.kind === b.kind && a.id === b.id && a.within === b.within;

/** The targets of `seen` that `known` does not have. */
export function newTargets(
  known: readonly FoundTarget[],
  seen: readonly FoundTarget[],
): readonly FoundTarget[] {
  return seen.filter((target) => !known.some((other) => sameTarget(target, other)));
}
