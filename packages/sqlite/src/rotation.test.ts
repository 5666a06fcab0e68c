import { DatabaseSync } from "node:sqlite";
import { createHeed, definePolicy, keyring, newKey, ownData, type Keyring } from "@heed/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { bytesOnDisk } from "../test/bytes-on-disk.ts";
import { temporaryFile } from "../test/temporary-file.ts";
import { sqlite } from "./sqlite.ts";

const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  recipients: { app: { role: "own", country: "SE" } },
  purposes: { news: { basis: "consent" } },
  topics: { newsletter: { class: "marketing", purpose: "news" } },
});

const evidence = { noticeVersion: "2026-01" };
const oldKey = newKey("active").replace(/^[^:]+/, "old");
const newerKey = newKey("active").replace(/^[^:]+/, "new");
const beforeKeys = keyring(`${oldKey} ${newerKey.replace(":active:", ":staged:")}`);
const afterKeys = keyring(`${newerKey} ${oldKey.replace(":active:", ":lookup:")}`);

function open(file: string, keys: Keyring) {
  const app = ownData({
    by: "email",
    erase: () => Promise.resolve(true),
    holds: () => Promise.resolve(false),
  });
  const heed = createHeed({ policy, storage: sqlite(file), keys, processors: { app } });
  onTestFinished(() => heed.close());
  return heed;
}

const addressOf = (n: number) => `person-${n}@example.org`;
const about = (n: number) => ({ subject: { email: addressOf(n) }, topic: "newsletter" as const });

/** Everybody, all opted in. */
async function filled(file: string, people: number) {
  const heed = open(file, beforeKeys);
  const items = Array.from({ length: people }, (_, n) => ({ ...about(n), evidence }));
  await heed.subscriptions.subscribeMany(items);
  return heed;
}

function wrappings(file: string, keyId: string): readonly Uint8Array[] {
  const database = new DatabaseSync(file, { readOnly: true });
  const rows = database.prepare(`SELECT wrapped FROM heed_dataKeys WHERE gone = 0 AND keyId = ?`).all(keyId);
  database.close();
  return rows.map((row) => row["wrapped"] as Uint8Array);
}

describe("a rotation on SQLite", () => {
  it("leaves no byte of the old wrappings in the files", async () => {
    const file = temporaryFile();
    await (await filled(file, 300)).close();
    const old = wrappings(file, "old");
    expect(old).toHaveLength(300);
    // The tag and the beginning of what is sealed: nothing of that may be left.
    const isLeft = () => {
      const bytes = bytesOnDisk(file);
      return old.filter((wrapped) => bytes.includes(Buffer.from(wrapped.subarray(13, 40)))).length;
    };
    expect(isLeft()).toBe(300);
    const heed = open(file, afterKeys);
    expect(await heed.keys.rotate()).toMatchObject({ dataKeys: 300, identifiers: 300, isScrubbed: true });
    expect(isLeft()).toBe(0);
    expect(wrappings(file, "new")).toHaveLength(300);
    // A process that was never given the old key opens everything.
    const only = open(file, keyring(newerKey));
    expect((await only.subscriptions.state(about(299))).state).toBe("given");
  });

  it("says when a reader keeps the old wrappings on the disk", async () => {
    const file = temporaryFile();
    await filled(file, 3);
    const reader = new DatabaseSync(file);
    onTestFinished(() => reader.close());
    reader.exec("BEGIN");
    reader.prepare("SELECT count(*) FROM heed_events").get();
    const heed = open(file, afterKeys);
    expect(await heed.keys.rotate()).toMatchObject({ isComplete: true, isScrubbed: false });
    reader.exec("COMMIT");
    expect(await heed.keys.rotate()).toMatchObject({ dataKeys: 0, isScrubbed: true });
  });

  it("goes on beside choices, permits and erasures of two processes, and answers each as ever", async () => {
    const file = temporaryFile();
    const people = 120;
    const before = await filled(file, people);
    const after = open(file, afterKeys);
    const both = [before, after];
    const taken = new Map<number, Awaited<ReturnType<typeof before.permits.take>>>();
    for (let n = 0; n < people; n += 6)
      taken.set(n, await before.permits.take({ topic: "newsletter", email: addressOf(n), messageKey: "1" }));

    let isRunning = true;
    const rotated = (async () => {
      const done = { identifiers: 0, rounds: 0 };
      // Whoever still writes under the old key leaves work for the next round.
      for (let isLast = false; !isLast;) {
        isLast = !isRunning;
        const { identifiers, isComplete } = await after.keys.rotate();
        expect(isComplete).toBe(true);
        done.identifiers += identifiers;
        done.rounds += 1;
      }
      return done;
    })();
    for (let n = 0; n < people; n += 1) {
      const heed = both[n % 2] ?? after;
      const act = Math.floor(n / 2) % 3;
      if (act === 0) await heed.subscriptions.unsubscribe(about(n));
      if (act === 1)
        await heed.requests.open({ right: "erasure", subject: about(n).subject, identity: "signed-in" });
      // Somebody new, written under the old key by one of them.
      if (act === 2) await heed.subscriptions.subscribe({ ...about(n + 1_000), evidence });
      if (n % 20 === 0) await heed.work.drain();
    }
    while ((await before.work.drain()).open > 0);
    isRunning = false;
    const { identifiers, rounds } = await rotated;
    expect(rounds).toBeGreaterThan(1);
    expect(identifiers).toBeGreaterThan(50);

    const only = open(file, keyring(`${newerKey} ${oldKey.replace(":active:", ":lookup:")}`));
    const expected: unknown[] = [];
    const answers: unknown[] = [];
    for (let n = 0; n < people; n += 1) {
      const act = Math.floor(n / 2) % 3;
      const answer = await only.permits.take({ topic: "newsletter", email: addressOf(n), messageKey: "2" });
      const permit = taken.get(n);
      const earlier = permit?.allowed === true ? await permit.handOver() : undefined;
      const newcomer = await only.subscriptions.state(about(n + 1_000));
      answers.push([n, answer.allowed ? "allowed" : answer.because, earlier, newcomer.state]);
      expected.push([
        n,
        ["suppressed", "erased", "allowed"][act],
        permit === undefined ? undefined : act === 2,
        act === 2 ? "given" : "never-asked",
      ]);
    }
    expect(answers).toEqual(expected);
    const old = (await only.keys.status()).find(({ id }) => id === "old");
    const proof = new Set(["evidence", "permits", "requests", "suppressions"]);
    expect(Object.keys(old?.rows ?? {}).filter((table) => !proof.has(table))).toEqual([]);
    expect(old?.mayRetire).toBe(false);
  }, 60_000);
});
