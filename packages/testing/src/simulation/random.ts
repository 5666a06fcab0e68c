import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";

/** Random numbers that a seed repeats. */
export interface Random {
  /** From 0 to below `end`, whole. */
  below(end: number): number;
  /** From `from` to `to`, both included, whole. */
  between(from: number, to: number): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly T[]): T;
  /** A part of them, in their order, at least one. */
  some<T>(from: readonly T[]): readonly T[];
  /** Numbers of its own for one part of the world: what one part draws moves no other. */
  fork(name: string): Random;
}

/** Numbers that follow from a text: sfc32 (Chris Doty-Humphrey, PractRand), seeded by SHA-256. */
export function randomOf(seed: string): Random {
  const bytes = crypto.createHash("sha256").update(seed).digest();
  let [a, b, c, counter] = [bytes.readInt32LE(0), bytes.readInt32LE(4), bytes.readInt32LE(8), 1];
  const next = (): number => {
    const drawn = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + drawn) | 0;
    return (drawn >>> 0) / 2 ** 32;
  };
  const random: Random = {
    below: (end) => Math.floor(next() * end),
    between: (from, to) => from + Math.floor(next() * (to - from + 1)),
    chance: (probability) => next() < probability,
    pick: (from) => {
      const picked = from[Math.floor(next() * from.length)];
      if (picked === undefined) throw new TypeError("There is nothing to pick from.");
      return picked;
    },
    some: (from) => {
      const picked = from.filter(() => next() < 0.5);
      return picked.length > 0 ? picked : [random.pick(from)];
    },
    fork: (name) => randomOf(`${seed}/${name}`),
  };
  return random;
}

/**
 * Lets `node:crypto` draw from a seed while `work` runs: ids, keys and nonces repeat, and with them every order
 * that falls back on an id.
 */
export async function withSeededCrypto<T>(seed: string, work: () => Promise<T>): Promise<T> {
  const random = randomOf(`${seed}/crypto`);
  const { randomBytes, randomUUID } = crypto;
  // A stream for each size: nonces are drawn in advance, and what an earlier run left over must move no key.
  const streams = new Map<string, Random>();
  const streamOf = (name: string) => {
    const stream = streams.get(name) ?? random.fork(name);
    streams.set(name, stream);
    return stream;
  };
  const bytes = (size: number, stream = streamOf(String(size))) => {
    const drawn = Buffer.alloc(Math.ceil(size / 4) * 4);
    for (let at = 0; at < size; at += 4) drawn.writeUInt32LE(stream.below(2 ** 32), at);
    return drawn.subarray(0, size);
  };
  crypto.randomBytes = (size: number) => bytes(size);
  crypto.randomUUID = () => {
    const hex = bytes(16, streamOf("uuid")).toString("hex");
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
  };
  syncBuiltinESMExports();
  try {
    return await work();
  } finally {
    crypto.randomBytes = randomBytes;
    crypto.randomUUID = randomUUID;
    syncBuiltinESMExports();
  }
}
