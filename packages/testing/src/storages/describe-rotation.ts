import { randomBytes } from "node:crypto";
import { createHeed, definePolicy, keyring, newKey, ownData, type Heed, type HeedStorage } from "@heed/core";
import { describe, expect, it, onTestFinished } from "vitest";

const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  recipients: { app: { role: "own", country: "SE" } },
  purposes: { news: { basis: "consent" } },
  topics: { newsletter: { class: "marketing", purpose: "news" } },
});

const evidence = { noticeVersion: "2026-01" };
const oldKey = newKey("active").replace(/^[^:]+/, "old");
const newerKey = newKey("active").replace(/^[^:]+/, "new");

/** The keyrings of a rotation: of a process that still writes under `old`, of one that writes under `new`, and `new` alone. */
export const rotationKeys = {
  before: keyring(`${oldKey} ${newerKey.replace(":active:", ":staged:")}`),
  after: keyring(`${newerKey} ${oldKey.replace(":active:", ":lookup:")}`),
  newAlone: keyring(newerKey),
} as const;

/** A heed with one of the {@link rotationKeys}. */
export function rotatingHeed(storage: HeedStorage, keys: keyof typeof rotationKeys): Heed {
  const app = ownData({
    by: "email",
    erase: () => Promise.resolve(true),
    holds: () => Promise.resolve(false),
  });
  const heed = createHeed({ policy, storage, keys: rotationKeys[keys], processors: { app } });
  onTestFinished(() => heed.close());
  return heed;
}

const addressOf = (n: number) => `person-${n}@example.org`;

/** The subscription of one of many people. */
export const aboutPerson = (n: number) => ({
  subject: { email: addressOf(n) },
  topic: "newsletter" as const,
});

/** Opts that many people in. */
export async function subscribePeople(heed: Heed, people: number): Promise<void> {
  const items = Array.from({ length: people }, (_, n) => ({ ...aboutPerson(n), evidence }));
  await heed.subscriptions.subscribeMany(items);
}

/**
 * A rotation of the keys while two processes work, one of which still writes under the old key.
 *
 * @param open opens the storage of that place, empty at first, beside what has it open already
 */
export function describeRotation({
  name,
  open,
}: {
  readonly name: string;
  readonly open: (place: string) => HeedStorage;
}): void {
  describe(`a rotation over ${name}`, () => {
    it("goes on beside choices, permits and erasures of two processes, and answers each as ever", async () => {
      const people = 120;
      const place = `heed${randomBytes(6).toString("hex")}`;
      const before = rotatingHeed(open(place), "before");
      const after = rotatingHeed(open(place), "after");
      await subscribePeople(before, people);
      const both = [before, after];
      const taken = new Map<number, Awaited<ReturnType<typeof before.permits.take>>>();
      for (let n = 0; n < people; n += 6)
        taken.set(
          n,
          await before.permits.take({ topic: "newsletter", email: addressOf(n), messageKey: "1" }),
        );

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
        if (act === 0) await heed.subscriptions.unsubscribe(aboutPerson(n));
        if (act === 1)
          await heed.requests.open({
            right: "erasure",
            subject: aboutPerson(n).subject,
            identity: "signed-in",
          });
        // Somebody new, written under the old key by one of them.
        if (act === 2) await heed.subscriptions.subscribe({ ...aboutPerson(n + 1_000), evidence });
        if (n % 20 === 0) await heed.work.drain();
      }
      while ((await before.work.drain()).open > 0);
      isRunning = false;
      const { identifiers, rounds } = await rotated;
      expect(rounds).toBeGreaterThan(1);
      expect(identifiers).toBeGreaterThan(50);

      const only = rotatingHeed(open(place), "after");
      const expected: unknown[] = [];
      const answers: unknown[] = [];
      for (let n = 0; n < people; n += 1) {
        const act = Math.floor(n / 2) % 3;
        const answer = await only.permits.take({ topic: "newsletter", email: addressOf(n), messageKey: "2" });
        const permit = taken.get(n);
        const earlier = permit?.allowed === true ? await permit.handOver() : undefined;
        const newcomer = await only.subscriptions.state(aboutPerson(n + 1_000));
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
}
