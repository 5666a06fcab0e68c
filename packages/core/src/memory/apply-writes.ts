import type { Scalar, Where, Write } from "../contract/storage.ts";
import { tables, type TableName } from "../contract/tables.ts";
import { checkRow, checkValue, conflictOf } from "./checks.ts";
import { compare, type StoredRow, type Value } from "./stored-row.ts";
import { matching, tableOf, type MemoryTables } from "./select.ts";

/** Takes back one change that was made. */
type Undo = () => void;

/** A copy, bytes included: nobody outside shares a row with the storage. */
export function copyOf(row: StoredRow): StoredRow {
  const copy: Record<string, Value> = { ...row };
  for (const column in copy) {
    const value = copy[column];
    if (value instanceof Uint8Array) copy[column] = Uint8Array.from(value);
  }
  return copy;
}

function insert(
  all: MemoryTables,
  into: TableName,
  row: StoredRow,
  conflict: boolean | string,
  undo: Undo[],
): void {
  checkRow(into, row);
  const there = conflict === false ? undefined : rowWithKeyOf(all, into, row);
  if (there !== undefined) {
    if (typeof conflict === "string" && compare(there[conflict] ?? null, row[conflict] ?? null) <= 0)
      update(all, into, keyOf(into, row), row, undo);
    return;
  }
  const kept = copyOf(row);
  tableOf(all, into).add(kept);
  undo.push(() => tableOf(all, into).remove(kept));
}

function keyOf(table: TableName, row: StoredRow): Where {
  return Object.fromEntries(tables[table].key.map((column) => [column, row[column] as Scalar]));
}

function rowWithKeyOf(all: MemoryTables, into: TableName, row: StoredRow): StoredRow | undefined {
  const key = new Map(tables[into].key.map((column) => [column, new Set([row[column] ?? null])]));
  return tableOf(all, into).candidates(key)[0];
}

function remove(all: MemoryTables, from: TableName, where: Where, undo: Undo[]): readonly StoredRow[] {
  const table = tableOf(all, from);
  const found = matching(all, from, where);
  for (const row of found) {
    table.remove(row);
    undo.push(() => table.add(row));
  }
  return found;
}

function update(all: MemoryTables, name: TableName, where: Where, set: StoredRow, undo: Undo[]): void {
  const table = tableOf(all, name);
  for (const [column, value] of Object.entries(set)) checkValue(name, column, value);
  for (const row of remove(all, name, where, undo)) {
    const changed = copyOf({ ...row, ...set });
    table.add(changed);
    undo.push(() => table.remove(changed));
  }
}

/** Carries all writes out in their order, or, when one fails, none of them, and throws what it threw. */
export function applyWrites(all: MemoryTables, writes: readonly Write[]): void {
  const undo: Undo[] = [];
  try {
    for (const write of writes) {
      if ("insert" in write) insert(all, write.insert, write.row, conflictOf(write), undo);
      else if ("update" in write) update(all, write.update, write.where, write.set, undo);
      else remove(all, write.remove, write.where, undo);
    }
  } catch (error) {
    for (const takeBack of undo.toReversed()) takeBack();
    throw error;
  }
}
