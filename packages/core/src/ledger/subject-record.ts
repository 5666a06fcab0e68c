import type { HeedContext } from "../context.ts";
import type { Identifier, Subject } from "../contract/identifier.ts";
import { parseIdentifier, type ParsedIdentifier } from "../contract/parse-identifier.ts";
import type { Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { InvalidInputError } from "../errors/invalid-input-error.ts";
import { quoted } from "../errors/quoted.ts";
import { newDataKey, open, seal } from "../keys/sealed.ts";

/** Kinds of identifier that a message can be sent to, and that a suppression is kept for. */
const addressKinds: ReadonlySet<string> = new Set(["email", "phone"]);

/** Identifiers as named by a caller, with the digests under which each may be stored. */
export interface Named {
  readonly identifiers: readonly ParsedIdentifier[];
  /** Per identifier: its index digest under every key that may be looked up, the active one first. */
  readonly digests: readonly (readonly [string, ...string[]])[];
}

/** Parses a subject. @throws InvalidInputError when it names nobody, an unknown kind, or cannot be read */
export function nameSubject(context: HeedContext, subject: Subject): Named {
  const known = knownKinds(context);
  const identifiers: ParsedIdentifier[] = [];
  for (const [kind, given] of Object.entries(subject)) {
    if (given === undefined) continue;
    const shape = known.get(kind);
    if (shape === undefined) {
      throw new InvalidInputError(
        `There is no ${quoted(kind)} among the kinds of identifiers. Known here: ${[...known.keys()].join(", ")}.`,
        {
          code: "unknown-identifier-kind",
          issues: [{ path: "subject", message: "unknown kind" }],
        },
      );
    }
    for (const value of Array.isArray(given) ? given : [given]) {
      const parsed = parseIdentifier(kind, value);
      if (shape !== null && !shape.test(parsed.value)) {
        throw new InvalidInputError(
          `The ${kind} does not have the shape that its processor expects (${shape.source}).`,
          {
            code: "unparsable-identifier",
            issues: [{ path: `subject.${kind}`, message: "unexpected shape" }],
          },
        );
      }
      const twice = identifiers.some((each) => each.kind === kind && each.written === parsed.written);
      if (!twice) identifiers.push(parsed);
    }
  }
  if (identifiers.length === 0) {
    throw new InvalidInputError(
      "The subject names nobody. Pass at least one identifier, for example { email }.",
      {
        issues: [{ path: "subject", message: "no identifier" }],
      },
    );
  }
  return { identifiers, digests: identifiers.map((each) => indexDigests(context, each)) };
}

/** Each kind that can be used, with the shape its processors ask for; common kinds have their own parser. */
function knownKinds(context: HeedContext): Map<string, RegExp | null> {
  const kinds = new Map<string, RegExp | null>([
    ["email", null],
    ["phone", null],
    ["accountId", null],
  ]);
  for (const [id, processor] of Object.entries(context.processors)) {
    // heed's own rows are no way for a caller to name anybody.
    if (id === "heed") continue;
    for (const [kind, shape] of Object.entries(processor.identifiers)) {
      if (!kinds.has(kind)) kinds.set(kind, shape);
    }
  }
  return kinds;
}

export function indexDigests(
  context: HeedContext,
  identifier: ParsedIdentifier,
): readonly [string, ...string[]] {
  return context.keys.digests("index", context.namespace, identifier.kind, identifier.canonical);
}

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
  } as const;
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
  readonly permits: readonly Row<"permits">[];
}

/** The rows that {@link subjectReads} brings. */
export interface SubjectRows extends LedgerRows {
  /** Ended or not, oldest first. */
  readonly steps: readonly Row<"steps">[];
  readonly permits: readonly Row<"permits">[];
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

export function recordsOf(context: HeedContext, rows: SubjectRows): readonly SubjectRecord[] {
  const steps = groupedBy(rows.steps, (row) => row.subjectId);
  const permits = groupedBy(rows.permits, (row) => row.address);
  return ledgersOf(context, rows).map((ledger) => {
    const own = steps.get(ledger.id) ?? [];
    return {
      ...ledger,
      openSteps: own.filter(({ endedAt }) => endedAt === null),
      preferences: own.filter(({ operation }) => isPreference(operation)),
      permits: ledger.identifiers.flatMap((row) => permits.get(row.digest) ?? []),
    };
  });
}

function isPreference(operation: string): boolean {
  return operation === "subscribe" || operation === "unsubscribe";
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
  context: HeedContext,
  dataKeys: readonly Row<"dataKeys">[] = [],
  owner: string,
): Uint8Array {
  const row = dataKeys.find((each) => each.owner === owner);
  if (row === undefined)
    throw new InvalidInputError("The data key of this record was destroyed.", { code: "key-destroyed" });
  return context.keys.unwrap(row.wrapped, row.keyId, owner);
}

/** A new subject: random id, own data key, no identifiers yet. */
export function newSubject(
  context: HeedContext,
  now: string,
): { record: SubjectRecord; writes: readonly Write[] } {
  const id = context.newId();
  const dataKey = newDataKey();
  return {
    record: {
      id,
      createdAt: now,
      frozenBy: null,
      dataKey,
      identifiers: [],
      events: [],
      openSteps: [],
      preferences: [],
      permits: [],
    },
    writes: [
      { insert: "subjects", row: { id, namespace: context.namespace, createdAt: now, frozenBy: null } },
      { insert: "dataKeys", row: { owner: id, ...context.keys.wrap(dataKey, id) } },
    ],
  };
}

/**
 * Makes the named identifiers this subject's own: new ones are added, a new spelling of a known one is
 * kept beside the others, and verified ones are marked so.
 */
export function withIdentifiers<S extends SubjectLedger>(
  context: HeedContext,
  record: S,
  named: Named,
  verified: boolean,
  now: string,
): { record: S; writes: readonly Write[] } {
  const writes: Write[] = [];
  const identifiers = [...record.identifiers];
  named.identifiers.forEach((identifier, index) => {
    const digests: readonly string[] = named.digests[index] ?? [];
    const at = identifiers.findIndex((row) => digests.includes(row.digest));
    const known = identifiers[at];
    if (known === undefined) {
      const digest = digests[0] ?? "";
      const row: Row<"identifiers"> = {
        digest,
        subjectId: record.id,
        kind: identifier.kind,
        suppression: suppressionDigests(context, [identifier])[0] ?? null,
        sealed: sealSpellings(record.dataKey, digest, spellingsIn(identifier)),
        verified: verified ? 1 : 0,
        addedAt: now,
      };
      writes.push({ insert: "identifiers", row });
      identifiers.push(row);
      return;
    }
    const spellings = spellingsOf(record.dataKey, known);
    const all = [...new Set([...spellings, ...spellingsIn(identifier)])];
    const isNew = all.length > spellings.length;
    if (!isNew && (!verified || known.verified === 1)) return;
    const row: Row<"identifiers"> = {
      ...known,
      verified: verified ? 1 : known.verified,
      sealed: isNew ? sealSpellings(record.dataKey, known.digest, all) : known.sealed,
    };
    writes.push({
      update: "identifiers",
      where: { digest: row.digest },
      // Whose it is does not change: it tells the journal, which forgets by subject.
      set: { subjectId: row.subjectId, verified: row.verified, sealed: row.sealed },
    });
    identifiers[at] = row;
  });
  return { record: { ...record, identifiers }, writes };
}

/**
 * An identifier's row as the active key writes it: digested and sealed anew, or as it is when it is so already.
 */
export function underActiveKey(
  context: HeedContext,
  dataKey: Uint8Array,
  row: Row<"identifiers">,
): Row<"identifiers"> {
  const parsed = readAgain(dataKey, row);
  const [digest] = indexDigests(context, parsed);
  const [suppression = null] = suppressionDigests(context, [parsed]);
  if (digest === row.digest && suppression === row.suppression) return row;
  return { ...row, digest, suppression, sealed: sealSpellings(dataKey, digest, spellingsOf(dataKey, row)) };
}

/** A stored identifier, parsed as it was when it came. */
export function readAgain(dataKey: Uint8Array, row: Row<"identifiers">): ParsedIdentifier {
  return parseIdentifier(row.kind, spellingsOf(dataKey, row)[0]);
}

/** What a processor may know it by: heed's reading, and the application's own spelling. */
function spellingsIn({
  kind,
  value,
  written,
}: Pick<ParsedIdentifier, "kind" | "value" | "written">): readonly string[] {
  // A telephone number is E.164 for every processor; how it was typed finds nobody.
  return kind === "phone" || written === value ? [value] : [value, written];
}

/** What lies in sealed bytes that this process has in hand, so that nothing is opened twice, or just after sealing. */
const inHand = new WeakMap<Uint8Array, readonly string[]>();

function sealSpellings(dataKey: Uint8Array, digest: string, spellings: readonly string[]): Uint8Array {
  const sealed = seal(dataKey, JSON.stringify(spellings), `identifiers/${digest}`);
  inHand.set(sealed, spellings);
  return sealed;
}

function spellingsOf(dataKey: Uint8Array, { sealed, digest }: Row<"identifiers">): readonly string[] {
  const known = inHand.get(sealed);
  if (known !== undefined) return known;
  const spellings = JSON.parse(open(dataKey, sealed, `identifiers/${digest}`)) as string[];
  inHand.set(sealed, spellings);
  return spellings;
}

/** The identifiers in the clear, one for each spelling. */
export function identifiersOf(
  dataKey: Uint8Array,
  rows: readonly Row<"identifiers">[],
): readonly Identifier[] {
  return rows.flatMap((row) => spellingsOf(dataKey, row).map((value) => ({ kind: row.kind, value })));
}

/** Suppression digests of addresses, under every key that may be looked up. */
export function suppressionLookups(
  context: HeedContext,
  identifiers: readonly ParsedIdentifier[],
): readonly string[] {
  return identifiers
    .filter((identifier) => addressKinds.has(identifier.kind))
    .flatMap(({ kind, canonical }) =>
      context.keys.digests("suppression", context.namespace, kind, canonical),
    );
}

/** Suppression digests of the subject's addresses, under the active key. */
export function suppressionDigests(
  context: HeedContext,
  identifiers: readonly Identifier[],
): readonly string[] {
  const digests = identifiers
    .filter((identifier) => addressKinds.has(identifier.kind))
    .map((identifier) => {
      const { kind, canonical } = parseIdentifier(identifier.kind, identifier.value);
      return context.keys.digest("suppression", context.namespace, kind, canonical);
    });
  return [...new Set(digests)];
}
