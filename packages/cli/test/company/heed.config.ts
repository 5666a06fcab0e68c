// A company with one erasure to carry out. `SLOW_MS` makes its own table slow, `WRONG_ACCOUNT` its CRM another one.
import { createHeed, definePolicy, ephemeralKeys, memory, ownData, type ProcessorV1 } from "@heed/core";

const slowMs = Number(process.env["SLOW_MS"] ?? 0);
const rows = new Set(["canary.anna@example.org"]);

const crm: ProcessorV1<"email", "news", never> = {
  specificationVersion: "v1",
  name: "crm",
  account: "1",
  identifiers: { email: /@/ },
  topics: { news: "7" },
  limits: {},
  operations: {},
  check: async () => ({
    account: process.env["WRONG_ACCOUNT"] ?? "1",
    lacks: [{ operation: "unsubscribe", needs: "the scope to write preferences" }],
    unknownTopics: ["news"],
  }),
};

export const heed = createHeed({
  policy: definePolicy({
    controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
    recipients: {
      app: { role: "own", country: "SE" },
      crm: { role: "processor", country: "SE" },
    },
    purposes: { news: { basis: "consent" } },
    topics: { news: { class: "marketing", purpose: "news" } },
  }),
  storage: memory(),
  keys: ephemeralKeys(),
  processors: {
    app: ownData({
      by: "email",
      erase: async (email) => {
        await new Promise((resolve) => setTimeout(resolve, slowMs));
        return rows.delete(email);
      },
      holds: async (email) => rows.has(email),
    }),
    ...(process.env["WITH_CRM"] === undefined ? {} : { crm }),
  } as never,
});

await heed.requests.open({
  right: "erasure",
  subject: { email: "canary.anna@example.org" },
  identity: "signed-in",
});
