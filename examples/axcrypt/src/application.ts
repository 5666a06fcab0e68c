import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

/** The application's own data: accounts in a database, and an access log in a file. */
export interface Application {
  /** The log of who asked for what. */
  readonly accessLog: string;
  signUp(account: { readonly email: string; readonly name: string }): void;
  /** Removes everything of this person, the lines of the log too; the address is compared whatever its case. */
  erase(email: string): void;
  holds(email: string): boolean;
  /** The addresses of all accounts. */
  accounts(): readonly string[];
  /** Where a text occurs in the database: `accounts.email`, `accounts.name`. */
  search(text: string): readonly string[];
  close(): void;
}

/** Opens the application's database and log: files of its own, which heed never touches by itself. */
export function openApplication(file: string): Application {
  const accessLog = `${file}.access.log`;
  const db = new DatabaseSync(file);
  db.exec(`
    pragma journal_mode = wal;
    pragma busy_timeout = 5000;
    pragma secure_delete = on;
    create table if not exists accounts (email text primary key, name text not null) strict;
  `);
  const lines = () =>
    existsSync(accessLog) ? readFileSync(accessLog, "utf8").split("\n").filter(Boolean) : [];
  const isAbout = (line: string, email: string) =>
    line.toLowerCase().split(" ").includes(email.toLowerCase());
  return {
    accessLog,
    signUp({ email, name }) {
      db.prepare("insert into accounts (email, name) values (?, ?)").run(email, name);
      appendFileSync(accessLog, `2026-11-20T08:00:00Z 192.0.2.7 ${email} /signin\n`);
    },
    erase(email) {
      db.prepare("delete from accounts where lower(email) = lower(?)").run(email);
      const kept = lines().filter((line) => !isAbout(line, email));
      writeFileSync(`${accessLog}.new`, kept.map((line) => `${line}\n`).join(""));
      renameSync(`${accessLog}.new`, accessLog);
    },
    holds: (email) =>
      db.prepare("select 1 from accounts where lower(email) = lower(?)").get(email) !== undefined ||
      lines().some((line) => isAbout(line, email)),
    accounts: () =>
      db
        .prepare("select email from accounts order by email")
        .all()
        .map(({ email }) => String(email)),
    search: (text) =>
      ["email", "name"]
        .filter(
          (column) =>
            db
              .prepare(`select 1 from accounts where lower(${column}) like '%' || lower(?) || '%'`)
              .get(text) !== undefined,
        )
        .map((column) => `accounts.${column}`),
    close: () => db.close(),
  };
}
