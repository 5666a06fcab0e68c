import type { HeedContext } from "../context.ts";
import type { Identifier } from "../contract/identifier.ts";
import { parseIdentifier, type ParsedIdentifier } from "../contract/parse-identifier.ts";
import type { Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { open, seal } from "../keys/sealed.ts";
import { indexDigests, suppressionDigests, type Named } from "./name-subject.ts";
import type { SubjectLedger } from "./subject-record.ts";

/** The identifiers in the clear, one for each spelling. */
export function identifiersOf(
  dataKey: Uint8Array,
  rows: readonly Row<"identifiers">[],
): readonly Identifier[] {
  return rows.flatMap((row) => spellingsOf(dataKey, row).map((value) => ({ kind: row.kind, value })));
}

/** A stored identifier, as it was first spelled. */
export function spellingOf(dataKey: Uint8Array, row: Row<"identifiers">): string {
  return spellingsOf(dataKey, row)[0] ?? "";
}

/** A stored identifier, parsed as it was when it came. */
export function readAgain(dataKey: Uint8Array, row: Row<"identifiers">): ParsedIdentifier {
  return parseIdentifier(row.kind, spellingOf(dataKey, row));
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
      writes.push({ insert: "identifiers", row }, ...takenOver(digests, row.digest));
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

/** What was sent to an address while it was nobody's, under a key that was the active one then: it is theirs now. */
function takenOver([, ...older]: readonly string[], address: string): readonly Write[] {
  if (older.length === 0) return [];
  return (["permits", "reports"] as const).map((table) => ({
    update: table,
    where: { address: older },
    set: { address },
  }));
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
