import type { HeedStorage, Query, Reads, Transaction, Write } from "@heed/core/storage";
import { onTestFinished } from "vitest";
import { openDatabase } from "../src/open-database.ts";
import { remove, select, update } from "../src/sql.ts";
import { untilFreeFor } from "../src/until-free.ts";
import { temporaryFile } from "./temporary-file.ts";

/** How SQLite would go about it. */
export async function planOf(...statements: readonly string[]): Promise<readonly string[]> {
  const database = await openDatabase(temporaryFile(), untilFreeFor(1000));
  onTestFinished(() => database.close());
  return statements.flatMap((sql) =>
    database
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all()
      .map((step) => String(step["detail"])),
  );
}

/** A storage as it is, with what is read, and the statements of what is read, changed and removed, once each. */
export function watched(inner: HeedStorage): {
  readonly storage: HeedStorage;
  readonly queries: Query[];
  readonly statements: string[];
} {
  const queries: Query[] = [];
  const statements: string[] = [];
  const seen = (sql: string) => {
    if (!statements.includes(sql)) statements.push(sql);
  };
  const statementOf = (write: Write) => {
    if ("update" in write) seen(update(write.update, write.where, write.set).sql);
    else if ("remove" in write) seen(remove(write.remove, write.where).sql);
  };
  return {
    queries,
    statements,
    storage: {
      ...inner,
      transact<const R extends Reads, A>(transaction: Transaction<R, A>): Promise<A> {
        for (const query of Object.values(transaction.read)) {
          queries.push(query);
          seen(select(query).sql);
        }
        const decide: typeof transaction.decide = (rows, now) => {
          const decision = transaction.decide(rows, now);
          for (const write of decision.writes) statementOf(write);
          return decision;
        };
        return inner.transact({ ...transaction, decide });
      },
    },
  };
}
