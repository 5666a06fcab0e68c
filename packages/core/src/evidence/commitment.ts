import { hash, randomBytes } from "node:crypto";
import { leafHash } from "./merkle-tree.ts";

const saltBytes = 16;

/**
 * Gives a salt of 128 random bits for each of so many entries, so that nobody can find out a pruned one by trying what
 * it may have said. All are drawn at once: asking the system for random bits costs more than sealing an entry.
 */
export function newSalts(count: number): (index: number) => string {
  const random = randomBytes(count * saltBytes);
  return (index) => random.toString("hex", index * saltBytes, (index + 1) * saltBytes);
}

/** What stands for an entry in the log. @param text the entry's canonical JSON */
export function commitmentTo(salt: string, text: string): string {
  return hash("sha256", `heed evidence v1\n${salt}\n${text}`, "hex");
}

/** An entry's place in the log, without what it says. */
export interface Committed {
  readonly id: string;
  /** RFC 3339. */
  readonly at: string;
  readonly commitment: string;
}

/** The leaf of an entry: its id, its instant and its commitment, all of which stay when it is pruned. */
export function leafOf({ id, at, commitment }: Committed): string {
  return leafHash(`${id}\n${at}\n${commitment}`);
}
