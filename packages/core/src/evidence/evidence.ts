import { randomUUID } from "node:crypto";
import type { HeedContext } from "../context.ts";
import type { Identifier } from "../contract/identifier.ts";
import { parseIdentifier } from "../contract/parse-identifier.ts";
import type { Write } from "../contract/storage.ts";
import { canonicalJson } from "./canonical-json.ts";
import { evidenceEntrySchema, type EvidenceEntry } from "./entry.ts";

/** An entry as it is read back. */
export interface Evidence {
  readonly id: string;
  /** RFC 3339. */
  readonly at: string;
  readonly entry: EvidenceEntry;
}

let kept = 0;

/** Ids sort in the order in which this process made them: `at` alone does not tell within one millisecond. */
function nextId(): string {
  kept += 1;
  return `${kept.toString(16).padStart(12, "0")}-${randomUUID()}`;
}

/** The write that keeps an entry. The schema is checked here, so nothing outside it is ever stored. */
export function evidenceWrite(context: HeedContext, at: string, entry: EvidenceEntry): Write {
  const checked = evidenceEntrySchema.parse(entry);
  const requestId = "requestId" in checked ? (checked.requestId ?? null) : null;
  return {
    insert: "evidence",
    row: {
      id: nextId(),
      namespace: context.namespace,
      at,
      requestId,
      entry: canonicalJson(checked),
      sealedAs: null,
      salt: null,
      commitment: null,
    },
  };
}

/** Keyed digests of identifiers, evidence use: they join with no other digest that heed keeps. */
export function evidenceDigests(context: HeedContext, identifiers: readonly Identifier[]): string[] {
  const digests = identifiers.map((identifier) => {
    const { kind, canonical } = parseIdentifier(identifier.kind, identifier.value);
    return context.keys.digest("evidence", context.namespace, kind, canonical);
  });
  return [...new Set(digests)];
}

/** What is kept about a request, oldest first; what one process kept in the same millisecond in its order. */
export async function evidenceOf(context: HeedContext, requestId: string): Promise<readonly Evidence[]> {
  return context.storage.transact({
    lock: [],
    clock: context.clock,
    read: { evidence: { from: "evidence", where: { requestId }, orderBy: ["at", "id"] } },
    decide: ({ evidence }) => ({
      writes: [],
      answer: evidence.flatMap(({ id, at, entry }) =>
        entry === null ? [] : [{ id, at, entry: evidenceEntrySchema.parse(JSON.parse(entry)) }],
      ),
    }),
  });
}
