import { tables, type TableDefinition, type TableName } from "./tables.ts";

/** An index that a table needs beside its key. */
export interface TableIndex {
  /** Tells it from the table's others: `by_subjectId`. What is built under it is not built again. */
  readonly name: string;
  readonly columns: readonly string[];
  readonly isUnique: boolean;
  /** Of those rows alone in which this column is null, or has a value. */
  readonly only?: { readonly column: string; readonly isNull: boolean };
}

/** Every index that a table needs beside its key. */
export function indexesOf(table: TableName): readonly TableIndex[] {
  const { indexes, unique = [], whereNull = {}, whereSet = {} }: TableDefinition = tables[table];
  const named = (word: string, columns: readonly string[]) => ({
    name: `${word}_${columns.join("_")}`,
    columns,
    isUnique: word === "one",
  });
  const partial = (
    word: string,
    of: Readonly<Record<string, readonly (readonly string[])[]>>,
    isNull: boolean,
  ): readonly TableIndex[] =>
    Object.entries(of).flatMap(([column, lists]) =>
      lists.map((columns) => ({ ...named(word, columns), only: { column, isNull } })),
    );
  return [
    ...unique.map((columns) => named("one", columns)),
    ...indexes.map((columns) => named("by", columns)),
    ...partial("open", whereNull, true),
    ...partial("set", whereSet, false),
  ];
}
