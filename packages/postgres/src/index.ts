export { postgres } from "./postgres.ts";
export type { PostgresOptions, PostgresStorage } from "./postgres.ts";
export type { Migrated } from "./migrate.ts";
export type { JoinedTransaction } from "./run-within.ts";
