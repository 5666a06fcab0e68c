import type { HeedContext } from "../context.ts";
import { parseIdentifier } from "../contract/parse-identifier.ts";
import { restoreNeeded } from "../errors/restore-needed.ts";
import { keyReads, refuseUnknownKeys } from "../keys/known-keys.ts";
import { keptOut } from "./kept-out.ts";
import { silencesOf } from "./subject-record.ts";
import { strongest, type SuppressionReason } from "./suppression.ts";

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
  const subjectId = { via: "identifiers", column: "subjectId", where: { digest: index } } as const;
  return context.storage.transact({
    lock: [],
    clock: context.clock,
    read: {
      ...keyReads(context.keys),
      suppressions: { from: "suppressions", where: { digest } },
      subjects: { from: "subjects", where: { id: subjectId } },
      steps: {
        from: "steps",
        where: { subjectId, operation: "exclude", processor: ask.recipient ?? [] },
      },
      silences: silencesOf(subjectId),
    },
    decide: (rows) => {
      refuseUnknownKeys(context.keys, rows);
      const { suppressions, subjects, steps, silences } = rows;
      const [subject] = subjects;
      const because =
        keptOut({ suppressions, subject, steps, silences }, ask.recipient)?.because ??
        (strongest(suppressions, "marketing")?.reason as SuppressionReason | undefined);
      const answer: SuppressionAnswer =
        because === undefined ? { suppressed: false } : { suppressed: true, because };
      return { writes: [], answer };
    },
  });
}
