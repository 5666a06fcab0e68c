import { DatabaseSync } from "node:sqlite";
import { createHeed, definePolicy, keyring, newKey } from "@heed/core";
import { median, timed, type Figure } from "./figure.ts";
import { openStorage, type Place } from "./places.ts";

/** Nobody else is told: what is measured is the ledger alone. */
const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  purposes: { news: { basis: "consent" } },
  topics: { news: { class: "marketing", purpose: "news" } },
});
const events = 1_000;
const rounds = 200;

/** The state of a subject with 1,000 events, beside a bare read of those rows. */
export async function fold(place: Place): Promise<readonly Figure[]> {
  if (place.kind !== "sqlite") throw new TypeError("This is measured on SQLite.");
  const heed = createHeed({ policy, storage: openStorage(place), keys: keyring(newKey()) });
  const subject = { email: "anna@example.org" };
  const evidence = { noticeVersion: "1" };
  for (let count = 0; count < events; count += 2) {
    await heed.consent.give({ subject, purpose: "news", evidence });
    await heed.consent.withdraw({ subject, purpose: "news" });
  }
  const database = new DatabaseSync(place.file);
  const rows = database.prepare(
    'SELECT * FROM "heed_events" WHERE "subjectId" = ? ORDER BY "recordedAt", "id"',
  );
  const id = database.prepare('SELECT "id" FROM "heed_subjects"').get()?.["id"];
  const bare: number[] = [];
  const folded: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    bare.push(
      await timed(() => {
        if (rows.all(String(id)).length < events) throw new Error("There are fewer events than were made.");
      }),
    );
    folded.push(await timed(() => heed.consent.state({ subject, purpose: "news" })));
  }
  database.close();
  await heed.close();
  return [
    {
      name: "fold.1000",
      value: median(folded) / median(bare),
      goal: 2,
      better: "lower",
      of: `${median(folded).toFixed(2)} ms over ${median(bare).toFixed(2)} ms`,
    },
  ];
}
