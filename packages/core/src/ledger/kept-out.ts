import type { HeedContext } from "../context.ts";
import type { ParsedIdentifier } from "../contract/parse-identifier.ts";
import type { Row } from "../contract/tables.ts";
import type { Write } from "../contract/storage.ts";
import { readAgain } from "./identifiers.ts";
import { suppressionDigests, suppressionLookups, type Named } from "./name-subject.ts";
import { isExclusion, type SubjectRecord } from "./subject-record.ts";
import {
  erasedAt,
  exclusionScope,
  keepsOut,
  letIn,
  letInAt,
  strongest,
  type SuppressionReason,
} from "./suppression.ts";

/** What says that no record of an address is to be made, and since when. */
export interface KeptOut {
  readonly because: SuppressionReason;
  /** RFC 3339. */
  readonly at: string;
}

/**
 * Whether an address is kept out: everywhere, by an erasure, or of one recipient, by an objection.
 *
 * @param about.suppressions of this address, under every key
 * @param about.subject whose it is, where it is somebody's
 * @param about.steps of that subject
 * @param about.silences of all of that subject's addresses
 */
export function keptOut(
  about: {
    readonly suppressions: readonly Row<"suppressions">[];
    readonly subject: Pick<Row<"subjects">, "createdAt" | "frozenBy"> | undefined;
    readonly steps: readonly Row<"steps">[];
    readonly silences: readonly Row<"suppressions">[];
  },
  recipient: string | undefined,
): KeptOut | undefined {
  const { suppressions, subject, steps, silences } = about;
  const isErased = erasedAt(suppressions, subject) !== undefined || (subject?.frozenBy ?? null) !== null;
  const erasure = isErased ? strongest(suppressions, "everything") : undefined;
  if (erasure !== undefined) return { because: erasure.reason as SuppressionReason, at: erasure.at };
  if (recipient === undefined) return undefined;
  const own = strongest(suppressions, exclusionScope(recipient));
  return excludedFrom(
    { exclusions: steps.filter(isExclusion), silences: own === undefined ? silences : [own, ...silences] },
    recipient,
  );
}

/** Whether the subject is kept out of a recipient, under whatever address. */
export function isExcludedFrom(record: SubjectRecord, recipient: string): boolean {
  return excludedFrom(record, recipient) !== undefined;
}

/**
 * Whoever has another address since is kept out with it as well, and whoever has an address that was kept out before
 * it was theirs: it may be their own of before they were erased.
 */
export function excludedFrom(
  { exclusions, silences }: Pick<SubjectRecord, "exclusions" | "silences">,
  recipient: string,
): KeptOut | undefined {
  const inAt = letInAt(silences, recipient) ?? "";
  const since = [
    ...silences.filter((row) => keepsOut(row, recipient)).map((row) => row.at),
    ...exclusions
      .filter((step) => step.processor === recipient && step.createdAt > inAt)
      .map((step) => step.createdAt),
  ];
  const at = since.toSorted().at(-1);
  return at === undefined ? undefined : { because: "excluded", at };
}

/**
 * Whether an address keeps the subject out that did so before it was theirs, and that nobody has shown to be theirs: it
 * may be another person's, who never wanted to be let in.
 */
export function isKeptOutAsAnother({ identifiers, silences }: SubjectRecord, recipient: string): boolean {
  return identifiers
    .filter(({ verified }) => verified === 0)
    .some(({ suppression, addedAt }) =>
      silences.some((row) => row.digest === suppression && keepsOut(row, recipient) && row.at < addedAt),
    );
}

/** The subject may be at the recipient again, under each of their addresses. */
export function letSubjectIn(
  context: HeedContext,
  record: SubjectRecord,
  recipient: string,
  at: string,
): { readonly record: SubjectRecord; readonly writes: readonly Write[] } {
  const addresses = record.identifiers.map((row) => readAgain(record.dataKey, row));
  const active = suppressionDigests(context, addresses);
  const isKept = (row: Row<"suppressions">) => row.scope !== exclusionScope(recipient);
  return {
    record: {
      ...record,
      exclusions: record.exclusions.filter((step) => step.processor !== recipient),
      silences: record.silences.filter(isKept),
    },
    writes: letIn(suppressionLookups(context, addresses), active, recipient, at),
  };
}

/**
 * The subject with what silences those of their addresses that a call names: they may be new to them. What keeps one out
 * is asked of all of a subject's addresses under the active key alone; what nobody wrote anew since the keys were
 * changed, because it was nobody's, is written so.
 *
 * @param silences suppressions of the addresses named, under every key
 */
export function withSilences(
  context: HeedContext,
  record: SubjectRecord,
  named: Named | undefined,
  silences: readonly Row<"suppressions">[],
): { readonly record: SubjectRecord; readonly writes: readonly Write[] } {
  if (named === undefined || silences.length === 0) return { record, writes: [] };
  const owned = new Set(record.identifiers.map((row) => row.digest));
  const own = named.identifiers.filter((_, index) =>
    named.digests[index]?.some((digest) => owned.has(digest)),
  );
  const digests = new Set(suppressionLookups(context, own));
  const more = silences.filter(({ digest }) => digests.has(digest));
  const anew = own.flatMap((identifier) => exclusionsAnew(context, identifier, more));
  return {
    record: { ...record, silences: [...record.silences, ...more, ...anew] },
    writes: anew.map((row): Write => ({ insert: "suppressions", row, orKeep: true })),
  };
}

/** What keeps an address out under an older key and not under the active one, as the active one writes it. */
function exclusionsAnew(
  context: HeedContext,
  address: ParsedIdentifier,
  silences: readonly Row<"suppressions">[],
): readonly Row<"suppressions">[] {
  const [active, ...older] = suppressionLookups(context, [address]);
  if (active === undefined) return [];
  const written = new Set(silences.filter((row) => row.digest === active).map(({ scope }) => scope));
  return silences
    .filter((row) => older.includes(row.digest) && row.reason === "excluded" && !written.has(row.scope))
    .map((row) => ({ ...row, digest: active }));
}
