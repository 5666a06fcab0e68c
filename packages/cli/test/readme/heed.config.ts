import { createHeed, definePolicy, fileJournal, keyring, ownData } from "@heed/core";
import { sqlite } from "@heed/sqlite";

const rows = new Set(["anna@example.org"]); // in earnest: your own tables
const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  recipients: { app: { role: "own", country: "SE" } },
  purposes: { news: { basis: "consent" } },
  topics: { "product-news": { class: "marketing", purpose: "news" } },
});
const erase = async (email: string) => rows.delete(email);
const app = ownData({ by: "email", erase, holds: async (email) => rows.has(email) });
const [storage, journal] = [sqlite("heed.db"), fileJournal("heed.journal")];
const keys = keyring(process.env["HEED_KEYS"]);
export const heed = createHeed({ policy, storage, journal, keys, processors: { app } });
