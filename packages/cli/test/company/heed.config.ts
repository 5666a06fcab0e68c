// A company with one erasure to carry out. `SLOW_MS` makes its own table slow, `BROKEN` makes it fail, and with
// "refuses" for good. With `UNKNOWN` it is of somebody whom that table cannot search for.
import { createHeed, definePolicy, ephemeralKeys, memory, ownData, RejectedError } from "@heed/core";

const slowMs = Number(process.env["SLOW_MS"] ?? 0);
const rows = new Set(["canary.anna@example.org"]);

export const heed = createHeed({
  policy: definePolicy({
    controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
    recipients: { app: { role: "own", country: "SE" } },
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
        if (process.env["BROKEN"] === "refuses")
          throw new RejectedError(`canary: ${email}`, { processor: "app", operation: "erase", status: 422 });
        if (process.env["BROKEN"] !== undefined) throw new TypeError(`canary: ${email}`);
        return rows.delete(email);
      },
      holds: async (email) => rows.has(email),
    }),
  },
});

await heed.requests.open({
  right: "erasure",
  subject:
    process.env["UNKNOWN"] === undefined
      ? { email: "canary.anna@example.org" }
      : { accountId: "canary.anna" },
  identity: "signed-in",
});
