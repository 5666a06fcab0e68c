import type { Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import type { Scope } from "./event.ts";

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

/** Whether it keeps its address out of a recipient. */
export function keepsOut({ scope, reason }: Row<"suppressions">, recipient: string): boolean {
  return scope === exclusionScope(recipient) && reason !== returned;
}

/** What an erasure left behind these digests no longer counts as "do not contact, do not create". */
export function comeBack(digests: readonly string[], at: string): readonly Write[] {
  // A restoration may replay it after a later erasure.
  const where = { digest: digests, scope: "everything", at: { atMost: at } } as const;
  return [{ update: "suppressions", where, set: { reason: returned } }];
}

/**
 * Nothing of before keeps these addresses out of a recipient any more: written down also where it was not an address
 * that kept the person out.
 *
 * @param lookups digests of the addresses under every key @param active those under the active one
 */
export function letIn(
  lookups: readonly string[],
  active: readonly string[],
  recipient: string,
  at: string,
): readonly Write[] {
  const scope = exclusionScope(recipient);
  return [
    // A restoration may replay it after a later objection.
    {
      update: "suppressions",
      where: { digest: lookups, scope, at: { atMost: at } },
      set: { reason: returned, at },
    },
    ...active.map((digest): Write => ({
      insert: "suppressions",
      row: { digest, scope, reason: returned, at },
      orKeep: true,
    })),
  ];
}

/** Since when nothing of before keeps these addresses out of a recipient; undefined where they were never let in again. */
export function letInAt(rows: readonly Row<"suppressions">[], recipient: string): string | undefined {
  return rows
    .filter((row) => row.scope === exclusionScope(recipient) && row.reason === returned)
    .map((row) => row.at)
    .toSorted()
    .at(-1);
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

/** What says that nothing may be made of them first, and of two under two keys the one that counts, in whatever order they were read. */
export function strongest(
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
