// A company whose heed lasts: a database, a journal and its own table, all files in one folder.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createHeed, definePolicy, fileJournal, keyring, ownData, RejectedError } from "@heed/core";
import { sqlite } from "@heed/sqlite";

/** What is not as usual. */
export interface Sharing {
  /** Which of the controllers that share the database. */
  readonly namespace?: string | undefined;
  /** A file in the folder for the data keys. */
  readonly keysFile?: string | undefined;
}

/**
 * @param home the folder. A file `refuses` in it makes the company's own table refuse to erase.
 * @param keys the keyring
 */
export function durableCompany(
  home: string,
  keys: string | undefined,
  { namespace, keysFile }: Sharing = {},
) {
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
    storage: sqlite({
      file: join(home, "heed.db"),
      ...(keysFile === undefined ? {} : { keysFile: join(home, keysFile) }),
    }),
    journal: fileJournal(join(home, "heed.journal")),
    keys: keyring(keys),
    ...(namespace === undefined ? {} : { namespace }),
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
