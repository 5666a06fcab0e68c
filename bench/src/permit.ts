import { randomBytes } from "node:crypto";
import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { keyring, newKey, systemClock, type HeedStorage } from "@heed/core";
import type { Write } from "@heed/core/storage";
import { addressOf, company } from "./company.ts";
import { median, quantile, timed, type Figure } from "./figure.ts";
import { openStorage, type Place } from "./places.ts";

const few = 10_000;
const many = 1_000_000;
const rounds = 2_000;
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

/** How long each of many permits took, in milliseconds. */
interface Permits {
  readonly times: readonly number[];
  /** Of bare writes, one before each permit: as many octets as it writes, and fdatasync, on the same disk. */
  readonly bare: readonly number[];
}

async function permitsAmong(subjects: number, folder: string): Promise<Permits> {
  const keys = newKey().replace(/^[^:]+/, "none");
  const file = join(folder, `permits-${subjects}.db`);
  const heed = company(openStorage({ kind: "sqlite", file }), keyring(keys), "");
  const evidence = { noticeVersion: "1" };
  for (let index = 0; index < asked; index += 1)
    await heed.consent.give({ subject: { email: addressOf(index) }, purpose: "news", evidence });
  const storage = openStorage({ kind: "sqlite", file });
  await fill(storage, subjects - asked);
  await storage.close();

  const take = async (round: number) => {
    const email = addressOf((round * 7) % asked);
    const { allowed } = await heed.permits.take({ topic: "news", email, messageKey: `letter-${round}` });
    if (!allowed) throw new Error("A permit was refused that should be given.");
  };
  const octets = await octetsOf(take);
  const descriptor = openSync(join(folder, "bare"), "w");
  const written = Buffer.alloc(octets, 7);
  const times: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    bare.push(
      await timed(() => {
        writeSync(descriptor, written);
        fdatasyncSync(descriptor);
      }),
    );
    times.push(await timed(() => take(round)));
  }
  closeSync(descriptor);
  await heed.close();
  process.stderr.write(`a permit among ${subjects} writes ${octets} octets\n`);
  return { times, bare };
}

/** How much one permit writes to the disk, most often, as the system counts it. They warm the process up, too. */
async function octetsOf(take: (round: number) => Promise<void>): Promise<number> {
  const written: number[] = [];
  for (let round = rounds; round < rounds + 200; round += 1) {
    const before = process.resourceUsage().fsWrite;
    await take(round);
    written.push(process.resourceUsage().fsWrite - before);
  }
  const octets = median(written) * 512;
  if (octets === 0) throw new Error("What a permit writes is not counted here: is this a disk?");
  return octets;
}

/** Permits among a million subjects, beside those among ten thousand, and beside bare writes. */
export async function permitFigures(_place: Place, folder: string): Promise<readonly Figure[]> {
  const atFew = await permitsAmong(few, folder);
  const atMany = await permitsAmong(many, folder);
  const over = (share: number) => ({
    value: quantile(atMany.times, share) / quantile(atMany.bare, share),
    better: "lower" as const,
    of: `${micros(quantile(atMany.times, share))} over ${micros(quantile(atMany.bare, share))}`,
  });
  return [
    {
      name: "permit.growth",
      value: median(atMany.times) / median(atFew.times),
      goal: 1.5,
      better: "lower",
      of: `${median(atMany.times).toFixed(2)} ms over ${median(atFew.times).toFixed(2)} ms`,
    },
    { name: "mailer.permit.p50", goal: 3, ...over(0.5) },
    { name: "mailer.permit.p99", goal: 15, ...over(0.99) },
  ];
}

const micros = (ms: number): string => `${Math.round(ms * 1000)} µs`;
