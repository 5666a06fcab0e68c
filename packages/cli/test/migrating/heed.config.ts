// A company whose storage has to be brought forward.
import { createHeed, definePolicy, ephemeralKeys, memory } from "@heed/core";

// As a pool of connections does: the process lives until it is closed.
const connection = setInterval(() => {}, 1_000);

export const heed = createHeed({
  policy: definePolicy({
    controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
    purposes: { news: { basis: "consent" } },
    topics: {},
  }),
  storage: {
    ...memory(),
    migrate: async () => ({ added: ["subjects", "steps.crashes"] }),
    close: async () => clearInterval(connection),
  },
  keys: ephemeralKeys(),
});
