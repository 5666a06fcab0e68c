import type { Reads } from "../contract/storage.ts";
import { unknownKey, type Keyring } from "./keyring.ts";

const prefix = "first-behind-a-key/";

/**
 * Reads that find out whether another process wrote under a key that this one lacks, in the rows that say no
 * to a message. Digests begin with their key's id and a dot, so the first row behind each known key is
 * enough: a handful of look-ups, however long the tables are. Pass the rows to {@link refuseUnknownKeys}.
 */
export function keyReads(keys: Keyring): Record<never, never> {
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
export function refuseUnknownKeys(keys: Keyring, rows: object): void {
  const known = keys.ids;
  for (const [name, found] of Object.entries(rows) as [string, readonly { digest: string }[]][]) {
    if (!name.startsWith(prefix)) continue;
    for (const { digest } of found) {
      const [id = ""] = digest.split(".");
      if (!known.includes(id)) throw unknownKey(id);
    }
  }
}
