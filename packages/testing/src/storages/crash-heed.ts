import { createHeed, definePolicy, keyring, type HeedStorage, type WorkSettings } from "@heed/core";
import { crashProcessor } from "./crash-vendor.ts";

/** Batches in hand at one processor, of at most four steps each: what a kill can make be asked again. */
export const batchesInHand = 3;
export const batchSize = 4;

/**
 * The heed of the crash tests: the same in the test and in its workers.
 * @param beforeTurn waited for before each turn, with what is about to be asked
 */
export function crashHeed(
  storage: HeedStorage,
  keys: string,
  vendorUrl: string,
  work: Partial<WorkSettings> = {},
  beforeTurn?: (verb: string) => Promise<void>,
) {
  return createHeed({
    policy: definePolicy({
      controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
      recipients: { vendor: { role: "processor", country: "SE" } },
      purposes: { news: { basis: "consent" } },
      topics: { news: { class: "marketing", purpose: "news", via: ["vendor"] } },
    }),
    storage,
    keys: keyring(keys),
    processors: { vendor: crashProcessor(vendorUrl, beforeTurn) },
    work: { leaseMs: 400, pollMs: 10, batchesPerProcessor: batchesInHand, callTimeoutMs: 5_000, ...work },
  });
}
