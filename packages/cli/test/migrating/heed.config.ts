// A company whose storage has to be brought forward.
import { createHeed, definePolicy, ephemeralKeys, memory } from "@heed/core";

export const heed = createHeed({
  policy: definePolicy({
    controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
    purposes: { news: { basis: "consent" } },
    topics: {},
  }),
  storage: { ...memory(), migrate: async () => ({ added: ["subjects", "steps.crashes"] }) },
  keys: ephemeralKeys(),
});
