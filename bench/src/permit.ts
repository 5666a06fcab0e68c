import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { keyring, newKey, systemClock, type HeedStorage } from "@heed/core";
import type { Write } from "@heed/core/storage";
import { addressOf, company } from "./company.ts";
import { median, timed, type Figure } from "./figure.ts";
import { openStorage, type Place } from "./places.ts";

const few = 10_000;
const many = 1_000_000;
const rounds = 500;
const asked = 1_000;

/** Rows of a stranger who once opted out: as the ledger writes them, under digests that nobody looks up. */
function stranger(): readonly Write[] {
  const at = "2026-01-15T12:00:00.000Z";
  const subjectId = randomBytes(16).toString("hex");
  const digest = () => `none.${randomBytes(32).toString("base64url")}`;
  const suppression = digest();
  const sealed = randomBytes(80);
  return [
    { insert: "subjects", row: { id: subjectId, namespace: "default", createdAt: at, frozenBy: null } },
    {
      insert: "identifiers",
      row: { digest: digest(), subjectId, kind: "email", suppression, sealed, verified: 0, addedAt: at },
    },
    { insert: "suppressions", row: { digest: suppression, scope: "topic:news", reason: "opted-out", at } },
    {
      insert: "events",
      row: {
        id: randomBytes(8).toString("hex"),
        subjectId,
        kind: "withdrawn",
        scope: "topic",
        name: "news",
        claimedAt: at,
        recordedAt: at,
        effectiveAt: at,
        until: null,
        confirms: null,
        channel: "web",
        method: "click",
        indicatedBy: "subject",
        sealed,
      },
    },
  ];
}

async function fill(storage: HeedStorage, count: number): Promise<void> {
  for (let done = 0; done < count; done += 5_000) {
    const writes = Array.from({ length: Math.min(5_000, count - done) }, stranger).flat();
    await storage.transact({
      lock: [],
      read: {},
      clock: systemClock,
      decide: () => ({ writes, answer: undefined }),
    });
  }
}

/** A permit among a million subjects, beside one among ten thousand. */
export async function permitGrowth(_place: Place, folder: string): Promise<readonly Figure[]> {
  const keys = newKey().replace(/^[^:]+/, "none");
  const p50 = async (subjects: number) => {
    const storage = openStorage({ kind: "sqlite", file: join(folder, `permits-${subjects}.db`) });
    const heed = company(storage, keyring(keys), "");
    const evidence = { noticeVersion: "1" };
    for (let index = 0; index < asked; index += 1)
      await heed.consent.give({ subject: { email: addressOf(index) }, purpose: "news", evidence });
    await fill(storage, subjects - asked);
    const times: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const email = addressOf((round * 7) % asked);
      times.push(
        await timed(async () => {
          const { allowed } = await heed.permits.take({
            topic: "news",
            email,
            messageKey: `letter-${round}`,
          });
          if (!allowed) throw new Error("A permit was refused that should be given.");
        }),
      );
    }
    await heed.close();
    return median(times);
  };
  const [atFew, atMany] = [await p50(few), await p50(many)];
  return [
    {
      name: "permit.growth",
      value: atMany / atFew,
      goal: 1.5,
      better: "lower",
      of: `${atMany.toFixed(2)} ms over ${atFew.toFixed(2)} ms`,
    },
  ];
}
