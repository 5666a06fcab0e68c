/** What a migration did. */
export interface Migrated {
  /** Names of the tables, columns (`steps.crashes`) and indexes that it added. Empty where nothing was missing. */
  readonly added: readonly string[];
}
