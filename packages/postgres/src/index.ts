export { postgres } from "./postgres.ts";
export type { PostgresOptions, PostgresStorage } from "./postgres.ts";
export type { Migrated } from "./migrated.ts";
export type { JoinedTransaction } from "./joined-transaction.ts";
