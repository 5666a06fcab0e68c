import { createHash, randomBytes } from "node:crypto";
import { leafHash } from "./merkle-tree.ts";

/** 128 random bits, so that nobody can find out a pruned entry by trying what it may have said. */
export function newSalt(): string {
  return randomBytes(16).toString("hex");
}

/** What stands for an entry in the log. @param text the entry's canonical JSON */
export function commitmentTo(salt: string, text: string): string {
  return createHash("sha256").update(`heed evidence v1\n${salt}\n${text}`).digest("hex");
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
