import { DatabaseSync } from "node:sqlite";
import { createHeed, definePolicy, keyring, newKey, ownData, type Checkpoint } from "@heed/core";
import { verifyEvidence, verifyReceipt } from "@heed/core/evidence";
import { describe, expect, it, onTestFinished } from "vitest";
import { temporaryFile } from "../test/temporary-file.ts";
import { sqlite } from "./sqlite.ts";

const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  recipients: { app: { role: "own", country: "SE" } },
  purposes: { news: { basis: "consent" } },
  topics: { news: { class: "marketing", purpose: "news" } },
});
const evidence = { noticeVersion: "1" };

/** One process's heed on the file. */
function openHeed(file: string, keys: string) {
  const heed = createHeed({
    policy,
    storage: sqlite(file),
    keys: keyring(keys),
    processors: { app: ownData({ by: "email", erase: async () => true, holds: async () => false }) },
  });
  onTestFinished(() => heed.close());
  return heed;
}

/** Whoever has the file and no key. */
function inFile(file: string, sql: string): void {
  const database = new DatabaseSync(file);
  database.exec(sql);
  database.close();
}

async function listOf<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe("evidence in a file", () => {
  it("goes on after a restart, and its receipts verify with the public keys alone", async () => {
    const [file, keys] = [temporaryFile(), newKey()];
    const first = openHeed(file, keys);
    const subject = { email: "anna.canary@example.org" };
    await first.consent.give({ subject, purpose: "news", evidence });
    const { id } = await first.requests.open({ right: "erasure", subject, identity: "signed-in" });
    await first.work.drain();
    const published = (await first.evidence.checkpoint()) as Checkpoint;
    await first.close();

    const second = openHeed(file, keys);
    await second.consent.give({ subject, purpose: "news", evidence });
    const { checkpoint } = await second.evidence.seal();
    expect(checkpoint?.seq).toBe(published.seq + 1);
    await second.evidence.verify({ published: [published] });
    const publicKeys = keyring(keys).publicKeys();
    const receipt = JSON.parse(JSON.stringify(await second.requests.receipt(id))) as never;
    verifyReceipt(receipt, publicKeys);
    const checkpoints = await listOf(second.evidence.checkpoints());
    const entries = await listOf(second.evidence.entries());
    verifyEvidence({ checkpoints, entries, publicKeys, published: [published] });
    expect(entries).toHaveLength(checkpoint?.size ?? 0);
  });

  it("is one log, whichever processes seal it, and whoever writes meanwhile", async () => {
    const [file, keys] = [temporaryFile(), newKey()];
    const several = [openHeed(file, keys), openHeed(file, keys), openHeed(file, keys)];
    await Promise.all(
      several.flatMap((heed, process) =>
        Array.from({ length: 40 }, async (_, index) => {
          const subject = { email: `person${process}-${index}@example.org` };
          await heed.consent.give({ subject, purpose: "news", evidence });
          if (index % 4 === 0) await heed.evidence.seal();
        }),
      ),
    );
    const [heed] = several;
    const { checkpoint } = (await heed?.evidence.seal()) ?? {};
    expect(checkpoint?.size).toBe(120);
    expect(await heed?.evidence.verify()).toContainEqual({ what: "entries in the log", count: 120 });
  });

  it("shows what was done to it with a database tool", async () => {
    const [file, keys] = [temporaryFile(), newKey()];
    const heed = openHeed(file, keys);
    const give = (count: number) =>
      Promise.all(
        Array.from({ length: count }, (_, index) =>
          heed.consent.give({ subject: { email: `p${index}@example.org` }, purpose: "news", evidence }),
        ),
      );
    await give(5);
    const before = (await heed.evidence.seal()).checkpoint as Checkpoint;
    await heed.subscriptions.unsubscribe({ subject: { email: "p0@example.org" }, topic: "all" });
    const published = (await heed.evidence.seal()).checkpoint as Checkpoint;
    expect(published.size).toBeGreaterThan(before.size);
    const attacks: readonly (readonly [string, string, boolean?])[] = [
      [
        `UPDATE heed_evidence SET entry = replace(entry, 'given', 'refused') WHERE sealedAs = 2`,
        "altered-entry",
      ],
      [`UPDATE heed_evidence SET entry = NULL, salt = NULL WHERE sealedAs = 2`, "emptied-entry"],
      [`DELETE FROM heed_evidence WHERE sealedAs = 2`, "missing-entry"],
      [`UPDATE heed_checkpoints SET signature = replace(signature, '0', '1')`, "forged-signature"],
      [
        `DELETE FROM heed_evidence WHERE sealedAs >= ${before.size}; DELETE FROM heed_checkpoints WHERE seq = 2;
         UPDATE heed_checkpoints SET isNewest = 1`,
        "missing-tail",
      ],
    ];
    for (const [sql, code] of attacks) {
      const copy = temporaryFile();
      inFile(file, `VACUUM INTO '${copy}'`);
      inFile(copy, sql);
      const told = await openHeed(copy, keys)
        .evidence.verify({ published: [published] })
        .then(
          () => "it holds",
          (error: { code: string }) => error.code,
        );
      expect([sql, told]).toEqual([sql, code]);
    }
    await heed.evidence.verify({ published: [published] });
  });
});
