import type { RequestView } from "@heed/core";

/** What a processor keeps, and of whom. */
export interface Kept {
  readonly processor: string;
  readonly category: string;
  readonly reason: string;
  readonly law: string;
  readonly until: string;
  readonly emails: readonly string[];
}

/** Each category that a processor keeps, once: `forgetTokens` and `erase` both tell what they left of it. */
export function keptParts(requests: ReadonlyMap<string, RequestView>): readonly Kept[] {
  const kept = new Map<string, Omit<Kept, "emails"> & { readonly emails: Set<string> }>();
  for (const [email, { steps }] of requests) {
    for (const { processor, retained } of steps) {
      for (const { category, reason, law = "-", until = "-" } of retained) {
        const part = { processor, category, reason, law, until };
        const key = JSON.stringify(part);
        const known = kept.get(key) ?? { ...part, emails: new Set() };
        known.emails.add(email);
        kept.set(key, known);
      }
    }
  }
  return [...kept.values()].map(({ emails, ...part }) => ({ ...part, emails: [...emails] }));
}
