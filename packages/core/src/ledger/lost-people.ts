import type { HeedContext } from "../context.ts";
import type { Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import type { Choice } from "./choice-event.ts";
import { instantsOf } from "./event.ts";
import { suppressionDigests, type Named } from "./name-subject.ts";
import { suppress, suppressionScope } from "./suppression.ts";

/** All that is left of the people who are named; of everybody where nobody is. */
export function lostOf(
  named: Named | undefined,
  unreadable: readonly Row<"identifiers">[],
): readonly Row<"identifiers">[] {
  if (named === undefined || unreadable.length === 0) return unreadable;
  const digests = new Set(named.digests.flat());
  const people = new Set(unreadable.filter((row) => digests.has(row.digest)).map((row) => row.subjectId));
  return unreadable.filter((row) => people.has(row.subjectId));
}

/** Those named of whom nothing is lost. */
export function without(named: Named | undefined, lost: readonly Row<"identifiers">[]): Named | undefined {
  if (named === undefined || lost.length === 0) return named;
  const gone = new Set(lost.map((row) => row.digest));
  const kept = named.identifiers.map((_, index) => !named.digests[index]?.some((digest) => gone.has(digest)));
  return {
    identifiers: named.identifiers.filter((_, index) => kept[index]),
    digests: named.digests.filter((_, index) => kept[index]),
  };
}

/** Who they are can be read no more, and is not needed: the digests of their addresses are there, or in the call. */
export function silenceLost(
  context: HeedContext,
  lost: readonly Row<"identifiers">[],
  named: Named | undefined,
  choice: Choice,
  now: string,
): readonly Write[] {
  if (lost.length === 0) return [];
  const kept = lost.flatMap((row) => row.suppression ?? []);
  const digests = new Set([...kept, ...suppressionDigests(context, named?.identifiers ?? [])]);
  const { effectiveAt } = instantsOf(
    { kind: choice.kind, claimedAt: choice.claimedAt, imported: choice.imported ?? false },
    undefined,
    now,
  );
  return suppress([...digests], suppressionScope(choice.scope), "opted-out", effectiveAt);
}
