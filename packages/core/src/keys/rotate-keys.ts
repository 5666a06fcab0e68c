import type { HeedContext } from "../context.ts";
import type { Decision, Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { readAgain, underActiveKey } from "../ledger/identifiers.ts";
import { indexDigests, suppressionLookups } from "../ledger/name-subject.ts";
import type { SubjectLedger } from "../ledger/subject-record.ts";
import { isStronger } from "../ledger/suppression.ts";
import { transactOnLedgers } from "../ledger/under-lock.ts";

/** How far a rotation is: what was written anew under the active key. */
export interface RotationProgress {
  /** Data keys that were wrapped anew. */
  readonly dataKeys: number;
  /** Identifiers that were digested anew. */
  readonly identifiers: number;
  /** Suppressions of living people that were digested anew. */
  readonly suppressions: number;
}

/** What a rotation came to. */
export interface Rotated extends RotationProgress {
  /** False when `signal` ended it; the next call goes on. */
  readonly isComplete: boolean;
  /** Whether the bytes of the old wrappings are gone from the storage's files. False: ask again later. */
  readonly isScrubbed: boolean;
}

/** How a rotation goes. */
export interface RotationOptions {
  /** Told after each transaction. */
  readonly onProgress?: (progress: RotationProgress) => void;
  /** Ends the call between two transactions. */
  readonly signal?: AbortSignal;
}

/** Rows in one transaction: others wait for some tens of milliseconds at most. */
const pageSize = 100;

/**
 * Writes under the active key what lies in storage under others: data keys are wrapped anew, identifiers and what
 * hangs on them digested anew. Everything else goes on meanwhile, in this process and in others, as long as each
 * has both keys. It can be ended at any moment and begun again: what is done is passed over. Run it when every
 * process has the new key as its active one.
 *
 * What nobody can digest anew stays as it is, because no plain text of it is left: suppressions of people who
 * were erased, evidence, unsubscribe links that were sent. `keysInUse` counts what storage holds of it.
 */
export async function rotateKeys(context: HeedContext, options: RotationOptions = {}): Promise<Rotated> {
  const done = { dataKeys: 0, identifiers: 0, suppressions: 0 };
  for (const pass of [wrapPage, digestPage]) {
    for (let after: string | undefined = ""; after !== undefined;) {
      if (options.signal?.aborted === true) return { ...done, isComplete: false, isScrubbed: false };
      const page: Page = await pass(context, after);
      done.dataKeys += page.dataKeys ?? 0;
      done.identifiers += page.identifiers ?? 0;
      done.suppressions += page.suppressions ?? 0;
      options.onProgress?.({ ...done });
      after = page.last;
    }
  }
  return { ...done, isComplete: true, isScrubbed: await context.storage.scrub() };
}

/** What one page came to; `last` is its last key, absent when there is no page after it. */
interface Page extends Partial<RotationProgress> {
  readonly last: string | undefined;
}

function lastOf(keys: readonly string[]): string | undefined {
  return keys.length < pageSize ? undefined : keys.at(-1);
}

/** Needs no lock: it changes nothing but how a key is wrapped, and only while it is wrapped as it was read. */
function wrapPage(context: HeedContext, after: string): Promise<Page> {
  return context.storage.transact({
    lock: [],
    clock: context.clock,
    read: {
      dataKeys: { from: "dataKeys", where: { owner: { above: after } }, orderBy: ["owner"], limit: pageSize },
    },
    decide: ({ dataKeys }): Decision<Page> => {
      const writes = dataKeys
        .filter((row) => row.keyId !== context.keys.activeId)
        .map(({ owner, keyId, wrapped }): Write => ({
          update: "dataKeys",
          where: { owner, keyId },
          set: context.keys.wrap(context.keys.unwrap(wrapped, keyId, owner), owner),
        }));
      return { writes, answer: { dataKeys: writes.length, last: lastOf(dataKeys.map((row) => row.owner)) } };
    },
  });
}

/** The digests under which something of one identifier may lie, the active one first, in its subject's namespace. */
interface Digests {
  readonly of: HeedContext;
  readonly index: readonly string[];
  /** None for what is no address. */
  readonly suppression: readonly string[];
}

async function digestPage(context: HeedContext, after: string): Promise<Page> {
  const page = await context.storage.transact({
    lock: [],
    clock: context.clock,
    read: {
      rows: {
        from: "identifiers",
        where: { digest: { above: after } },
        orderBy: ["digest"],
        limit: pageSize,
      },
    },
    decide: ({ rows }): Decision<readonly string[]> => ({
      writes: [],
      answer: rows.map((row) => row.digest),
    }),
  });
  const known = await digestsOf(context, page);
  const all = [...known.values()];
  const suppressions = all.flatMap((each) => each.suppression);
  const subjectIds = {
    via: "identifiers",
    column: "subjectId",
    where: { digest: [...known.keys()] },
  } as const;
  const changed = await transactOnLedgers(context, {
    select: { digests: [...known.keys()] },
    read: {
      taken: { from: "identifiers", where: { digest: all.flatMap((each) => each.index) } },
      suppressions: { from: "suppressions", where: { digest: suppressions } },
      references: { from: "references", where: { suppressions: suppressions.map(alone) } },
      requests: { from: "requests", where: { subjectId: subjectIds } },
    },
    decide: (records, rows): Decision<Omit<Page, "last">> => {
      const taken = new Set(rows.taken.map((row) => row.digest));
      const moved = records.flatMap((record) => movedIdentifiers(record, known, taken));
      const silenced = all.flatMap(({ suppression }) => moveSuppressions(suppression, rows.suppressions));
      const writes = [
        ...moved.flatMap(identifierWrites),
        ...all.flatMap(({ suppression }) => referenceWrites(suppression, rows.references)),
        ...rows.requests.flatMap((row) => requestWrites(row, moved)),
        ...silenced.flatMap((each) => each.writes),
      ];
      return { writes, answer: { identifiers: moved.length, suppressions: silenced.length } };
    },
  });
  return { ...changed, last: lastOf(page) };
}

/** Every identifier of the subjects that the page names, by its stored digest. Which rows to read hangs on it. */
function digestsOf(context: HeedContext, page: readonly string[]): Promise<ReadonlyMap<string, Digests>> {
  const subjectIds = { via: "identifiers", column: "subjectId", where: { digest: page } } as const;
  return transactOnLedgers(context, {
    select: { digests: page },
    read: { owners: { from: "subjects", where: { id: subjectIds } } },
    decide: (records, { owners }) => {
      const namespaces = new Map(owners.map((row) => [row.id, row.namespace]));
      const known = new Map<string, Digests>();
      for (const record of records) {
        const of = { ...context, namespace: namespaces.get(record.id) ?? context.namespace };
        for (const row of record.identifiers) {
          const parsed = readAgain(record.dataKey, row);
          known.set(row.digest, {
            of,
            index: indexDigests(of, parsed),
            suppression: suppressionLookups(of, [parsed]),
          });
        }
      }
      return { writes: [], answer: known };
    },
  });
}

/** An identifier's row before and after. */
interface Moved {
  readonly from: Row<"identifiers">;
  readonly to: Row<"identifiers">;
}

function movedIdentifiers(
  record: SubjectLedger,
  known: ReadonlyMap<string, Digests>,
  taken: ReadonlySet<string>,
): readonly Moved[] {
  return record.identifiers.flatMap((from) => {
    const of = known.get(from.digest)?.of;
    if (of === undefined) return [];
    const to = underActiveKey(of, record.dataKey, from);
    // Taken only where a process without the other's key wrote: two rows of one address, which are both found.
    return to === from || (to.digest !== from.digest && taken.has(to.digest)) ? [] : [{ from, to }];
  });
}

function identifierWrites({ from, to }: Moved): readonly Write[] {
  const { digest, suppression, sealed } = to;
  return [
    { update: "identifiers", where: { digest: from.digest }, set: { digest, suppression, sealed } },
    { update: "permits", where: { address: from.digest }, set: { address: digest } },
    { update: "reports", where: { address: from.digest }, set: { address: digest } },
    { update: "references", where: { address: from.digest }, set: { address: digest } },
  ];
}

/** A reference keeps the suppression digest of the one address that it was made for. */
const alone = (digest: string) => JSON.stringify([digest]);

/** Those of an erasure too: somebody who came back under the address is found by them. */
function referenceWrites(
  [active, ...older]: readonly string[],
  references: readonly Row<"references">[],
): readonly Write[] {
  if (active === undefined) return [];
  const texts = new Set(older.map(alone));
  return references
    .filter((row) => texts.has(row.suppressions))
    .map(({ id }): Write => ({ update: "references", where: { id }, set: { suppressions: alone(active) } }));
}

function requestWrites(row: Row<"requests">, moved: readonly Moved[]): readonly Write[] {
  const digests = new Map(moved.map(({ from, to }) => [from.digest, to.digest]));
  const before = JSON.parse(row.named) as string[];
  const named = JSON.stringify([...new Set(before.map((digest) => digests.get(digest) ?? digest))]);
  return named === row.named ? [] : [{ update: "requests", where: { id: row.id }, set: { named } }];
}

/** What silences an address under an older key, under the active one; of two for one scope the stronger stays. */
function moveSuppressions(
  [active, ...older]: readonly string[],
  rows: readonly Row<"suppressions">[],
): readonly { readonly writes: readonly Write[] }[] {
  if (active === undefined) return [];
  const present = new Map(rows.filter((row) => row.digest === active).map((row) => [row.scope, row]));
  return rows
    .filter((row) => older.includes(row.digest))
    .map((row) => {
      const { scope, reason, at } = row;
      const other = present.get(scope);
      const writes: Write[] = [{ remove: "suppressions", where: { digest: row.digest, scope } }];
      if (other === undefined)
        writes.push({ insert: "suppressions", row: { ...row, digest: active }, orKeep: true });
      else if (isStronger(row, other))
        writes.push({ update: "suppressions", where: { digest: active, scope }, set: { reason, at } });
      if (other === undefined || isStronger(row, other)) present.set(scope, { ...row, digest: active });
      return { writes };
    });
}
