import { createHash } from "node:crypto";

/** Bytes of a topic's code in a token. */
export const scopeCodeBytes = 4;

/** A short stable code of a topic's name, so that a token can name it in four bytes. Not a secret. */
export function scopeCode(topic: string): Buffer {
  return createHash("sha256").update(`heed/topic/${topic}`).digest().subarray(0, scopeCodeBytes);
}
