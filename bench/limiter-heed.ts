import {
  createHeed,
  definePolicy,
  keyring,
  type Heed,
  type HeedStorage,
  type ProcessorV1,
} from "../packages/core/src/index.ts";
import type { WindowLimit } from "../packages/core/src/contract.ts";

/** What every process of the measurement is told, as JSON. */
export interface Told {
  /** URL of a module that exports `openStorage(address)`. */
  readonly storage: string;
  readonly address: string;
  readonly keys: string;
  /** Where calls are counted. */
  readonly url: string;
  readonly limit: WindowLimit;
}

/** Opens the storage that the processes share. */
export async function openTold({ storage, address }: Told): Promise<HeedStorage> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a storage's module is, as told above
  const module = (await import(storage)) as { openStorage(this: void, address: string): HeedStorage };
  return module.openStorage(address);
}

/** A heed whose one processor makes one HTTP call for each opt-out, each after a turn. */
export function heedFor({ keys, url, limit }: Told, storage: HeedStorage): Heed {
  const crm: ProcessorV1<"email", "news", "calls"> = {
    specificationVersion: "v1",
    name: "counting",
    account: "1",
    identifiers: { email: /@/ },
    topics: { news: {} },
    limits: { calls: limit },
    operations: {
      unsubscribe: {
        batchSize: 10,
        repeat: "safe",
        settlingMs: 0,
        run: async (calls, context) =>
          new Map(
            await Promise.all(
              calls.map(async ({ id }) => {
                await context.turn("calls");
                const headers = { "granted-at": String(performance.timeOrigin + performance.now()) };
                await fetch(url, { method: "POST", headers, signal: context.signal });
                return [id, { status: "done", affected: 1 }] as const;
              }),
            ),
          ),
        verify: { acknowledgedOnly: "only calls are counted" },
      },
    },
    check: async () => ({ account: "1", lacks: [], unknownTopics: [] }),
  };
  return createHeed({
    policy: definePolicy({
      controller: { name: "Bench", country: "SE", contact: "bench@example.org" },
      recipients: { crm: { role: "processor", country: "SE" } },
      purposes: { news: { basis: "consent" } },
      topics: { news: { class: "marketing", purpose: "news", via: ["crm"] } },
    }),
    storage,
    keys: keyring(keys),
    processors: { crm },
  });
}
