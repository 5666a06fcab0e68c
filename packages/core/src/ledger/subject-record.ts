import type { HeedContext } from "../context.ts";
import type { Condition, Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { InvalidInputError } from "../errors/invalid-input-error.ts";
import { newDataKey } from "../keys/sealed.ts";

/** Whose: everybody that the digests name, or one subject by id. */
export type Select = { readonly digests: readonly string[] } | { readonly subjectId: string };

function idsOf(select: Select) {
  return "digests" in select
    ? ({ via: "identifiers", column: "subjectId", where: { digest: select.digests } } as const)
    : select.subjectId;
}

/** The reads that bring who the named subjects are, and what they chose. */
export function ledgerReads(select: Select) {
  return ledgerOf(idsOf(select));
}

function ledgerOf(subjectIds: ReturnType<typeof idsOf>) {
  return {
    subjects: { from: "subjects", where: { id: subjectIds } },
    identifiers: { from: "identifiers", where: { subjectId: subjectIds } },
    dataKeys: { from: "dataKeys", where: { owner: subjectIds } },
    events: { from: "events", where: { subjectId: subjectIds }, orderBy: ["recordedAt", "id"] },
  } as const;
}

/** The reads that bring everything known of the named subjects. */
export function subjectReads(select: Select) {
  const subjectIds = idsOf(select);
  return {
    ...ledgerOf(subjectIds),
    steps: { from: "steps", where: { subjectId: subjectIds }, orderBy: ["seq"] },
    permits: {
      from: "permits",
      where: {
        address: { via: "identifiers", column: "digest", where: { subjectId: subjectIds } },
        state: ["given", "handing-over"],
        settledAt: { isNull: true },
      },
    },
    ownSilences: silencesOf(subjectIds),
  } as const;
}

/** The read that brings what silences the addresses of these subjects. */
export function silencesOf<const S extends Condition>(subjectId: S) {
  const digest = { via: "identifiers", column: "suppression", where: { subjectId } } as const;
  return { from: "suppressions", where: { digest } } as const;
}

/** The rows that {@link ledgerReads} brings. */
export interface LedgerRows {
  readonly subjects: readonly Row<"subjects">[];
  readonly identifiers: readonly Row<"identifiers">[];
  readonly dataKeys: readonly Row<"dataKeys">[];
  readonly events: readonly Row<"events">[];
}

/** What is under way about a subject, besides who they are and what they chose. */
interface UnderWay {
  readonly openSteps: readonly Row<"steps">[];
  /** What processors were told of the subject's choices, ended or not, oldest first. */
  readonly preferences: readonly Row<"steps">[];
  /** What took, or takes, the subject out of processors, and keeps them out. */
  readonly exclusions: readonly Row<"steps">[];
  /** What silences the subject's addresses, also from before they were this subject's. */
  readonly silences: readonly Row<"suppressions">[];
  readonly permits: readonly Row<"permits">[];
}

/** The rows that {@link subjectReads} brings. */
export interface SubjectRows extends LedgerRows {
  /** Ended or not, oldest first. */
  readonly steps: readonly Row<"steps">[];
  readonly permits: readonly Row<"permits">[];
  readonly ownSilences: readonly Row<"suppressions">[];
}

/** One subject with its identifiers, its choices, and its open data key. */
export interface SubjectLedger {
  readonly id: string;
  readonly createdAt: string;
  readonly frozenBy: string | null;
  readonly dataKey: Uint8Array;
  readonly identifiers: readonly Row<"identifiers">[];
  readonly events: readonly Row<"events">[];
}

/** One subject with all that belongs to it. */
export interface SubjectRecord extends SubjectLedger, UnderWay {}

export function ledgersOf(context: HeedContext, rows: LedgerRows): readonly SubjectLedger[] {
  const identifiers = groupedBy(rows.identifiers, (row) => row.subjectId);
  const events = groupedBy(rows.events, (row) => row.subjectId);
  return rows.subjects.map(({ id, createdAt, frozenBy }) => ({
    id,
    createdAt,
    frozenBy,
    dataKey: dataKeyOf(context, rows.dataKeys, id),
    identifiers: identifiers.get(id) ?? [],
    events: events.get(id) ?? [],
  }));
}

/** Those whose data key is there, and the identifiers of those whose key was destroyed. */
export function byKey<R extends LedgerRows>(
  rows: R,
): { readonly readable: R; readonly unreadable: readonly Row<"identifiers">[] } {
  const owners = new Set(rows.dataKeys.map(({ owner }) => owner));
  const subjects = rows.subjects.filter(({ id }) => owners.has(id));
  if (subjects.length === rows.subjects.length) return { readable: rows, unreadable: [] };
  const unreadable = rows.identifiers.filter(({ subjectId }) => !owners.has(subjectId));
  return { readable: { ...rows, subjects }, unreadable };
}

export function recordsOf(context: HeedContext, rows: SubjectRows): readonly SubjectRecord[] {
  const steps = groupedBy(rows.steps, (row) => row.subjectId);
  const permits = groupedBy(rows.permits, (row) => row.address);
  const silences = groupedBy(rows.ownSilences, (row) => row.digest);
  return ledgersOf(context, rows).map((ledger) => {
    const own = steps.get(ledger.id) ?? [];
    return {
      ...ledger,
      openSteps: own.filter(({ endedAt }) => endedAt === null),
      preferences: own.filter(({ operation }) => isPreference(operation)),
      exclusions: own.filter(isExclusion),
      silences: ledger.identifiers.flatMap(({ suppression }) => silences.get(suppression ?? "") ?? []),
      permits: ledger.identifiers.flatMap((row) => permits.get(row.digest) ?? []),
    };
  });
}

function isPreference(operation: string): boolean {
  return operation === "subscribe" || operation === "unsubscribe";
}

/** Whether a step keeps its subject out of its processor: also when a human is asked to do it. */
export function isExclusion({ operation, state }: Pick<Row<"steps">, "operation" | "state">): boolean {
  return operation === "exclude" && state !== "cancelled";
}

/** Rows by what `name` says, in their order: a transaction may be about hundreds of subjects. */
function groupedBy<R>(rows: readonly R[], name: (row: R) => string): ReadonlyMap<string, readonly R[]> {
  const groups = new Map<string, R[]>();
  for (const row of rows) {
    const group = groups.get(name(row));
    if (group === undefined) groups.set(name(row), [row]);
    else group.push(row);
  }
  return groups;
}

/** @throws InvalidInputError when the key is gone: its owner was erased in the meantime */
export function dataKeyOf(
  context: Pick<HeedContext, "keys">,
  dataKeys: readonly Row<"dataKeys">[] = [],
  owner: string,
): Uint8Array {
  const row = dataKeys.find((each) => each.owner === owner);
  if (row === undefined)
    throw new InvalidInputError("The data key of this record was destroyed.", { code: "key-destroyed" });
  return context.keys.unwrap(row.wrapped, row.keyId, owner);
}

/** Somebody of whom nothing is known yet. */
export function nothingOf(id: string, createdAt: string, dataKey: Uint8Array): SubjectRecord {
  return {
    id,
    createdAt,
    frozenBy: null,
    dataKey,
    identifiers: [],
    events: [],
    openSteps: [],
    preferences: [],
    exclusions: [],
    silences: [],
    permits: [],
  };
}

/** A new subject: random id, own data key, no identifiers yet. */
export function newSubject(
  context: HeedContext,
  now: string,
): { record: SubjectRecord; writes: readonly Write[] } {
  const id = context.newId();
  const dataKey = newDataKey();
  return {
    record: nothingOf(id, now, dataKey),
    writes: [
      { insert: "subjects", row: { id, namespace: context.namespace, createdAt: now, frozenBy: null } },
      { insert: "dataKeys", row: { owner: id, ...context.keys.wrap(dataKey, id) } },
    ],
  };
}
