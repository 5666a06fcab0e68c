import { createHeed, definePolicy, keyring, newKey, type HeedStorage, type ProcessorV1 } from "@heed/core";
import { describe, expect, it, onTestFinished } from "vitest";

/** How many wait. `HEED_BACKLOG` sets another number. */
const backlog = Number(process.env["HEED_BACKLOG"] ?? 5_000);
const callsPerSecond = 50;

const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  recipients: { crm: { role: "processor", country: "US", transferTool: "scc" } },
  purposes: { news: { basis: "consent" } },
  topics: { newsletter: { class: "marketing", purpose: "news", via: ["crm"] } },
});

/** A CRM that lets so many calls a second through, and writes down whom each was about. */
function slowCrm(called: string[]): ProcessorV1<"email", "newsletter", "api"> {
  return {
    specificationVersion: "v1",
    name: "crm",
    account: "crm-1",
    identifiers: { email: /@/ },
    topics: { newsletter: "newsletter" },
    limits: { api: { calls: callsPerSecond, perMs: 1000 } },
    operations: {
      unsubscribe: {
        batchSize: 100,
        repeat: "safe",
        settlingMs: 0,
        async run(calls, { turn }) {
          const done = new Map<string, { status: "done"; affected: number }>();
          for (const { id, identifiers } of calls) {
            await turn("api");
            called.push(identifiers[0].value);
            done.set(id, { status: "done", affected: 1 });
          }
          return done;
        },
        verify: { acknowledgedOnly: "this vendor of a test tells nothing" },
      },
    },
    check: async () => ({ account: "crm-1", lacks: [], unknownTopics: [] }),
  };
}

function* people() {
  for (let n = 0; n < backlog; n += 1)
    yield { subject: { email: `bulk${n}@example.org` }, topic: "newsletter" as const };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/**
 * What somebody who says no may expect while very many others wait for the same vendor.
 *
 * @param create a new, empty storage
 */
export function describeBacklog({
  name,
  create,
}: {
  readonly name: string;
  readonly create: () => HeedStorage | Promise<HeedStorage>;
}): void {
  describe(`a backlog of ${backlog}, over ${name}`, () => {
    it("holds nobody up who says no now: about a second of the vendor's calls goes before theirs", async () => {
      const called: string[] = [];
      const heed = createHeed({
        policy,
        storage: await create(),
        keys: keyring(newKey()),
        processors: { crm: slowCrm(called) },
      });
      // What is in hand ends first: some batches of a hundred at fifty calls a second.
      onTestFinished(() => heed.close(), 60_000);
      const { changed } = await heed.subscriptions.unsubscribeMany(people());
      expect(changed).toBe(backlog);
      heed.work.start();
      await until(() => called.length > callsPerSecond);
      for (let n = 0; n < 5; n += 1) {
        const before = called.length;
        const email = `now${n}@example.org`;
        await heed.subscriptions.unsubscribe({ subject: { email }, topic: "newsletter" });
        await until(() => called.includes(email));
        // What was in hand, and a second more until it is leased: never what waits.
        expect(called.indexOf(email) - before).toBeLessThanOrEqual(2 * callsPerSecond);
      }
      const { processors } = await heed.work.status();
      expect(processors.crm.due).toBeGreaterThanOrEqual(1000);
    }, 3_600_000);
  });
}
