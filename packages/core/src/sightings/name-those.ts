import type { HeedContext } from "../context.ts";
import type { Identifier } from "../contract/identifier.ts";
import { nameSubject, type Named } from "../ledger/name-subject.ts";

/** Undefined where nobody can be named: what a vendor has is not always an address. */
export function nameThose(context: HeedContext, identifiers: readonly Identifier[]): Named | undefined {
  const readable = identifiers.filter((each) => {
    try {
      nameSubject(context, { [each.kind]: each.value });
      return true;
    } catch {
      return false;
    }
  });
  if (readable.length === 0) return undefined;
  const byKind = Map.groupBy(readable, ({ kind }) => kind);
  const subject = Object.fromEntries(
    [...byKind].map(([kind, each]) => [kind, each.map(({ value }) => value)]),
  );
  return nameSubject(context, subject);
}
