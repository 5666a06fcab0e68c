import { describe, expect, it } from "vitest";
import { handClock } from "../../test/hand-clock.ts";
import { placesOf, storedRows } from "../../test/stored-rows.ts";
import type { HeedContext } from "../context.ts";
import { each } from "../contract/each.ts";
import type { ProcessorV1 } from "../contract/processor.ts";
import type { TableName } from "../contract/tables.ts";
import { EventHub } from "../event-hub.ts";
import { createHeed } from "../heed.ts";
import { keyring, newKey } from "../keys/keyring.ts";
import { searchStorage } from "../keys/search-storage.ts";
import { idMaker } from "../new-id.ts";
import { TurnQueues } from "./turn-queues.ts";
import { LivePermits } from "../ledger/live-permits.ts";
import { memory } from "../memory/memory.ts";
import { definePolicy } from "../policy/define-policy.ts";
import { endRetained, retainedDue } from "./retained-parts.ts";

const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example", zone: "Europe/Stockholm" },
  recipients: {
    billing: {
      role: "processor",
      country: "IE",
      keeps: [
        { category: "invoices", reason: "legal-obligation", law: "SFS 1999:1078 7:2", years: 7 },
        { category: "disputes", reason: "legal-claims", years: 3 },
      ],
    },
  },
  purposes: { news: { basis: "consent" } },
  topics: { news: { class: "marketing", purpose: "news" } },
});
const email = "canary.anna@example.org";
const customer = "cus_canary42";

/** Knows one customer, forgets its cards, and keeps what it is told to keep. */
const billing: ProcessorV1<"email", never, never> = {
  specificationVersion: "v1",
  name: "billing",
  account: "1",
  identifiers: { email: /@/ },
  topics: {},
  limits: {},
  operations: {
    forgetTokens: {
      batchSize: 10,
      repeat: "safe",
      settlingMs: 0,
      effects: ["irreversible"],
      resolve: each(async (call) => ({
        targets: call.identifiers
          .filter(({ value }) => value === email)
          .map((via) => ({ kind: "customer", id: customer, within: "acct_1", via, verified: true })),
      })),
      run: each(async (call) =>
        call.targets.length === 0
          ? { status: "absent" }
          : { status: "done", affected: 1, retained: call.input.keep },
      ),
      verify: each(async () => ({ seen: "as-asked" })),
    },
  },
  check: async () => ({ account: "1", lacks: [], unknownTopics: [] }),
};

async function erased(subject = { email }) {
  const clock = handClock();
  const storage = memory();
  const keys = keyring(newKey());
  const heed = createHeed({ policy, storage, keys, clock, processors: { billing } });
  await heed.consent.give({ subject, purpose: "news", evidence: { shown: email } });
  const { id } = await heed.requests.open({ right: "erasure", subject, identity: "signed-in" });
  await heed.work.drain();
  const context: HeedContext = {
    namespace: "default",
    policy,
    storage,
    keys,
    clock,
    processors: {},
    hub: new EventHub(),
    livePermits: new LivePermits(),
    turns: new TurnQueues({ storage, clock }),
    newId: idMaker(),
  };
  return {
    heed,
    id,
    clock,
    context,
    state: (await heed.requests.get(id)).state,
    rows: <T extends TableName>(table: T) => storedRows(storage, clock, table),
    clear: (text: string) => placesOf(storage, clock, text),
    search: (text: string) => searchStorage(storage, keys, text),
    /** Lets the clock stand at an instant. */
    goTo: (at: string) => clock.advance(Date.parse(at) - clock.now().getTime()),
  };
}

describe("what a processor retains", () => {
  it("outlives the request and the person's own data, under a key of its own for each category", async () => {
    const { state, rows, id } = await erased();
    expect(state).toBe("partially_fulfilled");
    for (const table of ["subjects", "identifiers"] as const) expect(await rows(table)).toEqual([]);
    const parts = await rows("retained");
    expect(parts).toMatchObject([
      {
        requestId: id,
        processor: "billing",
        category: "invoices",
        law: "SFS 1999:1078 7:2",
        until: "2033-12-31",
      },
      { requestId: id, processor: "billing", category: "disputes", law: null, until: "2029-12-31" },
    ]);
    const owners = (await rows("dataKeys")).map(({ owner }) => owner);
    expect(owners.toSorted()).toEqual(parts.map((part) => part.id).toSorted());
  });

  it("is remembered by the vendor's ids, sealed, and by no identifier of the person", async () => {
    const { clear, search } = await erased();
    expect(await clear(customer)).toEqual([]);
    expect(new Set((await search(customer)).map(({ table, column }) => `${table}.${column}`))).toEqual(
      new Set(["retained.sealed"]),
    );
    expect(await search("canary.anna")).toEqual([]);
  });

  it("can be found again once its last day is over in the controller's zone, and not before", async () => {
    const { context, goTo } = await erased();
    goTo("2029-12-31T22:59:59.999Z");
    expect(await retainedDue(context)).toEqual([]);
    goTo("2029-12-31T23:00:00.000Z");
    expect(await retainedDue(context)).toMatchObject([
      {
        processor: "billing",
        operation: "forgetTokens",
        retained: { category: "disputes", reason: "legal-claims", until: "2029-12-31" },
        targets: [{ kind: "customer", id: customer, within: "acct_1" }],
      },
    ]);
    goTo("2034-01-01T00:00:00.000Z");
    expect((await retainedDue(context)).map(({ retained }) => retained.category)).toEqual([
      "disputes",
      "invoices",
    ]);
  });

  it("is forgotten with its key once it was erased, and the other parts stay", async () => {
    const { context, goTo, rows, search } = await erased();
    goTo("2030-01-01T00:00:00.000Z");
    const [due] = await retainedDue(context);
    expect(await endRetained(context, due?.id ?? "")).toBe(true);
    expect(await retainedDue(context)).toEqual([]);
    expect(await rows("retained")).toMatchObject([{ category: "invoices" }]);
    expect((await rows("dataKeys")).map(({ owner }) => owner)).toEqual(
      (await rows("retained")).map(({ id }) => id),
    );
    goTo("2034-01-01T00:00:00.000Z");
    const [last] = await retainedDue(context);
    await endRetained(context, last?.id ?? "");
    expect(await search(customer)).toEqual([]);
    expect(await rows("dataKeys")).toEqual([]);
  });

  it("is nothing where nobody was found", async () => {
    const { rows, state } = await erased({ email: "somebody.else@example.org" });
    expect(state).toBe("fulfilled");
    expect(await rows("retained")).toEqual([]);
    expect(await rows("dataKeys")).toEqual([]);
  });
});
