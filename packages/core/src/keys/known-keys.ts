import type { Reads } from "../contract/storage.ts";
import type { HeedContext } from "../context.ts";
import { unknownKey, type Keyring } from "./keyring.ts";

/** Ids of the keys that can be looked up. */
type KeyIds = Pick<Keyring, "ids">;

const prefix = "first-behind-a-key/";

/**
 * Reads that find out whether another process wrote under a key that this one lacks, in the rows that say no
 * to a message. Digests begin with their key's id and a dot, so the first row behind each known key is
 * enough: a handful of look-ups, however long the tables are. Pass the rows to {@link refuseUnknownKeys}.
 */
export function keyReads(keys: KeyIds): Record<never, never> {
  const reads: Record<string, Reads[string]> = {};
  // "/" comes after "." and before whatever an id is made of.
  for (const above of ["", ...keys.ids.map((id) => `${id}/`)]) {
    for (const from of ["suppressions", "identifiers"] as const) {
      reads[`${prefix}${from}/${above}`] = {
        from,
        where: { digest: { above } },
        orderBy: ["digest"],
        limit: 1,
      };
    }
  }
  return reads;
}

/** @throws HeedError `unknown-key`: what cannot be looked up may be somebody's "no" */
export function refuseUnknownKeys(keys: KeyIds, rows: object): void {
  const [id] = unknownIn(keys, rows);
  if (id !== undefined) throw unknownKey(id);
}

/** Ids of every key that those rows were written under and that this process lacks: one more round for each of them. */
export async function unknownKeys({ storage, clock, keys }: HeedContext): Promise<readonly string[]> {
  const unknown: string[] = [];
  for (;;) {
    const known = { ids: [...keys.ids, ...unknown] };
    const found = await storage.transact({
      lock: [],
      clock,
      read: keyReads(known),
      decide: (rows) => ({ writes: [], answer: unknownIn(known, rows) }),
    });
    if (found.length === 0) return unknown.toSorted();
    unknown.push(...found);
  }
}

function unknownIn({ ids }: KeyIds, rows: object): readonly string[] {
  const found = (Object.entries(rows) as [string, readonly { digest: string }[]][])
    .filter(([name]) => name.startsWith(prefix))
    .flatMap(([, first]) => first.map(({ digest }) => digest.split(".", 1)[0] ?? ""));
  return [...new Set(found)].filter((id) => !ids.includes(id));
}
