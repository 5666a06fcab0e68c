import { DatabaseSync } from "node:sqlite";

/** The application's own data: accounts, and the access log with who asked for what. */
export interface Application {
  signUp(account: { readonly email: string; readonly name: string }): void;
  /** Removes everything of this person; the address is compared whatever its case. */
  erase(email: string): void;
  holds(email: string): boolean;
  emails(): readonly string[];
  /** Where a text occurs: `table.column`. */
  search(text: string): readonly string[];
  close(): void;
}

/** Opens the application's database: a file of its own, which heed never touches by itself. */
export function openApplication(file: string): Application {
  const db = new DatabaseSync(file);
  db.exec(`
    pragma journal_mode = wal;
    pragma busy_timeout = 5000;
    pragma secure_delete = on;
    create table if not exists accounts (email text primary key, name text not null) strict;
    create table if not exists access_log (at text not null, account text not null, url text not null) strict;
  `);
  const tables = { accounts: ["email", "name"], access_log: ["account", "url"] } as const;
  return {
    signUp({ email, name }) {
      db.prepare("insert into accounts (email, name) values (?, ?)").run(email, name);
      db.prepare("insert into access_log (at, account, url) values (?, ?, ?)").run(
        "2026-11-20T08:00:00Z",
        email,
        "/signin",
      );
    },
    erase(email) {
      db.prepare("delete from accounts where lower(email) = lower(?)").run(email);
      db.prepare("delete from access_log where lower(account) = lower(?)").run(email);
    },
    holds: (email) =>
      [
        "select 1 from accounts where lower(email) = lower(?)",
        "select 1 from access_log where lower(account) = lower(?)",
      ].some((query) => db.prepare(query).get(email) !== undefined),
    emails: () =>
      db
        .prepare("select email from accounts order by email")
        .all()
        .map((row) => String(row["email"])),
    search: (text) =>
      Object.entries(tables).flatMap(([table, columns]) =>
        columns
          .filter(
            (column) =>
              db
                .prepare(`select 1 from ${table} where lower(${column}) like '%' || lower(?) || '%'`)
                .get(text) !== undefined,
          )
          .map((column) => `${table}.${column}`),
      ),
    close: () => db.close(),
  };
}
