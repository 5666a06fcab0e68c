import { createHash } from "node:crypto";

/**
 * The key of an advisory lock: 64 bits of a digest over the schema and the name. Two names that share a key
 * wait for each other, and that is all; if their order then differs, PostgreSQL finds the deadlock and the
 * transaction is tried again.
 */
export function lockKey(schema: string, name: string): bigint {
  return createHash("sha256").update(`${schema}\0${name}`).digest().readBigInt64BE();
}

/** So many locks are taken faster when each is named: there is nothing to scan then. */
const few = 8;

/**
 * What a `SELECT` asks for to take the locks, one after another in the order given; they are let go at the
 * transaction's end.
 */
export function lockCalls(schema: string, names: readonly string[]): readonly string[] {
  const keys = names.map((name) => lockKey(schema, name));
  if (keys.length <= few) return keys.map((key) => `pg_advisory_xact_lock('${key}')`);
  const all = `unnest('{${keys.join(",")}}'::bigint[])`;
  return [`(SELECT count(pg_advisory_xact_lock(key)::text) FROM ${all} AS key)`];
}
