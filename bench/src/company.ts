import {
  createHeed,
  definePolicy,
  type HeedStorage,
  type Journal,
  type Keyring,
  type ProcessorV1,
} from "@heed/core";
import { vendorCall } from "./vendor-call.ts";

const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  recipients: { vendor: { role: "processor", country: "SE" } },
  purposes: { news: { basis: "consent" } },
  topics: { news: { class: "marketing", purpose: "news", via: ["vendor"] } },
});

/** One call of the vendor for each step, those of a batch at once; the vendor can read nothing back. */
function vendor(url: string): ProcessorV1<"email", "news", never> {
  return {
    specificationVersion: "v1",
    name: "vendor",
    account: "vendor-1",
    identifiers: { email: /@/ },
    topics: { news: "news" },
    limits: {},
    operations: {
      unsubscribe: {
        batchSize: 50,
        repeat: "safe",
        settlingMs: 0,
        async run(calls) {
          const answered = await Promise.all(
            calls.map(async ({ id }) => ({ id, ok: await vendorCall(url, id) })),
          );
          return new Map(
            answered.filter(({ ok }) => ok).map(({ id }) => [id, { status: "done", affected: 1 }]),
          );
        },
        verify: { acknowledgedOnly: "the vendor of the bench answers and remembers nothing" },
      },
    },
    check: async () => ({ account: "vendor-1", lacks: [], unknownTopics: [] }),
  };
}

/** The heed that is measured: of the published packages alone, so that no test kit runs beside it. */
export function company(storage: HeedStorage, keys: Keyring, url: string, journal?: Journal) {
  return createHeed({
    policy,
    storage,
    keys,
    processors: { vendor: vendor(url) },
    ...(journal === undefined ? {} : { journal }),
  });
}

export const addressOf = (index: number): string => `person${index}@example.org`;
