// A company whose CRM lacks a scope and a list. `ACCOUNT` says which account the credentials open.
import { createHeed, definePolicy, ephemeralKeys, memory, type ProcessorV1 } from "@heed/core";

const crm: ProcessorV1<"email", "news", never> = {
  specificationVersion: "v1",
  name: "crm",
  account: "1",
  identifiers: { email: /@/ },
  topics: { news: "7" },
  limits: {},
  operations: {},
  check: async () => ({
    account: process.env["ACCOUNT"] ?? "1",
    lacks: [{ operation: "unsubscribe", needs: "the scope to write preferences" }],
    unknownTopics: ["news"],
  }),
};

export const heed = createHeed({
  policy: definePolicy({
    controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
    recipients: { crm: { role: "processor", country: "SE" } },
    purposes: { news: { basis: "consent" } },
    topics: { news: { class: "marketing", purpose: "news" } },
  }),
  storage: memory(),
  keys: ephemeralKeys(),
  processors: { crm },
});
