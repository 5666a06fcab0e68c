import type { Reads, RowsOf, TableName } from "@heed/core/storage";
import { definitionOf, identifier, tableNames } from "./schema.ts";
import type { Session, Statement } from "./session.ts";
import { Writer } from "./sql.ts";

/** A row `q` of each table as a JSON array of its columns, bytes as hexadecimal text. */
const arrayOf: ReadonlyMap<TableName, string> = new Map(
  tableNames.map((table) => {
    const values = Object.entries(definitionOf(table).columns).map(([column, type]) =>
      type.startsWith("bytes") ? `encode(q.${identifier(column)}, 'hex')` : `q.${identifier(column)}`,
    );
    return [table, `json_build_array(${values.join(", ")})`];
  }),
);

/**
 * All reads of a transaction as one statement: one round trip, and one snapshot, so that no read sees a commit
 * that another one does not.
 *
 * @throws TypeError when a query does not fit the tables
 */
export function readStatement(schema: string, reads: Reads): Statement {
  const writer = new Writer(schema);
  const vias = writer.fromVias(Object.values(reads));
  const columns = Object.values(reads).map((query, index) => {
    const rows = writer.select(query);
    return `(SELECT coalesce(json_agg(${arrayOf.get(query.from)}), '[]')::text FROM (${rows}) AS q) AS "${index}"`;
  });
  return writer.statement(`SELECT ${columns.join(", ")}${vias}`);
}

function rowsOf(reads: Reads, answered: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(reads).map(([name, query], index) => {
      const columns = Object.entries(definitionOf(query.from).columns);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the statement above made it
      const rows = JSON.parse(String(answered[String(index)])) as readonly (readonly unknown[])[];
      return [name, rows.map((values) => rowOf(columns, values))];
    }),
  );
}

function rowOf(columns: readonly (readonly [string, string])[], values: readonly unknown[]): unknown {
  return Object.fromEntries(
    columns.map(([column, type], index) => {
      const value = values[index];
      const isBytes = type.startsWith("bytes") && typeof value === "string";
      return [column, isBytes ? new Uint8Array(Buffer.from(value, "hex")) : value];
    }),
  );
}

/** Reads what a transaction asks for. @param asked what {@link readStatement} makes of it */
export async function readRows<R extends Reads>(
  session: Session,
  reads: R,
  asked: Statement,
): Promise<RowsOf<R>> {
  const isEmpty = Object.keys(reads).length === 0;
  const answered = isEmpty ? {} : ((await session.run(asked.sql, asked.values)).rows[0] ?? {});
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- rows of exactly these tables
  return rowsOf(reads, answered) as RowsOf<R>;
}
