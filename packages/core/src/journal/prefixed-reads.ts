import type { SubjectRows } from "../ledger/subject-record.ts";

/** Reads under names of their own, beside others of the same names. */
export function prefixed(prefix: string, reads: object): Record<never, never> {
  return Object.fromEntries(
    Object.entries(reads).map(([name, read]) => [`${prefix}${name}`, read as unknown]),
  );
}

/** What the reads of one prefix brought. */
export function unprefixed(prefix: string, rows: object): SubjectRows {
  return Object.fromEntries(
    Object.entries(rows)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, found]) => [name.slice(prefix.length), found as unknown]),
  ) as unknown as SubjectRows;
}
