import type { HeedContext } from "../context.ts";
import type { Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { parseIdentifier } from "../contract/parse-identifier.ts";
import { restoreNeeded } from "../errors/restore-needed.ts";
import { keyReads, refuseUnknownKeys } from "../keys/known-keys.ts";
import type { Scope } from "./event.ts";
import { suppressionLookups, type Named } from "./name-subject.ts";
import { isExclusion } from "./subject-record.ts";

/** Why an address is silenced. */
export type SuppressionReason = "opted-out" | "erased" | "excluded";

/**
 * What a suppression silences: `everything` (after an erasure: do not contact, do not create again),
 * `marketing`, one topic or purpose, or the creation at one recipient.
 */
export type SuppressionScope =
  | "everything"
  | "marketing"
  | `topic:${string}`
  | `purpose:${string}`
  | `recipient:${string}`;

export function suppressionScope(scope: Scope): SuppressionScope {
  return scope.scope === "all" ? "marketing" : `${scope.scope}:${scope.name}`;
}

/** What keeps a person out of one recipient. */
export const exclusionScope = (recipient: string): SuppressionScope => `recipient:${recipient}`;

/** Silences addresses; a repeat moves the time forward, never back. */
export function suppress(
  digests: readonly string[],
  scope: SuppressionScope,
  reason: SuppressionReason,
  at: string,
): readonly Write[] {
  return digests.map((digest): Write => ({
    insert: "suppressions",
    row: { digest, scope, reason, at },
    orRaise: "at",
  }));
}

/**
 * The reason of an erasure's suppression once the person came back: it silences older marketing, and nothing else. And
 * of an exclusion that was taken back: it keeps nobody out.
 */
const returned = "returned";

/** Which of two suppressions of one address and scope counts: the newer one, and a standing one before a returned one. */
export function isStronger(row: Row<"suppressions">, than: Row<"suppressions">): boolean {
  return row.at === than.at ? than.reason === returned && row.reason !== returned : row.at > than.at;
}

/** Whether an address is kept out of a recipient, whoever has it now. @param rows suppressions of that address */
function isKeptOut(rows: readonly Row<"suppressions">[], recipient: string): boolean {
  const kept = strongest(rows, exclusionScope(recipient));
  return kept !== undefined && kept.reason !== returned;
}

/** Recipients that one of the addresses named is kept out of. @param silences suppressions of these addresses */
export function recipientsKeptOutOf(
  context: HeedContext,
  named: Named | undefined,
  silences: readonly Row<"suppressions">[],
): ReadonlySet<string> {
  const ofAddresses = (named?.identifiers ?? []).map((identifier) => {
    const digests = suppressionLookups(context, [identifier]);
    return silences.filter(({ digest }) => digests.includes(digest));
  });
  const recipients = Object.keys(context.policy.recipients);
  return new Set(recipients.filter((each) => ofAddresses.some((rows) => isKeptOut(rows, each))));
}

/** What an erasure left behind these digests no longer counts as "do not contact, do not create". */
export function comeBack(digests: readonly string[], at: string): readonly Write[] {
  // A restoration may replay it after a later erasure.
  const where = { digest: digests, scope: "everything", at: { atMost: at } } as const;
  return [{ update: "suppressions", where, set: { reason: returned } }];
}

/** An objection that was taken back before anything was carried out keeps nobody out. */
export function letIn(digests: readonly string[], recipient: string): readonly Write[] {
  const where = { digest: digests, scope: exclusionScope(recipient) };
  return [{ update: "suppressions", where, set: { reason: returned } }];
}

export function isComeBack(write: Write): boolean {
  return (
    "update" in write &&
    write.update === "suppressions" &&
    write.set.reason === returned &&
    write.where.scope === "everything"
  );
}

/**
 * When the person was erased, unless they have come back since. A subject that is younger than the erasure is
 * no proof of that: an opt-out made it, so that processors could be told.
 */
export function erasedAt(
  rows: readonly Row<"suppressions">[],
  subject: { readonly createdAt: string } | undefined,
): string | undefined {
  return rows
    .filter((row) => row.scope === "everything" && row.reason !== returned)
    .map((row) => row.at)
    .filter((at) => subject === undefined || subject.createdAt > at)
    .toSorted()
    .at(-1);
}

/** The newest suppression of an address that covers a marketing topic. */
export function silencedAt(
  rows: readonly Row<"suppressions">[],
  topic: { readonly name: string; readonly purpose: string },
): string | undefined {
  const covering = new Set(["everything", "marketing", `topic:${topic.name}`, `purpose:${topic.purpose}`]);
  return rows
    .filter((row) => covering.has(row.scope))
    .map((row) => row.at)
    .toSorted()
    .at(-1);
}

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
 */
export function keptOut(
  about: {
    readonly suppressions: readonly Row<"suppressions">[];
    readonly subject: Pick<Row<"subjects">, "createdAt" | "frozenBy"> | undefined;
    readonly steps: readonly Row<"steps">[];
  },
  recipient: string | undefined,
): KeptOut | undefined {
  const { suppressions, subject, steps } = about;
  const isErased = erasedAt(suppressions, subject) !== undefined || (subject?.frozenBy ?? null) !== null;
  const erasure = isErased ? strongest(suppressions, "everything") : undefined;
  if (erasure !== undefined) return { because: erasure.reason as SuppressionReason, at: erasure.at };
  if (recipient === undefined) return undefined;
  const objection = strongest(suppressions, exclusionScope(recipient));
  if (objection !== undefined && objection.reason !== returned)
    return { because: "excluded", at: objection.at };
  // Whoever has another address since is kept out with it as well.
  const exclusion = steps.find((step) => step.processor === recipient && isExclusion(step));
  return exclusion === undefined ? undefined : { because: "excluded", at: exclusion.createdAt };
}

/** What says that nothing may be made of them first, and of two under two keys the one that counts, in whatever order they were read. */
function strongest(
  rows: readonly Row<"suppressions">[],
  scope: SuppressionScope,
): Row<"suppressions"> | undefined {
  return rows
    .filter((each) => each.scope === scope)
    .reduce<Row<"suppressions"> | undefined>(
      (one, other) => (one === undefined || isStronger(other, one) ? other : one),
      undefined,
    );
}

/** The answer of {@link checkSuppression}. */
export interface SuppressionAnswer {
  /** True: do not contact, and do not create a record of this address. */
  readonly suppressed: boolean;
  readonly because?: SuppressionReason;
}

/**
 * Asked before anything creates a record of an address, for example an import or a sync to a CRM; with the recipient
 * that it would be created at, it also says who is kept out of that one. Vendors' own block lists do not stop creation
 * through their API.
 *
 * @throws HeedError `restore-needed` while a restored database lacks what its journal has
 * @throws HeedError `unknown-key` when this process lacks a key that suppressions were written under
 */
export async function checkSuppression(
  context: HeedContext,
  ask: { readonly email: string; readonly recipient?: string },
): Promise<SuppressionAnswer> {
  const { kind, canonical } = parseIdentifier("email", ask.email);
  if ((await context.journaled?.isHeld()) === true) throw restoreNeeded();
  const digest = context.keys.digests("suppression", context.namespace, kind, canonical);
  const index = context.keys.digests("index", context.namespace, kind, canonical);
  return context.storage.transact({
    lock: [],
    clock: context.clock,
    read: {
      ...keyReads(context.keys),
      suppressions: { from: "suppressions", where: { digest } },
      subjects: {
        from: "subjects",
        where: { id: { via: "identifiers", column: "subjectId", where: { digest: index } } },
      },
      steps: {
        from: "steps",
        where: {
          subjectId: { via: "identifiers", column: "subjectId", where: { digest: index } },
          operation: "exclude",
          processor: ask.recipient ?? [],
        },
      },
    },
    decide: (rows) => {
      refuseUnknownKeys(context.keys, rows);
      const { suppressions, subjects, steps } = rows;
      const [subject] = subjects;
      const because =
        keptOut({ suppressions, subject, steps }, ask.recipient)?.because ??
        (strongest(suppressions, "marketing")?.reason as SuppressionReason | undefined);
      const answer: SuppressionAnswer =
        because === undefined ? { suppressed: false } : { suppressed: true, because };
      return { writes: [], answer };
    },
  });
}
