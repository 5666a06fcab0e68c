import type { HeedContext } from "../context.ts";
import type { Decision, Reads, RowsOf } from "../contract/storage.ts";
import { HeedError } from "../errors/heed-error.ts";
import { keyReads, refuseUnknownKeys } from "../keys/known-keys.ts";
import { recordsOf, subjectReads, type SubjectRecord, type SubjectRows } from "./subject-record.ts";

/** Names of locks, in heed's one order: addresses, subjects, requests, steps, each sorted. */
export function lockNames(names: {
  addresses?: Iterable<string>;
  subjects?: Iterable<string>;
  requests?: Iterable<string>;
  steps?: Iterable<string>;
}): readonly string[] {
  const ordered = [
    ["address", names.addresses],
    ["subject", names.subjects],
    ["request", names.requests],
    ["step", names.steps],
  ] as const;
  return ordered.flatMap(([prefix, ids]) =>
    [...new Set(ids ?? [])].toSorted().map((id) => `${prefix}:${id}`),
  );
}

/** Whose lock to take: everybody that the digests name, or one subject by id. */
export type Select = { readonly digests: readonly string[] } | { readonly subjectId: string };

/**
 * One transaction under the locks of the selected subjects and all their addresses. Which those are is only
 * known after reading, so a first try that held too few locks decides nothing and is repeated with all.
 */
export async function transactOnSubjects<const R extends Reads, A>(
  context: HeedContext,
  transaction: {
    readonly select: Select;
    readonly read: R;
    readonly decide: (records: readonly SubjectRecord[], rows: RowsOf<R>, now: string) => Decision<A>;
    readonly within?: unknown;
    /**
     * Refuses with `unknown-key` where storage was written with a key that this process lacks: the person may be
     * there, or silenced, and not be found. Never for what silences.
     */
    readonly needsEveryKey?: boolean;
  },
): Promise<A> {
  const addresses = new Set("digests" in transaction.select ? transaction.select.digests : []);
  const subjects = new Set("subjectId" in transaction.select ? [transaction.select.subjectId] : []);
  const keyed = transaction.needsEveryKey === true ? keyReads(context.keys) : {};
  const base = { ...keyed, ...subjectReads(transaction.select) };
  for (let round = 0; round < 8; round += 1) {
    const lock = lockNames({ addresses, subjects });
    const result = await context.storage.transact<typeof base & R, { answer: A } | { missing: SubjectRows }>({
      lock,
      read: { ...base, ...transaction.read },
      clock: context.clock,
      ...("within" in transaction ? { within: transaction.within } : {}),
      decide: (rows, now) => {
        const found = rows as unknown as SubjectRows;
        const complete =
          context.storage.serial === true ||
          (found.subjects.every((row) => subjects.has(row.id)) &&
            found.identifiers.every((row) => addresses.has(row.digest)));
        if (!complete) return { writes: [], answer: { missing: found } };
        refuseUnknownKeys(context.keys, rows);
        const decision = transaction.decide(recordsOf(context, found), rows, now);
        return { writes: decision.writes, answer: { answer: decision.answer } };
      },
    });
    if ("answer" in result) return result.answer;
    for (const row of result.missing.subjects) subjects.add(row.id);
    for (const row of result.missing.identifiers) addresses.add(row.digest);
  }
  throw new HeedError("The subject kept changing under this call. Try it again.", { code: "busy" });
}
