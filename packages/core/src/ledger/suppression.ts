import type { HeedContext } from "../context.ts";
import type { Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { parseIdentifier } from "../contract/parse-identifier.ts";
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

/** Silences addresses; a repeat moves the time forward and keeps the first reason. */
export function suppress(
  digests: readonly string[],
  scope: SuppressionScope,
  reason: SuppressionReason,
  at: string,
): readonly Write[] {
  return digests.flatMap((digest): readonly Write[] => [
    { insert: "suppressions", row: { digest, scope, reason, at }, orKeep: true },
    { update: "suppressions", where: { digest, scope }, set: { at } },
  ]);
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

/** The answer of {@link checkSuppression}. */
export interface SuppressionAnswer {
  /** True: do not contact, and do not create a record of this address. */
  readonly suppressed: boolean;
  readonly because?: SuppressionReason;
}

/**
 * Asked before anything creates a record of an address, for example an import or a sync to a CRM.
 * Vendors' own block lists do not stop creation through their API.
 */
export async function checkSuppression(
  context: HeedContext,
  ask: { readonly email: string; readonly recipient?: string },
): Promise<SuppressionAnswer> {
  const { kind, canonical } = parseIdentifier("email", ask.email);
  const digest = context.keys.digests("suppression", context.namespace, kind, canonical);
  const index = context.keys.digests("index", context.namespace, kind, canonical);
  return context.storage.transact({
    lock: [],
    clock: context.clock,
    read: {
      suppressions: { from: "suppressions", where: { digest } },
      identifiers: { from: "identifiers", where: { digest: index } },
      frozen: {
        from: "subjects",
        where: {
          id: { via: "identifiers", column: "subjectId", where: { digest: index } },
          frozenBy: { isNull: false },
        },
      },
    },
    decide: ({ suppressions, identifiers, frozen }) => {
      // A living subject that holds the address has come back by itself since the erasure.
      const hasReturned = identifiers.length > 0 && frozen.length === 0;
      const row = suppressions.find(
        (each) =>
          (each.scope === "everything" && !hasReturned) ||
          each.scope === "marketing" ||
          (ask.recipient !== undefined && each.scope === `recipient:${ask.recipient}`),
      );
      const answer: SuppressionAnswer =
        row === undefined
          ? { suppressed: false }
          : { suppressed: true, because: row.reason as SuppressionReason };
      return { writes: [], answer };
    },
  });
}
