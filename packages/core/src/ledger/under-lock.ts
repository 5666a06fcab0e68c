import type { HeedContext } from "../context.ts";
import type { Decision, Reads, RowsOf } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { keyReads, refuseUnknownKeys } from "../keys/known-keys.ts";
import {
  byKey,
  ledgerReads,
  ledgersOf,
  recordsOf,
  subjectReads,
  type LedgerRows,
  type Select,
  type SubjectLedger,
  type SubjectRecord,
  type SubjectRows,
} from "./subject-record.ts";
import { untilStill } from "./until-still.ts";

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

/** Reads beside those of the subjects: under a name of theirs, one would be read in place of the other. */
type OtherReads = Reads & { readonly [N in keyof SubjectRows]?: never };

/** One transaction on subjects: whose locks it takes, what else it reads, what it decides. */
interface OnSubjects<S, R extends OtherReads, A> {
  readonly select: Select;
  readonly read: R;
  readonly decide: (
    records: readonly S[],
    rows: RowsOf<R>,
    now: string,
    unreadable: readonly Row<"identifiers">[],
  ) => Decision<A>;
  readonly within?: unknown;
  /**
   * Refuses with `unknown-key` where storage was written with a key that this process lacks: the person may be
   * there, or silenced, and not be found. Never for what silences.
   */
  readonly needsEveryKey?: boolean;
  /**
   * Goes on also where somebody's data key is destroyed and their rows are there, as in an old back-up whose keys lie in
   * a file of their own. They are not among the records, and their identifiers are `unreadable`. For what silences; all
   * else is refused with `key-destroyed`.
   */
  readonly isSilencing?: boolean;
}

/**
 * One transaction under the locks of the selected subjects and all their addresses, with everything that is known
 * of them.
 */
export function transactOnSubjects<const R extends OtherReads, A>(
  context: HeedContext,
  transaction: OnSubjects<SubjectRecord, R, A>,
): Promise<A> {
  return underLocks(context, transaction, subjectReads(transaction.select), (rows) =>
    recordsOf(context, rows as SubjectRows),
  );
}

/** The same where only who they are and what they chose matters: of what is under way, nothing is read. */
export function transactOnLedgers<const R extends OtherReads, A>(
  context: HeedContext,
  transaction: OnSubjects<SubjectLedger, R, A>,
): Promise<A> {
  return underLocks(context, transaction, ledgerReads(transaction.select), (rows) =>
    ledgersOf(context, rows),
  );
}

/**
 * Whose locks are needed is only known after reading, so a first try that held too few decides nothing and is
 * repeated with all.
 */
async function underLocks<S, R extends OtherReads, A>(
  context: HeedContext,
  transaction: OnSubjects<S, R, A>,
  base: Reads,
  recordsIn: (rows: LedgerRows) => readonly S[],
): Promise<A> {
  const keyed = transaction.needsEveryKey === true ? keyReads(context.keys) : {};
  const addresses = new Set("digests" in transaction.select ? transaction.select.digests : []);
  const subjects = new Set("subjectId" in transaction.select ? [transaction.select.subjectId] : []);
  const { answer } = await untilStill("subject", async () => {
    const lock = lockNames({ addresses, subjects });
    const result = await context.storage.transact<Reads, { answer: A } | { missing: LedgerRows }>({
      lock,
      read: { ...keyed, ...base, ...transaction.read },
      clock: context.clock,
      ...("within" in transaction ? { within: transaction.within } : {}),
      decide: (rows, now) => {
        const found = rows as unknown as LedgerRows;
        const complete =
          context.storage.serial === true ||
          (found.subjects.every((row) => subjects.has(row.id)) &&
            found.identifiers.every((row) => addresses.has(row.digest)));
        if (!complete) return { writes: [], answer: { missing: found } };
        refuseUnknownKeys(context.keys, rows);
        const { readable, unreadable } =
          transaction.isSilencing === true ? byKey(found) : { readable: found, unreadable: [] };
        const decision = transaction.decide(recordsIn(readable), rows as RowsOf<R>, now, unreadable);
        return { writes: decision.writes, answer: { answer: decision.answer } };
      },
    });
    if ("answer" in result) return result;
    for (const row of result.missing.subjects) subjects.add(row.id);
    for (const row of result.missing.identifiers) addresses.add(row.digest);
    return "moved";
  });
  return answer;
}
