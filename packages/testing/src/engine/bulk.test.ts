import { isHeedError, keyring, memory, newKey, type BulkProgress, type HeedStorage } from "@heed/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { faulty } from "../faulty-storage.ts";
import { company, evidence } from "./people.ts";

const addressOf = (n: number) => `person-${n}@example.org`;

function* people(count: number, topic: "newsletter" | "all" = "newsletter") {
  for (let n = 0; n < count; n += 1) yield { subject: { email: addressOf(n) }, topic };
}

type Company = ReturnType<typeof company>;

/** Everything that choices leave behind, apart from random ids. */
async function traces({ rows }: Company): Promise<Record<string, readonly string[]>> {
  const told = <T>(list: readonly T[], tell: (row: T) => unknown) =>
    list.map((row) => JSON.stringify(tell(row))).toSorted();
  return {
    identifiers: told(await rows("identifiers"), ({ digest, suppression, kind }) => [
      digest,
      suppression,
      kind,
    ]),
    suppressions: told(await rows("suppressions"), (row) => row),
    events: told(
      await rows("events"),
      ({ kind, scope, name, claimedAt, recordedAt, effectiveAt, channel }) => [
        kind,
        scope,
        name,
        claimedAt,
        recordedAt,
        effectiveAt,
        channel,
      ],
    ),
    steps: told(await rows("steps"), ({ processor, operation, state, input, seq, deadlineAt }) => {
      // The evidence of an opt-in is named by its event's random id.
      const { evidence: _event, ...told } = JSON.parse(input) as Record<string, unknown>;
      return [processor, operation, state, told, seq, deadlineAt];
    }),
    permits: told(await rows("permits"), ({ address, state, optedOutAt }) => [address, state, optedOutAt]),
    evidence: told(await rows("evidence"), ({ at, entry }) => {
      const { eventId: _id, ...told } = JSON.parse(entry ?? "") as Record<string, unknown>;
      return [at, told];
    }),
  };
}

/** Holds the first group of a bulk back until the second one has been told whose locks it needs, and has tried again. */
function overtaking(): HeedStorage {
  const storage = memory();
  const overtaken = Promise.withResolvers<void>();
  let tries = 0;
  return {
    ...storage,
    serial: false,
    async transact(transaction) {
      if (transaction.lock.length < 100) return storage.transact(transaction);
      tries += 1;
      const mine = tries;
      if (mine === 1) await overtaken.promise;
      const answer = await storage.transact(transaction);
      if (mine === 3) overtaken.resolve();
      return answer;
    },
  };
}

describe("unsubscribeMany", () => {
  it("leaves what single calls leave, for any people, aliases, repeats and history", async () => {
    const address = fc.constantFrom("a@example.org", "b@example.org", "c@example.org");
    const phone = fc.constantFrom("+46700000001", "+46700000002");
    const subject = fc.oneof(
      fc.record({ email: address }),
      fc.record({ phone }),
      fc.record({ email: address, phone }),
    );
    const topic = fc.constantFrom("newsletter" as const, "offers" as const);
    const item = fc.record(
      {
        subject,
        topic: fc.oneof(topic, fc.constant("all" as const)),
        id: fc.constantFrom("one", "two", "three"),
        at: fc.constantFrom("2025-01-01T00:00:00.000Z", "2026-01-15T11:59:59.000Z"),
        imported: fc.boolean(),
      },
      { requiredKeys: ["subject", "topic"] },
    );
    const before = fc.record({ email: address, topic, isMailed: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(
        fc.array(before, { maxLength: 4 }),
        fc.array(item, { maxLength: 12 }),
        async (past, items) => {
          const key = newKey();
          const two = [company({ keys: keyring(key) }), company({ keys: keyring(key) })] as const;
          for (const { heed, clock } of two) {
            for (const [n, { email, topic, isMailed }] of past.entries()) {
              await heed.subscriptions.subscribe({ subject: { email }, topic, evidence });
              if (isMailed) await heed.permits.take({ topic, email, messageKey: String(n) });
            }
            await clock.advance(1000);
          }
          const [single, many] = two;
          let changed = 0;
          for (const each of items)
            changed += (await single.heed.subscriptions.unsubscribe(each)).changed ? 1 : 0;
          const result = await many.heed.subscriptions.unsubscribeMany(items);
          expect(await traces(many)).toEqual(await traces(single));
          expect(result).toEqual({
            position: items.length,
            read: items.length,
            changed,
            unchanged: items.length - changed,
            refused: 0,
            refusals: [],
            isComplete: true,
          });
        },
      ),
      { numRuns: 150 },
    );
  });

  it("changes nothing when the same run is run again", async () => {
    const test = company();
    const items = [...people(450), ...people(3, "all")];
    const first = await test.heed.subscriptions.unsubscribeMany(items, { run: "export-7" });
    expect([first.changed, first.unchanged]).toEqual([453, 0]);
    const left = await traces(test);
    await test.clock.advance(60_000);
    const again = await test.heed.subscriptions.unsubscribeMany(items, { run: "export-7" });
    expect([again.changed, again.unchanged, again.refused]).toEqual([0, 453, 0]);
    expect(await traces(test)).toEqual(left);
    // Under another name it is another indication, which is recorded, and tells nobody anew.
    await test.heed.subscriptions.unsubscribeMany(items, { run: "export-8" });
    expect((await test.rows("events")).length).toBe(906);
    expect((await test.rows("steps")).length).toBe(left["steps"]?.length);
  });

  it("refuses bad items by index and code, quotes nothing of them, and records all others", async () => {
    const test = company();
    const bad = [
      { subject: { email: "canary-without-at" }, topic: "newsletter" },
      { subject: {}, topic: "newsletter" },
      { subject: { email: addressOf(1) }, topic: "canary" },
      { subject: { canary: "canary" }, topic: "newsletter" },
      "canary",
      null,
      { subject: { email: addressOf(1) }, topic: "newsletter", at: "canary" },
    ];
    const items = [...people(300)].flatMap((item, n) => (n < bad.length ? [bad[n], item] : [item]));
    const told: unknown[] = [];
    const result = await test.heed.subscriptions.unsubscribeMany(items as never, {
      onRefused: (refusal) => told.push(refusal),
    });
    expect(result).toMatchObject({ read: 307, changed: 300, refused: 7, position: 307, isComplete: true });
    expect(result.refusals.map(({ index, because }) => [index, because])).toEqual([
      [0, "unparsable-identifier"],
      [2, "invalid-input"],
      [4, "topic-not-covered"],
      [6, "unknown-identifier-kind"],
      [8, "invalid-input"],
      [10, "invalid-input"],
      [12, "invalid-input"],
    ]);
    expect(result.refusals.map(({ message }) => message)).toEqual([
      "The email cannot be read: it is not of the form local@domain. Pass one plain value; heed parses and never repairs.",
      "The subject names nobody. Pass at least one identifier, for example { email }.",
      "There is no such name in the topics of the policy. Known: newsletter, offers, alerts.",
      expect.stringMatching(/^There is no such name among the kinds of identifiers. Known here: .*email/),
      expect.stringContaining("Pass one object."),
      expect.stringContaining("Pass one object."),
      "`at` is not an instant. Pass RFC 3339 with a zone, for example 2026-11-21T10:00:00Z.",
    ]);
    expect(told).toEqual(result.refusals);
    expect(JSON.stringify(result)).not.toContain("canary");
    expect(await test.search("canary")).toEqual([]);
    expect((await test.rows("events")).length).toBe(300);
  });

  it("keeps a list of refusals that does not grow with the source", async () => {
    let told = 0;
    const { heed } = company();
    const bad = Array.from({ length: 1_500 }, () => ({ subject: {}, topic: "newsletter" as const }));
    const result = await heed.subscriptions.unsubscribeMany(bad, { onRefused: () => (told += 1) });
    expect([result.refused, result.refusals.length, told]).toEqual([1_500, 1_000, 1_500]);
  });

  it("reads the source only as fast as it stores", async () => {
    const test = company();
    let mostAhead = 0;
    let stored = 0;
    async function* source() {
      let read = 0;
      for (const item of people(1_000)) {
        mostAhead = Math.max(mostAhead, read - stored);
        yield item;
        read += 1;
      }
    }
    await test.heed.subscriptions.unsubscribeMany(source(), {
      onProgress: ({ changed }) => (stored = changed),
    });
    expect(stored).toBe(1_000);
    // Two groups of 200 under way, and the next one.
    expect(mostAhead).toBeLessThanOrEqual(600);
  });

  it("ends between two transactions when it is told to, and goes on where it was", async () => {
    const test = company();
    const stop = new AbortController();
    const progress: BulkProgress[] = [];
    const items = [...people(700)];
    const first = await test.heed.subscriptions.unsubscribeMany(items, {
      signal: stop.signal,
      onProgress(each) {
        progress.push(each);
        if (each.read >= 400) stop.abort();
      },
    });
    expect(first).toMatchObject({ isComplete: false, position: 400, changed: 400 });
    expect(progress.map(({ position }) => position)).toEqual([200, 400]);
    expect((await test.rows("events")).length).toBe(400);
    const rest = await test.heed.subscriptions.unsubscribeMany(items, { from: first.position });
    expect(rest).toMatchObject({ isComplete: true, position: 700, read: 300, changed: 300 });
    expect((await test.rows("events")).length).toBe(700);
  });

  it.each(["refused", "passed over"])("lets others have their turn while items are %s", async (what) => {
    const test = company();
    const stop = new AbortController();
    const items = Array.from({ length: 5_000 }, () => ({ subject: {}, topic: "newsletter" }) as never);
    setImmediate(() => stop.abort());
    const from = what === "refused" ? 0 : items.length;
    const result = await test.heed.subscriptions.unsubscribeMany(items, { from, signal: stop.signal });
    expect(result.isComplete).toBe(false);
    expect(result.position).toBeLessThan(1_000);
  });

  it("records in order what two groups say of one person, however they overtake each other", async () => {
    const test = company({ storage: overtaking() });
    const subject = { email: "anna@example.org", phone: "+46700000001" };
    await test.heed.subjects.record({ subject, identityVerified: true });
    const items = [...people(400)].map((item, index) => {
      if (index === 100) return { ...item, subject: { email: subject.email }, id: "first" };
      return index === 250 ? { ...item, subject: { phone: subject.phone }, id: "second" } : item;
    });
    const result = await test.heed.subscriptions.unsubscribeMany(items);
    expect(result).toMatchObject({ changed: 399, unchanged: 1, position: 400, isComplete: true });
    expect((await test.heed.subscriptions.state({ subject, topic: "newsletter" })).by).toBe("second");
  });

  it("counts without recording in a dry run", async () => {
    const test = company();
    await test.heed.subscriptions.unsubscribe({ subject: { email: addressOf(3) }, topic: "newsletter" });
    const before = await traces(test);
    const events: string[] = [];
    test.heed.on("choice.recorded", ({ eventId }) => events.push(eventId));
    const dry = await test.heed.subscriptions.unsubscribeMany(people(300), { dryRun: true });
    expect(await traces(test)).toEqual(before);
    expect(events).toEqual([]);
    expect([dry.changed, dry.unchanged]).toEqual([299, 1]);
    const real = await test.heed.subscriptions.unsubscribeMany(people(300));
    expect(real).toEqual(dry);
    expect(events.length).toBe(300);
  });

  it("revokes the permits of the people it silences", async () => {
    const { heed } = company();
    const email = addressOf(7);
    await heed.subscriptions.subscribe({ subject: { email }, topic: "newsletter", evidence });
    const permit = await heed.permits.take({ topic: "newsletter", email, messageKey: "1" });
    if (!permit.allowed) throw new Error(permit.because);
    await heed.subscriptions.unsubscribeMany(people(20));
    expect(permit.signal.aborted).toBe(true);
    expect(await permit.handOver()).toBe(false);
  });

  it("gives way to a single opt-out, also of somebody in the bulk", async () => {
    const test = company();
    for (let n = 0; n < 120; n += 1) test.person(addressOf(n));
    const single = test.person("anna@example.org");
    await test.heed.subscriptions.unsubscribeMany(people(120));
    await test.clock.advance(60_000);
    await test.heed.subscriptions.unsubscribe({ subject: single, topic: "newsletter" });
    await test.heed.subscriptions.unsubscribe({ subject: { email: addressOf(99) }, topic: "newsletter" });
    const due = await test.storage.due({
      namespace: "default",
      now: test.clock.now().toISOString(),
      max: 2,
    });
    const ids = new Set((await test.rows("identifiers")).map((row) => row.subjectId));
    expect(ids.size).toBe(121);
    await test.settle();
    const first = test.crm.calls.filter(({ at }) => at === "run").flatMap(({ emails }) => emails.flat());
    expect(due).toHaveLength(2);
    expect(new Set(first.slice(0, 2))).toEqual(new Set([single.email, addressOf(99)]));
    expect(test.crm.optedOut.size).toBe(121);
  });

  it("says what to pass", async () => {
    const { heed } = company();
    const many = heed.subscriptions.unsubscribeMany;
    for (const wrong of [undefined, "text", 5, {}])
      await expect(many(wrong as never)).rejects.toMatchObject({ name: "InvalidInputError" });
    for (const options of [{ run: "a b" }, { run: "x".repeat(41) }, { from: -1 }, { from: 0.5 }])
      await expect(many([], options)).rejects.toMatchObject({ name: "InvalidInputError" });
    expect(await many([])).toMatchObject({ read: 0, isComplete: true });
  });

  it("hands on what the source throws, having recorded what came before", async () => {
    const test = company();
    function* broken() {
      yield* people(250);
      throw new RangeError("the file ends in the middle of a line");
    }
    const positions: number[] = [];
    const onProgress = ({ position }: BulkProgress) => void positions.push(position);
    const bulk = test.heed.subscriptions.unsubscribeMany(broken(), { onProgress });
    await expect(bulk).rejects.toThrow(RangeError);
    expect((await test.rows("events")).length).toBe(250);
    expect(positions).toEqual([200, 250]);
  });
});

it("a storage that fails ends a bulk, once what is under way has ended", async () => {
  const storage = faulty(memory(), (commit) => (commit === 2 ? { before: "throws" } : undefined));
  const test = company({ storage });
  const progress: number[] = [];
  const bulk = test.heed.subscriptions.unsubscribeMany(people(1_000), {
    onProgress: ({ changed }) => progress.push(changed),
  });
  await expect(bulk).rejects.toMatchObject({ code: "storage-failed" });
  expect(progress).toEqual([200]);
  expect((await test.rows("events")).length).toBe(200);
});

describe("giveMany and subscribeMany", () => {
  it("refuse the one whose identifiers are two people's, and record the others", async () => {
    const { heed } = company();
    const [anna, ben] = [{ email: "anna@example.org" }, { phone: "+46700000001" }];
    for (const subject of [anna, ben]) await heed.subjects.record({ subject });
    const items = Array.from({ length: 40 }, (_, n) => ({
      subject: n === 17 ? { ...anna, ...ben } : { email: addressOf(n) },
      topic: "newsletter" as const,
      evidence,
    }));
    const result = await heed.subscriptions.subscribeMany(items);
    expect(result).toMatchObject({ changed: 39, refused: 1 });
    expect(result.refusals).toEqual([
      { index: 17, because: "two-subjects", message: expect.stringContaining("belong to different people") },
    ]);
    const { state } = await heed.subscriptions.state({
      subject: { email: addressOf(20) },
      topic: "newsletter",
    });
    expect(state).toBe("given");
  });

  it("import no opt-in that a suppression outweighs", async () => {
    const test = company();
    const subject = { email: "anna@example.org" };
    await test.heed.consent.withdraw({ subject, purpose: "news" });
    const old = { subject, purpose: "news" as const, evidence, imported: true, at: "2025-01-01T00:00:00Z" };
    const result = await test.heed.consent.giveMany([old]);
    expect(result.changed).toBe(1);
    expect((await test.heed.consent.state({ subject, purpose: "news" })).state).toBe("not-given");
    await expect(test.heed.consent.giveMany([old], { signal: AbortSignal.abort() })).resolves.toMatchObject({
      isComplete: false,
      read: 0,
      position: 0,
    });
  });

  it("keep the choices of one person in their order", async () => {
    const { heed } = company();
    const subject = { email: "anna@example.org", phone: "+46700000001" };
    await heed.subjects.record({ subject, identityVerified: true });
    const by = (who: object) => ({ subject: who, purpose: "news" as const });
    const result = await heed.consent.withdrawMany([
      { ...by({ email: subject.email }), id: "first" },
      { ...by({ phone: subject.phone }), id: "second" },
      { ...by({ email: subject.email }), id: "third" },
    ]);
    expect(result).toMatchObject({ changed: 1, unchanged: 2 });
    expect((await heed.consent.state({ subject, purpose: "news" })).by).toBe("third");
  });
});

it("a key that is missing ends a bulk: it concerns every item", async () => {
  const first = company();
  await first.heed.subscriptions.unsubscribe({ subject: { email: addressOf(0) }, topic: "newsletter" });
  const [row] = await first.rows("dataKeys");
  await first.storage.transact({
    lock: [],
    clock: first.clock,
    read: {},
    decide: () => ({
      writes: [{ update: "dataKeys", where: { owner: row?.owner ?? "" }, set: { keyId: "gone" } }],
      answer: undefined,
    }),
  });
  const error: unknown = await first.heed.subscriptions.unsubscribeMany(people(3)).catch((caught) => caught);
  expect(isHeedError(error) && error.code).toBe("unknown-key");
});
