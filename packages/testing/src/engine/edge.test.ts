import {
  createHeed,
  definePolicy,
  ephemeralKeys,
  fileJournal,
  InvalidInputError,
  isHeedError,
  keyring,
  memory,
  newKey,
  runOnce,
  type HeedError,
} from "@heed/core";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { createTestHeed } from "../create-test-heed.ts";
import { scriptedVendor } from "../scripted-vendor.ts";
import { virtualClock } from "../virtual-clock.ts";
import { company, evidence, policy } from "./people.ts";

const canary = "canary@example.org";
const subject = { email: canary };
const open = { right: "erasure", identity: "signed-in" } as const;

/** The heed error of a call; anything else is a failed test. Its text quotes nobody. */
async function refusal(call: () => unknown): Promise<HeedError> {
  const error: unknown = await (async () => call())().then(
    () => "it was accepted",
    (thrown: unknown) => thrown,
  );
  expect(inspect(error, { showHidden: true, depth: 9 })).not.toContain("canary");
  if (!isHeedError(error)) throw new Error(`no heed error: ${inspect(error)}`);
  return error;
}

/** What a caller without a compiler may pass. */
function untyped(overrides: Parameters<typeof company>[0] = {}) {
  const test = company(overrides);
  return { ...test, heed: test.heed as Untyped };
}

// oxlint-disable-next-line typescript/no-explicit-any -- the point: no compiler checked these calls
type Untyped = any;

const hostile = {
  toString() {
    throw new Error(canary);
  },
};
const circular: Record<string, unknown> = {};
circular[canary] = circular;
const optIn = { subject, topic: "newsletter", evidence };

describe("a call that cannot be read", () => {
  const { heed } = untyped();
  it.each<[string, () => unknown, RegExp]>([
    ["no ask", () => heed.subscriptions.unsubscribe(), /subscriptions\.unsubscribe.*\{ subject, topic \}/],
    ["an ask that is text", () => heed.consent.give(canary), /consent\.give/],
    ["subject null", () => heed.subscriptions.unsubscribe({ subject: null, topic: "all" }), /\{ email \}/],
    ["no subject", () => heed.consent.withdraw({ purpose: "news" }), /\{ email \}/],
    ["subject text", () => heed.requests.open({ ...open, subject: canary }), /\{ email \}/],
    [
      "a topic that is a symbol",
      () => heed.subscriptions.unsubscribe({ subject, topic: Symbol(canary) }),
      /topics/,
    ],
    ["a topic that throws", () => heed.subscriptions.unsubscribe({ subject, topic: hostile }), /topics/],
    ["no state ask", () => heed.subscriptions.state(), /subscriptions\.state/],
    ["preview null", () => heed.requests.open({ ...open, subject, preview: null }), /preview/],
    ["a preview without digest", () => heed.requests.open({ ...open, subject, preview: {} }), /preview/],
    ["preview of no right", () => heed.requests.preview({ right: "nope", subject }), /erasure/],
    ["preview of nothing", () => heed.requests.preview(), /requests\.preview/],
    ["open nothing", () => heed.requests.open(), /requests\.open/],
    ["get nothing", () => heed.requests.get(), /requests\.get.*id/],
    ["get an object", () => heed.requests.get({ id: "x" }), /requests\.get.*id/],
    ["evidence of nothing", () => heed.requests.evidence(), /requests\.evidence/],
    ["retry a number", () => heed.requests.retry(7), /requests\.retry/],
    ["withdraw nothing", () => heed.requests.withdraw(), /requests\.withdraw/],
    ["acknowledge nothing", () => heed.steps.acknowledge(), /steps\.acknowledge.*id/],
    ["acknowledge an object", () => heed.steps.acknowledge({ id: "x" }), /steps\.acknowledge.*id/],
    ["retry no step", () => heed.steps.retry(), /steps\.retry.*id/],
    ["list half a step", () => heed.steps.parked({ limit: 0.5 }), /limit/],
    ["list no request", () => heed.requests.list({ limit: 0 }), /limit/],
    ["list by a number", () => heed.requests.list(7), /requests\.list/],
    ["verify nothing", () => heed.requests.verify(), /requests\.verify/],
    ["paid service of nobody", () => heed.paidService.ended(), /paidService\.ended/],
    ["record nobody", () => heed.subjects.record(), /subjects\.record/],
    ["check nothing", () => heed.suppression.check(), /suppression\.check/],
    ["take nothing", () => heed.permits.take(), /permits\.take/],
    ["open no link", () => heed.links.open(undefined), /links\.open.*token/],
    ["use no link", () => heed.links.unsubscribe(), /links\.unsubscribe/],
    ["use a link without token", () => heed.links.unsubscribe({ scope: "all" }), /links\.unsubscribe.*token/],
    ["use a link for what is no scope", () => heed.links.unsubscribe({ token: "x", scope: canary }), /scope/],
    ["drain for a text", () => heed.work.drain({ budgetMs: "x" }), /budgetMs/],
    ["drain for less than nothing", () => heed.work.drain({ budgetMs: -1 }), /budgetMs/],
    ["drain for NaN", () => heed.work.drain({ budgetMs: Number.NaN }), /budgetMs/],
    [
      "received before there was a right to it",
      () => heed.requests.open({ ...open, subject, receivedAt: "2018-05-24T20:59:59Z" }),
      /receivedAt/,
    ],
    [
      "valid until a time that is over",
      () => heed.subscriptions.subscribe({ ...optIn, until: "2001-01-01T00:00:00Z" }),
      /until/,
    ],
    [
      "imported, and over before it began",
      () =>
        heed.consent.give({
          subject,
          purpose: "news",
          evidence,
          imported: true,
          at: "2020-01-01T00:00:00Z",
          until: "2019-01-01T00:00:00Z",
        }),
      /until/,
    ],
  ])("says what to pass: %s", async (_what, call, says) => {
    const error = await refusal(call);
    expect([error.name, error.message]).toEqual(["InvalidInputError", expect.stringMatching(says)]);
  });

  it.each([
    ["nothing", {}],
    ["a list", []],
    ["none that is not true", { none: false }],
    ["what is left of nothing", { noticeVersion: undefined }],
    ["a circle", circular],
    ["a bigint", { [canary]: 1n }],
    ["what throws", { toJSON: hostile.toString }],
    ["a map", new Map([["noticeVersion", "1"]])],
  ])("refuses evidence that proves nothing or cannot be kept: %s", async (_what, given) => {
    const error = await refusal(() => heed.subscriptions.subscribe({ ...optIn, evidence: given }));
    expect([error.name, error.message]).toEqual(["InvalidInputError", expect.stringContaining("none: true")]);
  });

  it("writes nothing", async () => {
    const { heed: other, rows } = untyped();
    await refusal(() => other.subscriptions.subscribe({ ...optIn, evidence: { a: 1n } }));
    await refusal(() => other.requests.open({ ...open, subject, receivedAt: "1970-01-01T00:00:00Z" }));
    expect([await rows("events"), await rows("subjects"), await rows("requests")]).toEqual([[], [], []]);
  });

  it("lets no evidence stand in the way of an opt-out", async () => {
    const { heed: other, rows } = untyped();
    for (const given of [circular, {}, { a: 1n }])
      await other.subscriptions.unsubscribe({ subject, topic: "all", evidence: given });
    expect(await rows("events")).toHaveLength(3);
  });

  it("accepts history that is over, and evidence that there is none", async () => {
    const { heed: other } = company();
    const past = { at: "2019-01-01T00:00:00Z", until: "2020-01-01T00:00:00Z", imported: true } as const;
    await other.subscriptions.subscribe({ ...optIn, topic: "newsletter", ...past, evidence: { none: true } });
    expect((await other.subscriptions.state({ subject, topic: "newsletter" })).state).not.toBe("given");
  });
});

describe("a key that a call does not know", () => {
  const right = "erasure";
  const link = { token: "x", scope: "all" };
  const alert = { topic: "alerts", email: subject.email, messageKey: "1" };
  const matter = { subject, reason: "case", orderedBy: "board", reviewAt: "2999-01-01T00:00:00Z" };
  const calls: readonly [string, (heed: Untyped, more: object) => unknown][] = [
    ["consent.give", (heed, more) => heed.consent.give({ subject, purpose: "news", evidence, ...more })],
    ["consent.withdraw", (heed, more) => heed.consent.withdraw({ subject, purpose: "news", ...more })],
    ["consent.giveMany", (heed, more) => heed.consent.giveMany([], more)],
    ["consent.withdrawMany", (heed, more) => heed.consent.withdrawMany([], more)],
    ["consent.state", (heed, more) => heed.consent.state({ subject, purpose: "news", ...more })],
    ["subscriptions.subscribe", (heed, more) => heed.subscriptions.subscribe({ ...optIn, ...more })],
    ["subscriptions.subscribeMany", (heed, more) => heed.subscriptions.subscribeMany([], more)],
    [
      "subscriptions.unsubscribe",
      (heed, more) => heed.subscriptions.unsubscribe({ subject, topic: "all", ...more }),
    ],
    ["subscriptions.unsubscribeMany", (heed, more) => heed.subscriptions.unsubscribeMany([], more)],
    [
      "subscriptions.state",
      (heed, more) => heed.subscriptions.state({ subject, topic: "newsletter", ...more }),
    ],
    ["suppression.check", (heed, more) => heed.suppression.check({ email: subject.email, ...more })],
    ["subjects.record", (heed, more) => heed.subjects.record({ subject, ...more })],
    ["requests.open", (heed, more) => heed.requests.open({ ...open, subject, ...more })],
    ["requests.preview", (heed, more) => heed.requests.preview({ right, subject, ...more })],
    [
      "requests.verify",
      (heed, more) => heed.requests.verify({ id: "x", identity: "operator-checked", ...more }),
    ],
    ["requests.deny", (heed, more) => heed.requests.deny({ id: "x", because: "unfounded", ...more })],
    ["requests.list", (heed, more) => heed.requests.list({ limit: 1, ...more })],
    ["steps.parked", (heed, more) => heed.steps.parked({ limit: 1, ...more })],
    ["evidence.verify", (heed, more) => heed.evidence.verify(more)],
    ["evidence.prune", (heed, more) => heed.evidence.prune({ before: "2026-01-01T00:00:00Z", ...more })],
    ["evidence.entries", (heed, more) => heed.evidence.entries(more)],
    ["holds.place", (heed, more) => heed.holds.place({ ...matter, ...more })],
    ["holds.list", (heed, more) => heed.holds.list(more)],
    ["paidService.ended", (heed, more) => heed.paidService.ended({ subject, ...more })],
    ["links.unsubscribe", (heed, more) => heed.links.unsubscribe({ ...link, ...more })],
    ["permits.take", (heed, more) => heed.permits.take({ ...alert, ...more })],
    ["keys.rotate", (heed, more) => heed.keys.rotate(more)],
    ["work.drain", (heed, more) => heed.work.drain(more)],
    ["work.start", (heed, more) => heed.work.start(more)],
    ["journal.compact", (heed, more) => heed.journal.compact({ before: "2026-01-01T00:00:00Z", ...more })],
    ["restore", (heed, more) => heed.restore(more)],
    ["backup", (heed, more) => heed.backup({ to: "/nowhere/x", ...more })],
  ];
  const folder = mkdtempSync(join(tmpdir(), "heed-edge-"));
  const journal = fileJournal(join(folder, "heed.journal"));
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(calls)("is refused by %s, which does nothing", async (call, ask) => {
    const { heed, rows } = untyped({ journal });
    const error = await refusal(() => ask(heed, { [canary]: 1 }));
    expect([error.name, error.code, error.message]).toEqual([
      "InvalidInputError",
      "unknown-option",
      expect.stringMatching(new RegExp(`^${call.replace(".", "\\.")} .* It takes: \\w`)),
    ]);
    for (const table of ["events", "subjects", "requests", "holds", "permits"] as const)
      expect(await rows(table)).toEqual([]);
  });

  const joins = new Set([
    "consent.give",
    "consent.withdraw",
    "subscriptions.subscribe",
    "subscriptions.unsubscribe",
  ]);
  it.each(calls.filter(([call]) => !joins.has(call)))(
    "is refused by %s when it is `within`, which it would not join",
    async (call, ask) => {
      const { heed, rows } = untyped({ journal });
      const error = await refusal(() => ask(heed, { within: {} }));
      expect([error.code, error.message]).toEqual([
        "unknown-option",
        expect.stringContaining(`${call} does not join a transaction`),
      ]);
      expect(await rows("requests")).toEqual([]);
    },
  );

  it("is refused in each item of a bulk, `within` too, and the others are recorded", async () => {
    const { heed, rows } = untyped();
    const item = { subject, topic: "all" };
    const { refusals, changed } = await heed.subscriptions.unsubscribeMany([
      { ...item, chanel: "web" },
      item,
      { ...item, within: {} },
    ]);
    expect([refusals, changed]).toEqual([
      [
        { index: 0, because: "unknown-option", message: expect.stringContaining("`channel`") },
        { index: 2, because: "unknown-option", message: expect.stringContaining("`within`") },
      ],
      1,
    ]);
    expect(await rows("events")).toHaveLength(1);
  });

  it("is refused by createHeed, its settings and runOnce", async () => {
    const crm = scriptedVendor({ operations: ["unsubscribe"], topics: ["newsletter", "offers"] });
    const processors = { crm: crm.processor };
    const parts = { policy, storage: memory(), keys: ephemeralKeys(), processors };
    const asks: readonly [() => unknown, string][] = [
      [() => createHeed({ ...parts, jurnal: fileJournal("x") } as never), "Did you mean `journal`?"],
      [() => createHeed({ ...parts, work: { leaseMS: 1 } } as never), "Did you mean `leaseMs`?"],
      [() => createHeed({ ...parts, evidence: { sealEveryMS: 1 } } as never), "Did you mean `sealEveryMs`?"],
      [
        () => runOnce(crm.processor, "unsubscribe", subject, { withinMS: 1 } as never),
        "Did you mean `withinMs`?",
      ],
    ];
    for (const [ask, hint] of asks) {
      const error = await refusal(ask);
      expect([error.code, error.message]).toEqual(["unknown-option", expect.stringContaining(hint)]);
    }
    expect(crm.calls).toEqual([]);
  });
});

describe("requests.verify", () => {
  it.each(["unverified", canary, undefined, "constructor"])(
    "takes only a shown identity (%#)",
    async (identity) => {
      const { heed, rows } = untyped();
      const { id } = await heed.requests.open({ ...open, identity: "unverified", subject });
      expect((await refusal(() => heed.requests.verify({ id, identity }))).name).toBe("InvalidInputError");
      expect((await rows("requests")).map((row) => [row.identity, row.state])).toEqual([
        ["unverified", "awaiting_verification"],
      ]);
      await heed.requests.verify({ id, identity: "operator-checked" });
      expect((await rows("requests")).map((row) => row.identity)).toEqual(["operator-checked"]);
    },
  );
});

describe("permit.settle", () => {
  it("takes only a known outcome, and keeps no text", async () => {
    const { heed, rows, search } = untyped();
    const permit = await heed.permits.take({ topic: "alerts", email: "ben@example.org", messageKey: "1" });
    for (const outcome of [`bounced for ${canary}`, undefined, "constructor", 5])
      expect((await refusal(() => permit.settle(outcome))).name).toBe("InvalidInputError");
    expect(await search("canary")).toEqual([]);
    expect((await rows("permits")).map((row) => [row.state, row.outcome])).toEqual([["given", null]]);
    await permit.settle("accepted");
    expect((await rows("permits")).map((row) => row.outcome)).toEqual(["accepted"]);
  });
});

describe("createHeed", () => {
  const make = createHeed as (options?: unknown) => unknown;
  it("refuses settings of the worker with which nothing would be carried out, or nothing else would run", () => {
    for (const work of [
      { leaseMs: Number.NaN },
      { leaseMs: 0 },
      { callTimeoutMs: -1 },
      { batchesPerProcessor: 0 },
      { batchesPerProcessor: 1.5 },
      { breakerAfter: Number.POSITIVE_INFINITY },
      { pollMs: 0 },
      { pollMs: "500" as never },
      { graceMs: null as never },
      { leaseMS: 5_000 } as never,
    ])
      expect(() => company({ work })).toThrow(InvalidInputError);
  });

  it("takes a setting of the worker that is undefined for one that is left out", async () => {
    const { heed, crm, person } = company({ work: { leaseMs: undefined } as never });
    await heed.subscriptions.unsubscribe({ subject: person("anna@example.org"), topic: "newsletter" });
    await heed.work.drain();
    expect(crm.optedOut.size).toBe(1);
  });

  it("names the command that makes keys when there are none", async () => {
    const error = await refusal(() => make({ policy, storage: memory() }));
    expect([error.code, error.message]).toEqual([
      "missing-keyring",
      expect.stringContaining("npx @heed/cli keys"),
    ]);
  });

  it.each(["canary", "", newKey(), 5, {}, [newKey()], keyring, Promise.resolve(ephemeralKeys())])(
    "refuses keys that are no keyring, and repeats nothing of them (%#)",
    async (keys) => {
      const error = await refusal(() => make({ policy, storage: memory(), keys }));
      expect([error.code, error.message]).toEqual([
        "invalid-keyring",
        expect.stringContaining("keyring(process.env.HEED_KEYS)"),
      ]);
      expect(inspect(error)).not.toContain(":active:");
    },
  );

  it.each([
    ["nothing", undefined, /policy, storage, keys/],
    ["no policy", { storage: memory(), keys: ephemeralKeys() }, /definePolicy/],
    ["a policy that is none", { policy: {}, storage: memory(), keys: ephemeralKeys() }, /definePolicy/],
    ["no storage", { policy, keys: ephemeralKeys() }, /memory\(\)/],
    [
      "a journal that is a path",
      { policy, storage: memory(), keys: ephemeralKeys(), journal: "heed.journal" },
      /fileJournal\("heed\.journal"\)/,
    ],
  ])("says what to pass: %s", async (_what, options, says) => {
    const error = await refusal(() => make(options));
    expect([error.name, error.message]).toEqual(["InvalidInputError", expect.stringMatching(says)]);
  });

  it("takes a recipient named as what every object has for one without a processor", async () => {
    const { heed, settle } = createTestHeed({
      policy: definePolicy({
        controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
        recipients: { constructor: { role: "processor", country: "SE" } },
        purposes: { news: { basis: "consent" } },
        topics: {},
      }),
    });
    const { id } = await heed.requests.open({ ...open, subject });
    await settle();
    const { steps, state } = await heed.requests.get(id);
    expect(state).toBe("awaiting_manual");
    expect(steps.find((step) => step.processor === "constructor")).toMatchObject({ state: "manual" });
  });
});

describe("the moment that two questions share", () => {
  it("is that of a guard and its run, and of a second finding and the read-back beside it, and of nothing else", async () => {
    const { processor, ...vendor } = scriptedVendor({
      name: "billing",
      operations: ["forgetTokens"],
      settlingMs: 1000,
    });
    vendor.add({ id: "r1", emails: [canary], cards: 1 });
    const asked: (readonly [string, object | undefined])[] = [];
    const { forgetTokens } = processor.operations;
    if (forgetTokens?.guard === undefined || forgetTokens.resolve === undefined)
      throw new TypeError("incomplete");
    if (typeof forgetTokens.verify !== "function") throw new TypeError("incomplete");
    const noting =
      <C, T>(name: string, question: (calls: C, context: { readonly moment?: object }) => T) =>
      (calls: C, context: { readonly moment?: object }): T => {
        asked.push([name, context.moment]);
        return question(calls, context);
      };
    const { guard, resolve, run, verify } = forgetTokens;
    const noted = {
      ...forgetTokens,
      guard: noting("guard", guard as never),
      resolve: noting("resolve", resolve as never),
      run: noting("run", run as never),
      verify: noting("verify", verify as never),
    };
    const clock = virtualClock("2026-01-15T12:00:00.000Z", { autoAdvance: true });
    await runOnce(
      { ...processor, operations: { forgetTokens: noted } } as never,
      "forgetTokens" as never,
      subject as never,
      { clock },
    );
    expect(asked.map(([name]) => name)).toEqual([
      "resolve",
      "guard",
      "run",
      "resolve",
      "verify",
      "resolve",
      "verify",
    ]);
    const moments = asked.map(([, moment]) => moment);
    expect(moments.every((moment) => moment !== undefined)).toBe(true);
    const [found, guarded, ran, ...looks] = moments;
    expect(ran).toBe(guarded);
    expect(looks[1]).toBe(looks[0]);
    expect(looks[3]).toBe(looks[2]);
    expect(new Set([found, guarded, looks[0], looks[2]]).size).toBe(4);
  });
});
