import { definePolicy, keyring, memory, newKey, UnavailableError } from "@heed/core";
import { each, type Call, type Outcome, type ProcessorV1, type Retained } from "@heed/core/contract";
import { verifyReceipt } from "@heed/core/evidence";
import { describe, expect, it } from "vitest";
import { createTestHeed } from "../create-test-heed.ts";
import { faulty, type CommitFault } from "../faulty-storage.ts";

const subject = { email: "canary.anna@example.org" };
const erasure = { right: "erasure", identity: "signed-in", subject } as const;
const invoices: Retained = { category: "invoices", reason: "legal-obligation", law: "SFS 1999:1078 7:2" };
const byRule = { ...invoices, until: "2033-12-31" };
const logs: Retained = { category: "mail-log", reason: "kept-by-processor", until: "2026-06-30" };
/** What is kept beside that record which turns up later. */
const tickets: Retained = { category: "tickets", reason: "kept-by-processor", until: "2026-07-31" };
const purgedBy = "2026-02-14";

const hold = { reason: "case-17", orderedBy: "general-counsel", reviewAt: "2027-01-15T12:00:00.000Z" };

/** How a call of the vendor's goes wrong: before it has its effect, or after. */
type Cut = "before" | "after";

/**
 * A vendor that keeps something of everybody it erases, and says so only in its answer. Every call of its API is one
 * request, and any of them can be cut.
 */
function keepingVendor({
  neverHeard,
  turnsUp,
  ...options
}: {
  repeat?: "safe" | "verify-first";
  settlingMs?: number;
  /** What is cut after its effect each time. */
  neverHeard?: string;
  /** Another record of the person's, which is there after the first look at what was erased. */
  turnsUp?: string;
} = {}) {
  const records = new Map<string, { cards: number }>();
  const cuts = new Map<number, Cut>();
  const calls: string[] = [];
  let hasTurnedUp = false;
  async function request<T>(what: string, effect: () => T): Promise<T> {
    const cut = what === neverHeard ? "after" : cuts.get(calls.length);
    calls.push(what);
    const broken = () => new UnavailableError("cut", { processor: "crm", operation: "erase" });
    if (cut === "before") throw broken();
    const answer = effect();
    if (what === "look" && turnsUp !== undefined && calls.includes("erase") && !hasTurnedUp) {
      hasTurnedUp = true;
      records.set(turnsUp, { cards: 0 });
    }
    if (cut === "after") throw broken();
    return answer;
  }
  const addressOf = (call: Pick<Call, "identifiers">) => call.identifiers[0]?.value ?? "";
  const find = (email: string) => [...records.keys()].filter((id) => id.startsWith(email));
  const base = { batchSize: 1, repeat: "safe", settlingMs: 0, ...options } as const;
  const resolve = each(async (call: Call) => {
    const via = { kind: "email", value: addressOf(call) };
    const ids = await request("find", () => find(via.value));
    return { targets: ids.map((id) => ({ kind: "record", id, via, verified: true })) };
  });
  const processor: ProcessorV1<"email", never, never> = {
    specificationVersion: "v1",
    name: "keeping",
    account: "account-1",
    identifiers: { email: /@/ },
    topics: {},
    limits: {},
    operations: {
      forgetTokens: {
        ...base,
        matches: "several",
        resolve,
        guard: each(async () => ({ clear: true })),
        run: each(async ({ targets, input }): Promise<Outcome<"forgetTokens">> => {
          if (targets.length === 0) return { status: "absent" };
          let affected = 0;
          for (const { id } of targets)
            await request("forget", () => {
              const record = records.get(id);
              if (record === undefined) return;
              affected += record.cards;
              record.cards = 0;
            });
          return { status: "done", affected, retained: input.keep };
        }),
        verify: each(async (call) => ({
          seen: (await request("look", () => (records.get(addressOf(call))?.cards ?? 0) === 0))
            ? "as-asked"
            : "not-as-asked",
        })),
      },
      erase: {
        ...base,
        effects: ["irreversible"],
        resolve,
        run: each(async ({ targets, input }): Promise<Outcome<"erase">> => {
          if (targets.length === 0) return { status: "absent" };
          let affected = 0;
          for (const { id } of targets) if (await request("erase", () => records.delete(id))) affected += 1;
          const more = targets.some(({ id }) => id === turnsUp) ? [tickets] : [];
          return { status: "done", affected, retained: [...input.keep, logs, ...more], purgedBy };
        }),
        verify: each(async (call) => ({
          seen: (await request("look", () => find(addressOf(call)).length === 0))
            ? "as-asked"
            : "not-as-asked",
        })),
      },
    },
    check: async () => ({ account: "account-1", lacks: [], unknownTopics: [] }),
  };
  return { processor, records, cuts, calls };
}

const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  recipients: { crm: { role: "processor", country: "SE", keeps: [{ ...invoices, years: 7 }] } },
  purposes: {},
  topics: {},
});

type Options = Parameters<typeof keepingVendor>[0];

/** An erasure of somebody, whatever goes wrong, and what is proven of it in the end. */
async function erased(
  cutsAt: Readonly<Record<number, Cut>>,
  options: Options = {},
  faultOf: (commit: number) => CommitFault | undefined = () => undefined,
) {
  const vendor = keepingVendor(options);
  for (const [at, cut] of Object.entries(cutsAt)) vendor.cuts.set(Number(at), cut);
  vendor.records.set(subject.email, { cards: 2 }).set("bo@example.org", { cards: 1 });
  const storage = memory();
  const keys = keyring(newKey());
  const parts = { policy, keys, processors: { crm: vendor.processor } };
  const seen = faulty(storage, faultOf);
  const first = createTestHeed({ ...parts, storage: seen });
  const opening = first.heed.requests.open(erasure).then(() => first.settle());
  await Promise.race([opening.catch(() => {}), seen.died]);
  seen.die();
  // Whatever is left is another worker's.
  const second = createTestHeed({ ...parts, storage, clock: first.clock });
  const [asked] = await second.rows("requests");
  const { id } = asked ?? (await second.heed.requests.open(erasure));
  await second.settle();
  const receipt = await second.heed.requests.receipt(id);
  verifyReceipt(receipt, keys.publicKeys());
  return { ...second, vendor, commits: seen.commits, receipt };
}

const whole = {
  state: "partially-fulfilled",
  retained: [
    { processor: "crm", ...byRule },
    { processor: "crm", ...byRule },
    { processor: "crm", ...logs },
  ],
  purges: [{ processor: "crm", purgedBy }],
};

const cutsOf = (calls: number) =>
  Array.from({ length: calls }, (_, at) =>
    (["before", "after"] as const).map((cut) => [at, cut] as const),
  ).flat();

describe("what is kept, where an answer was lost", () => {
  it("is told wherever the connection was cut", async () => {
    for (const settlingMs of [0, 10_000]) {
      const { vendor, receipt } = await erased({}, { settlingMs });
      expect(receipt.summary).toMatchObject(whole);
      for (const [at, cut] of cutsOf(vendor.calls.length)) {
        const { vendor, receipt, rows } = await erased({ [at]: cut }, { settlingMs });
        expect([at, cut, receipt.summary]).toMatchObject([at, cut, whole]);
        expect([...vendor.records]).toEqual([["bo@example.org", { cards: 1 }]]);
        expect((await rows("retained")).map(({ category }) => category).toSorted()).toEqual([
          "invoices",
          "invoices",
          "mail-log",
        ]);
      }
    }
  });

  it("is told whichever commit failed, or was the last of its worker", async () => {
    const { commits } = await erased({});
    expect(commits).toBeGreaterThan(8);
    for (let at = 1; at <= commits; at += 1)
      for (const fault of [
        { before: "throws" },
        { after: "throws" },
        { before: "dies" },
        { after: "dies" },
      ] as const) {
        const { vendor, receipt } = await erased({}, {}, (commit) => (commit === at ? fault : undefined));
        expect([at, fault, receipt.summary]).toMatchObject([at, fault, whole]);
        expect([...vendor.records.keys()]).toEqual(["bo@example.org"]);
      }
  });

  it("is asked for once more, where that is safe, and no more than once", async () => {
    const { vendor: undisturbed } = await erased({});
    const runs = (calls: readonly string[]) => calls.filter((call) => call === "erase").length;
    expect(runs(undisturbed.calls)).toBe(1);
    const eraseAt = undisturbed.calls.indexOf("erase");
    const once = await erased({ [eraseAt]: "after" });
    expect(runs(once.vendor.calls)).toBe(2);
    const told = once.receipt.entries.flatMap(({ entry }) =>
      entry.kind === "step.settled" && entry.operation === "erase" && entry.processor === "crm"
        ? [entry]
        : [],
    );
    // How much the lost answer counted, nobody knows: 0 would say that there had been nothing.
    expect(told).toMatchObject([{ state: "retained", outcome: "done", finding: "as-asked" }]);
    expect(told[0]).not.toHaveProperty("affected");
    // Each answer is lost: the policy's word is what is left, and it ends all the same.
    const never = await erased({}, { neverHeard: "erase" });
    expect(runs(never.vendor.calls)).toBe(2);
    expect(never.receipt.summary).toMatchObject({
      ...whole,
      retained: whole.retained.slice(0, 2),
      purges: [],
    });
  });

  it("is asked for once more also of what turned up after an answer that was heard", async () => {
    const options = { settlingMs: 10_000, turnsUp: `${subject.email} 2` };
    const { vendor: undisturbed, receipt } = await erased({}, options);
    const withTickets = { ...whole, retained: [...whole.retained, { processor: "crm", ...tickets }] };
    expect(receipt.summary).toMatchObject(withTickets);
    const erasures = undisturbed.calls.flatMap((call, at) => (call === "erase" ? [at] : []));
    expect(undisturbed.calls.slice(erasures[0], erasures.at(-1))).toContain("look");
    for (const [at, cut] of cutsOf(undisturbed.calls.length)) {
      const { vendor, receipt } = await erased({ [at]: cut }, options);
      expect([at, cut, receipt.summary]).toMatchObject([at, cut, withTickets]);
      expect([...vendor.records.keys()]).toEqual(["bo@example.org"]);
    }
  });

  it("is what the policy keeps, where asking again is not safe", async () => {
    const { vendor, receipt } = await erased({}, { repeat: "verify-first" });
    expect(receipt.summary).toMatchObject(whole);
    for (const [at, cut] of cutsOf(vendor.calls.length)) {
      const { vendor, receipt } = await erased({ [at]: cut }, { repeat: "verify-first" });
      const isUnheard = vendor.calls[at] === "erase" && cut === "after";
      const kept = isUnheard ? whole.retained.slice(0, 2) : whole.retained;
      expect([at, cut, receipt.summary.retained]).toEqual([at, cut, kept]);
      expect(vendor.calls.filter((call) => call === "erase").length).toBeLessThanOrEqual(
        cut === "before" ? 2 : 1,
      );
    }
  });

  it("is nothing where nobody was there", async () => {
    const vendor = keepingVendor();
    const test = createTestHeed({ policy, keys: keyring(newKey()), processors: { crm: vendor.processor } });
    for (let at = 0; at < 12; at += 3) vendor.cuts.set(at, "after");
    const { id } = await test.heed.requests.open(erasure);
    await test.settle();
    expect((await test.heed.requests.receipt(id)).summary).toMatchObject({
      state: "fulfilled",
      retained: [],
    });
    const outcomes = (await test.heed.requests.get(id)).steps.map(({ outcome }) => outcome);
    expect(outcomes).toEqual(["absent", "absent", "done"]);
  });

  it("does not keep a step open past its deadline", async () => {
    const vendor = keepingVendor();
    const test = createTestHeed({ policy, keys: keyring(newKey()), processors: { crm: vendor.processor } });
    vendor.records.set(subject.email, { cards: 0 });
    const { erase } = vendor.processor.operations;
    Object.assign(erase ?? {}, {
      run: async () => {
        vendor.records.delete(subject.email);
        await test.clock.advance(40 * 86_400_000);
        throw new UnavailableError("cut", { processor: "crm", operation: "erase" });
      },
    });
    const { id } = await test.heed.requests.open(erasure);
    await test.settle();
    const step = (await test.heed.requests.get(id)).steps.find(({ operation }) => operation === "erase");
    expect(step).toMatchObject({ state: "retained", finding: "as-asked", retained: [byRule] });
  });

  it("is not asked for under a legal hold that is placed by then: all is gone, and what was to be kept is", async () => {
    const vendor = keepingVendor({ settlingMs: 10_000 });
    const test = createTestHeed({ policy, keys: keyring(newKey()), processors: { crm: vendor.processor } });
    vendor.records.set(subject.email, { cards: 2 });
    vendor.cuts.set((await erased({}, { settlingMs: 10_000 })).vendor.calls.indexOf("forget"), "after");
    let isHeld = false;
    const { forgetTokens } = vendor.processor.operations;
    const verify = forgetTokens?.verify;
    if (typeof verify !== "function") throw new TypeError("Not complete.");
    Object.assign(forgetTokens ?? {}, {
      verify: (async (calls, context) => {
        const seen = await verify(calls, context);
        if (!isHeld) await test.heed.holds.place({ subject, processor: "crm", ...hold });
        isHeld = true;
        return seen;
      }) satisfies typeof verify,
    });
    const { id } = await test.heed.requests.open(erasure);
    await test.settle();
    const told = async () =>
      (await test.heed.requests.get(id)).steps.map(({ operation, state, because, held }) => [
        operation,
        state,
        because,
        held,
      ]);
    // What has not begun is held, and nothing more was destroyed.
    expect((await told()).slice(0, 2)).toEqual([
      ["forgetTokens", "retained", undefined, undefined],
      ["erase", "due", "legal-hold", true],
    ]);
    expect(vendor.calls.filter((call) => call === "forget" || call === "erase")).toEqual(["forget"]);
    expect([...vendor.records]).toEqual([[subject.email, { cards: 0 }]]);
  });

  it("stays held where something has come back by the time of the hold", async () => {
    const vendor = keepingVendor();
    const test = createTestHeed({ policy, keys: keyring(newKey()), processors: { crm: vendor.processor } });
    const record = { cards: 2 };
    vendor.records.set(subject.email, record);
    vendor.cuts.set((await erased({})).vendor.calls.indexOf("forget"), "after");
    const { forgetTokens } = vendor.processor.operations;
    const guard = forgetTokens?.guard;
    if (guard === undefined) throw new TypeError("Not complete.");
    Object.assign(forgetTokens ?? {}, {
      guard: (async (calls, context) => {
        if (!vendor.calls.includes("forget")) return guard(calls, context);
        record.cards = 1;
        await test.heed.holds.place({ subject, processor: "crm", ...hold });
        return guard(calls, context);
      }) satisfies typeof guard,
    });
    const { id } = await test.heed.requests.open(erasure);
    await test.settle(5 * 86_400_000);
    const [step] = (await test.heed.requests.get(id)).steps;
    expect(step).toMatchObject({
      operation: "forgetTokens",
      state: "due",
      because: "legal-hold",
      held: true,
    });
    expect(record.cards).toBe(1);
  });

  describe.each(["guard", "run"] as const)("where the %s meets an obstacle by then", (where) => {
    /** The one answer is lost, and what was paid last is disputed from there on, for longer than the request has. */
    async function disputed(meanwhile: (record: { cards: number }) => void) {
      const vendor = keepingVendor();
      const test = createTestHeed({ policy, keys: keyring(newKey()), processors: { crm: vendor.processor } });
      const record = { cards: 2 };
      vendor.records.set(subject.email, record);
      vendor.cuts.set((await erased({})).vendor.calls.indexOf("forget"), "after");
      let asked = 0;
      const refusing = (then: (calls: never, context: never) => unknown, refusal: object) =>
        async function (calls: readonly Call[], context: never) {
          if (!vendor.calls.includes("forget")) return then(calls as never, context);
          asked += 1;
          meanwhile(record);
          return new Map(calls.map(({ id }) => [id, { ...refusal, checkAfterMs: 86_400_000 }]));
        };
      const { forgetTokens } = vendor.processor.operations;
      if (forgetTokens?.guard === undefined) throw new TypeError("Not complete.");
      const { guard, run } = forgetTokens;
      const changed =
        where === "guard"
          ? { guard: refusing(guard, { blockedBy: "open-dispute" }) }
          : { run: refusing(run, { status: "blocked", by: "open-dispute" }) };
      Object.assign(forgetTokens, changed);
      const { id } = await test.heed.requests.open(erasure);
      for (let day = 0; day < 40; day += 1) {
        await test.settle();
        await test.clock.advance(86_400_000);
      }
      const { steps } = await test.heed.requests.get(id);
      return { asked, step: steps.find(({ operation }) => operation === "forgetTokens") };
    }

    it("is not waited for, since all is gone", async () => {
      const { asked, step } = await disputed(() => {});
      expect(asked).toBe(1);
      expect(step).toMatchObject({ state: "retained", finding: "as-asked", retained: [byRule] });
    });

    it("waits with what has come back, and asks once a day", async () => {
      const { asked, step } = await disputed((record) => (record.cards = 1));
      expect(step).toMatchObject({ state: "manual", because: "deadline-passed", finding: "not-as-asked" });
      expect(asked).toBeGreaterThan(25);
      expect(asked).toBeLessThan(40);
    });
  });
});
