// A company whose heed lasts: a database, a journal and its own table, all files in one folder.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createHeed, definePolicy, fileJournal, keyring, ownData, RejectedError } from "@heed/core";
import { sqlite } from "@heed/sqlite";

/**
 * @param home the folder. A file `refuses` in it makes the company's own table refuse to erase.
 * @param keys the keyring
 * @param namespace which of the controllers that share the database
 */
export function durableCompany(home: string, keys: string | undefined, namespace = "default") {
  const table = join(home, "people.json");
  const people = () => (existsSync(table) ? (JSON.parse(readFileSync(table, "utf8")) as string[]) : []);
  const isKept = () => existsSync(join(home, "refuses"));
  return createHeed({
    policy: definePolicy({
      controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
      recipients: { app: { role: "own", country: "SE" } },
      purposes: { news: { basis: "consent" } },
      topics: { news: { class: "marketing", purpose: "news" } },
    }),
    storage: sqlite(join(home, "heed.db")),
    journal: fileJournal(join(home, "heed.journal")),
    keys: keyring(keys),
    namespace,
    processors: {
      app: ownData({
        by: "email",
        erase: async (email) => {
          if (isKept()) throw new RejectedError("no", { processor: "app", operation: "erase", status: 400 });
          writeFileSync(table, JSON.stringify(people().filter((each) => each !== email)));
        },
        holds: async (email) => people().includes(email),
      }),
    },
  });
}
