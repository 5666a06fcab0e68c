// Records opt-outs without end on a database with a journal, and prints each address once it was answered.
import { writeSync } from "node:fs";
import { createHeed, definePolicy, fileJournal, keyring } from "@heed/core";
import { sqlite } from "../src/sqlite.ts";

const [file = "", journal = "", keys = "", name = ""] = process.argv.slice(2);
const heed = createHeed({
  policy: definePolicy({
    controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
    recipients: { app: { role: "own", country: "SE" } },
    purposes: { news: { basis: "consent" } },
    topics: { newsletter: { class: "marketing", purpose: "news" } },
  }),
  storage: sqlite(file),
  keys: keyring(keys),
  journal: fileJournal(journal),
});

async function optOut(email: string): Promise<void> {
  await heed.subscriptions.unsubscribe({ subject: { email }, topic: "newsletter" });
  writeSync(1, `${email}\n`);
}

for (let n = 0; ; n += 3) {
  await Promise.all([0, 1, 2].map((more) => optOut(`${name}-${n + more}.canary@example.org`)));
}
