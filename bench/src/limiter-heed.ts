import { createHeed, definePolicy, keyring, type Heed, type HeedStorage, type ProcessorV1 } from "@heed/core";
import type { WindowLimit } from "@heed/core/contract";
import type { Place } from "./places.ts";

/** What every process of the measurement is told, as JSON. */
export interface Told {
  readonly place: Place;
  readonly keys: string;
  /** Where calls are counted. */
  readonly url: string;
  readonly limit: WindowLimit;
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
