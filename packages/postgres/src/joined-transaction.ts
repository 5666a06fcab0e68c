/**
 * What `within` takes: a client of `pg` that has a transaction open, or anything whose `query` or `executeSql`
 * runs a statement in one and answers `{ rows }`. pg-boss makes the latter of the transactions of Knex, Kysely,
 * Drizzle and Prisma (`fromKnex(trx)` and so on).
 */
export type JoinedTransaction =
  | { query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }> }
  | { executeSql(text: string, values?: unknown[]): Promise<{ rows: unknown[] }> };
