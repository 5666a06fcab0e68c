export type { Clock } from "./contract/clock.ts";
export { dueStep } from "./contract/due-step.ts";
export type { DueRow } from "./contract/due-step.ts";
export type {
  Condition,
  Decision,
  DueAsk,
  DueStep,
  HeedStorage,
  Query,
  Reads,
  RowsOf,
  Scalar,
  Transaction,
  Via,
  Where,
  WhereOf,
  Write,
} from "./contract/storage.ts";
export { indexesOf } from "./contract/indexes.ts";
export type { TableIndex } from "./contract/indexes.ts";
export { tables } from "./contract/tables.ts";
export type { ColumnType, Row, TableDefinition, TableName, Tables } from "./contract/tables.ts";
export { ConflictError } from "./errors/conflict-error.ts";
export { HeedError, isHeedError } from "./errors/heed-error.ts";
export { InvalidInputError } from "./errors/invalid-input-error.ts";
export { checkRow, checkValue, columnType, conflictOf, fits } from "./memory/checks.ts";
export { searchStorage } from "./keys/search-storage.ts";
export type { StorageFind } from "./keys/search-storage.ts";
export { onlyKeys } from "./only-keys.ts";
export type { KnownKeys } from "./only-keys.ts";
