import type { Write } from "../contract/storage.ts";
import type { TableName } from "../contract/tables.ts";

type InsertOf<T extends TableName> = Extract<Write, { readonly insert: T }>;

/** Those that insert into one table. */
export const inserts = <T extends TableName>(writes: readonly Write[], table: T): readonly InsertOf<T>[] =>
  writes.filter((write): write is InsertOf<T> => "insert" in write && write.insert === table);

/** The writes of then, so that nothing happens twice and a newer silence is not made older. */
export function redo(writes: readonly Write[]): readonly Write[] {
  return writes.map((write) =>
    "insert" in write && write.orRaise === undefined ? { ...write, orKeep: true } : write,
  );
}

export type RequestUpdate = Extract<Write, { update: "requests" }>;

export function idIn({ where: { id } }: RequestUpdate): string {
  return typeof id === "string" ? id : "";
}
