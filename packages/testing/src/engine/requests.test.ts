import { describe, expect, it } from "vitest";
import type { OperationName } from "@heed/core/contract";
import { definePolicy, ephemeralKeys, memory, RejectedError } from "@heed/core";
import { createTestHeed } from "../create-test-heed.ts";
import { scriptedVendor } from "../scripted-vendor.ts";
import { virtualClock } from "../virtual-clock.ts";
import { company, evidence } from "./people.ts";

const open = { right: "erasure", identity: "signed-in" } as const;
const unverified = { right: "erasure", identity: "unverified" } as const;
const rejected = (processor: string, operation: OperationName) =>
  new RejectedError("no", { processor, operation, status: 400 });
const start = "2026-01-15T12:00:00.000Z";

/** A policy whose recipients are no more than names. */
const small = (recipients: NonNullable<Parameters<typeof definePolicy>[0]["recipients"]>) =>
  definePolicy({
    controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
    recipients,
    purposes: { news: { basis: "consent" } },
    topics: {},
  });
const paper = { role: "processor", country: "SE" } as const;

describe("trying again", () => {
  it("is refused where nothing failed, and leaves the request as it is", async () => {
    const { heed, person } = company();
    const subject = person("anna@example.org");
    const { id } = await heed.requests.open({ ...unverified, subject });
    await expect(heed.requests.retry(id)).rejects.toMatchObject({ code: "nothing-to-retry" });
    expect((await heed.requests.get(id)).state).toBe("awaiting_verification");
    await heed.requests.verify({ id, identity: "signed-in" });
    await expect(heed.requests.retry(id)).rejects.toMatchObject({ code: "nothing-to-retry" });
  });

  it("never puts two steps of one person at one processor at a time", async () => {
    const clock = virtualClock(start);
    const { heed, crm, person, rows } = company({ clock });
    const subject = person("anna@example.org");
    crm.fault({ at: "run", operation: "unsubscribe", throws: rejected("crm", "unsubscribe") });
    crm.fault({ at: "run", operation: "erase", hangs: true });
    const { id } = await heed.requests.open({ ...open, subject });
    const work = heed.work.drain();
    await clock.advance(1000);
    const inHand = async () =>
      (await rows("steps"))
        .filter((step) => step.processor === "crm" && (step.state === "due" || step.state === "running"))
        .map((step) => step.operation);
    expect(await inHand()).toEqual(["erase"]);
    await heed.requests.retry(id);
    expect(await inHand()).toEqual(["erase"]);
    await clock.advance(600_000);
    await work;
    for (let round = 0; round < 20; round += 1) {
      const drained = heed.work.drain();
      await clock.advance(600_000);
      await drained;
    }
    expect((await heed.requests.get(id)).state).toBe("partially_fulfilled");
    expect(crm.find("anna@example.org")).toEqual([]);
  });
});

describe("an objection to being at a recipient whose adapter cannot take anybody out", () => {
  const objection = { right: "objection", identity: "signed-in" } as const;

  it("goes to a human, and keeps the person out all the same", async () => {
    const { heed, person, settle } = company();
    const subject = person("anna@example.org");
    const { id, state } = await heed.requests.open({ ...objection, recipient: "billing", subject });
    await settle();
    const [step] = (await heed.requests.get(id)).steps;
    expect([state, step]).toMatchObject([
      "awaiting_manual",
      { state: "manual", because: "no-such-operation" },
    ]);
    expect(step?.instruction).toMatch(/^Take this person out of "billing" by hand, and keep them out/);
    expect(await heed.suppression.check({ ...subject, recipient: "billing" })).toMatchObject({
      because: "excluded",
    });
    expect(await heed.suppression.check({ ...subject, recipient: "crm" })).toEqual({ suppressed: false });
    expect(await heed.steps.acknowledge(step!.id)).toEqual({ state: "acknowledged" });
    expect((await heed.requests.get(id)).state).toBe("fulfilled");
  });

  it("is another request for each recipient, and the same one when it is asked again", async () => {
    const { heed, person } = company();
    const subject = person("anna@example.org");
    const at = (recipient: "crm" | "billing") => heed.requests.open({ ...objection, recipient, subject });
    const [crm, billing, again] = [await at("crm"), await at("billing"), await at("crm")];
    expect(billing.id).not.toBe(crm.id);
    expect(again).toEqual({ ...crm, changed: false });
  });

  it("lets no opt-in be tried there again that had failed", async () => {
    const { heed, crm, person, settle } = company();
    const subject = person("anna@example.org");
    crm.fault({ at: "run", operation: "subscribe", throws: rejected("crm", "subscribe") });
    await heed.subscriptions.subscribe({ subject, topic: "newsletter", evidence });
    await settle();
    const [failed] = await heed.steps.parked();
    await heed.requests.open({ ...objection, recipient: "crm", subject });
    await expect(heed.steps.retry(failed!.id)).rejects.toMatchObject({ code: "excluded" });
    expect(crm.optedIn.has("anna@example.org")).toBe(false);
  });
});

describe("asking again", () => {
  it("with an identity begins what waited for one", async () => {
    const { heed, crm, person, settle } = company();
    const subject = person("anna@example.org");
    const waiting = await heed.requests.open({ ...unverified, subject });
    const begun = await heed.requests.open({ ...open, subject });
    expect(begun).toMatchObject({ id: waiting.id, state: "executing", changed: true });
    await settle();
    expect(crm.find("anna@example.org")).toEqual([]);
    expect((await heed.requests.get(waiting.id)).state).toBe("partially_fulfilled");
  });

  it("trusts only what was named together with the identity", async () => {
    const { heed, crm, person, settle } = company();
    person("anna@example.org");
    person("stranger@example.org");
    await heed.requests.open({
      ...unverified,
      subject: { email: ["anna@example.org", "stranger@example.org"] },
    });
    await heed.requests.open({ ...open, subject: { email: "anna@example.org" } });
    await settle();
    expect(crm.find("anna@example.org")).toEqual([]);
    expect(crm.find("stranger@example.org")).toHaveLength(1);
  });

  it("without an identity begins nothing", async () => {
    const { heed, person, rows } = company();
    const subject = person("anna@example.org");
    const waiting = await heed.requests.open({ ...unverified, subject });
    expect(await heed.requests.open({ ...unverified, subject })).toEqual({ ...waiting, changed: false });
    expect(await rows("steps")).toEqual([]);
  });

  it("never leaves out a second person, or an identifier that the running erasure does not cover", async () => {
    const { heed, crm, person, settle, rows } = company();
    person("a@example.org");
    person("b@example.org");
    await heed.subjects.record({ subject: { email: "b@example.org" } });
    crm.fault({ at: "run", operation: "erase", throws: rejected("crm", "erase") });
    const a = await heed.requests.open({ ...open, subject: { email: "a@example.org" } });
    await settle();
    for (const other of ["b@example.org", "new@example.org"]) {
      const subject = { email: ["a@example.org", other] };
      await expect(heed.requests.open({ ...open, subject })).rejects.toMatchObject({ code: "frozen" });
      await expect(heed.requests.open({ ...unverified, subject })).rejects.toMatchObject({
        name: "ConflictError",
      });
    }
    expect(await rows("identifiers")).toHaveLength(2);
    expect(await heed.requests.open({ ...open, subject: { email: "a@example.org" } })).toMatchObject({
      id: a.id,
      changed: false,
    });
  });

  it("opens a second request for what the first did not name", async () => {
    const { heed, billing, person, settle } = company();
    person("a@example.org", { isPaying: true });
    person("z@example.org");
    const first = await heed.paidService.ended({ subject: { email: "a@example.org" } });
    await heed.work.drain();
    const second = await heed.paidService.ended({ subject: { email: ["a@example.org", "z@example.org"] } });
    expect(second.id).not.toBe(first.id);
    for (const record of billing.records.values()) record.isPaying = false;
    await settle();
    expect(billing.find("z@example.org")[0]?.cards).toBe(0);
  });
});

describe("an erasure that begins", () => {
  it("outweighs an earlier opt-out in what is told of the address, and proves what it overtook", async () => {
    const { heed, person, rows } = company();
    const subject = person("anna@example.org");
    await heed.subscriptions.unsubscribe({ subject, topic: "all" });
    expect(await heed.suppression.check({ email: "anna@example.org" })).toMatchObject({
      because: "opted-out",
    });
    await heed.subscriptions.subscribe({ subject, topic: "newsletter", evidence });
    await heed.requests.open({ ...open, subject });
    expect(await heed.suppression.check({ email: "anna@example.org" })).toMatchObject({ because: "erased" });
    const overtaken = (await rows("steps")).filter((step) => step.state === "cancelled");
    expect(overtaken.map((step) => step.operation)).toEqual(["subscribe"]);
    const proven = (await rows("evidence")).filter((row) =>
      (row.entry ?? "").includes(overtaken[0]?.id ?? "none"),
    );
    expect(proven.map((row) => (JSON.parse(row.entry ?? "") as { state: string }).state)).toEqual([
      "cancelled",
    ]);
  });
});

describe("a withdrawal", () => {
  it("is recorded again when the person said yes while the first was under way", async () => {
    const { heed, crm, person, settle } = company();
    const subject = person("anna@example.org");
    const about = { subject, topic: "newsletter" } as const;
    await heed.subscriptions.subscribe({ ...about, evidence });
    await settle();
    const withdraw = { right: "withdrawal", identity: "unverified", subject } as const;
    const first = await heed.requests.open(withdraw);
    expect(await heed.requests.open(withdraw)).toMatchObject({ id: first.id, changed: false });
    await heed.subscriptions.subscribe({ ...about, evidence });
    expect(await heed.requests.open(withdraw)).toMatchObject({ changed: true });
    expect((await heed.subscriptions.state(about)).state).toBe("not-given");
    await settle();
    expect([...(crm.optedIn.get("anna@example.org") ?? [])]).toEqual([]);
  });

  it("needs no identity: giving needed none either (GDPR Art. 7(3))", async () => {
    const { heed, crm, person, settle } = company();
    const subject = person("anna@example.org");
    await heed.subscriptions.subscribe({ subject, topic: "newsletter", evidence });
    await settle();
    const { id } = await heed.requests.open({ right: "withdrawal", identity: "unverified", subject });
    expect((await heed.subscriptions.state({ subject, topic: "newsletter" })).state).toBe("not-given");
    await settle();
    expect((await heed.requests.get(id)).state).toBe("fulfilled");
    expect([...(crm.optedIn.get("anna@example.org") ?? [])]).toEqual([]);
  });

  it("succeeds while an erasure runs", async () => {
    const { heed, person } = company();
    const subject = person("anna@example.org");
    await heed.requests.open({ ...open, subject });
    for (const identity of ["signed-in", "unverified"] as const) {
      const { state } = await heed.requests.open({ right: "withdrawal", identity, subject });
      expect(["executing", "fulfilled"]).toContain(state);
    }
  });
});

describe("somebody who is being erased", () => {
  it("gets no new identifier, and no newly shown one", async () => {
    const { heed, person, rows } = company();
    const subject = person("a@example.org", { isPaying: true });
    await heed.subjects.record({ subject: { email: ["a@example.org", "maybe@example.org"] } });
    await heed.requests.open({ ...open, subject });
    await heed.work.drain();
    for (const other of ["b@example.org", "maybe@example.org"]) {
      const ask = { subject: { email: ["a@example.org", other] }, identityVerified: true };
      await expect(heed.subjects.record(ask)).rejects.toMatchObject({ code: "frozen" });
    }
    expect((await rows("identifiers")).filter((row) => row.verified === 1)).toHaveLength(1);
    expect(await heed.subjects.record({ subject })).toEqual({ changed: false });
  });
});

describe("two requests of one person", () => {
  it("keep heed's own data until both have ended", async () => {
    const { heed, billing, person, settle, rows } = company();
    const subject = person("anna@example.org");
    billing.fault({ at: "run", operation: "forgetTokens", throws: rejected("billing", "forgetTokens") });
    const tokens = await heed.paidService.ended({ subject });
    await settle();
    expect((await heed.requests.get(tokens.id)).state).toBe("awaiting_manual");
    const erasure = await heed.requests.open({ ...open, subject });
    await settle();
    expect((await heed.requests.get(erasure.id)).steps.at(-1)).toMatchObject({
      processor: "heed",
      state: "waiting",
    });
    const [step] = (await heed.requests.get(tokens.id)).steps;
    await heed.steps.acknowledge(step?.id ?? "");
    await settle();
    expect((await heed.requests.get(tokens.id)).state).toBe("fulfilled");
    expect((await heed.requests.get(erasure.id)).state).toBe("partially_fulfilled");
    expect(await rows("subjects")).toEqual([]);
  });

  it("keep it also when the second plan leaves nothing else to do", async () => {
    const tokens = scriptedVendor({ name: "tokens", operations: ["forgetTokens"] });
    const { heed, settle, rows } = createTestHeed({
      policy: small({
        tokens: paper,
        books: { ...paper, keeps: [{ category: "invoices", reason: "law", years: 7 }] },
      }),
      processors: { tokens: tokens.processor },
    });
    const subject = { email: "anna@example.org" };
    tokens.add({ id: "1", emails: ["anna@example.org"] });
    tokens.fault({
      at: "run",
      operation: "forgetTokens",
      throws: rejected("tokens", "forgetTokens"),
      times: 1,
    });
    const first = await heed.paidService.ended({ subject });
    await settle();
    const erasure = await heed.requests.open({ ...open, subject });
    await settle();
    const manual = (await heed.requests.get(erasure.id)).steps.find((each) => each.state === "manual");
    await heed.steps.acknowledge(manual?.id ?? "");
    await settle();
    expect(await rows("subjects")).toHaveLength(1);
    await heed.requests.retry(first.id);
    await settle();
    expect((await heed.requests.get(first.id)).state).toBe("fulfilled");
    expect(await rows("subjects")).toEqual([]);
  });

  it("can be changed when the person's record is gone", async () => {
    const { heed, storage, clock, person, settle } = company();
    const subject = person("anna@example.org");
    const removeSubjects = () =>
      storage.transact({
        lock: [],
        clock,
        read: { subjects: { from: "subjects", where: {} } },
        decide: ({ subjects }) => ({
          writes: subjects.map(({ id }) => ({ remove: "subjects", where: { id } }) as const),
          answer: undefined,
        }),
      });
    const waiting = await heed.requests.open({ ...unverified, subject });
    await removeSubjects();
    await expect(heed.requests.verify({ id: waiting.id, identity: "signed-in" })).rejects.toMatchObject({
      code: "subject-erased",
    });
    expect(await heed.requests.withdraw(waiting.id)).toEqual({ state: "withdrawn" });
    await settle();
  });

  it("release what waited behind a request that is taken back", async () => {
    const { heed, billing, person, settle } = company();
    const subject = person("anna@example.org", { isPaying: true });
    const tokens = await heed.paidService.ended({ subject });
    await heed.work.drain();
    const erasure = await heed.requests.open({ ...open, subject });
    await heed.work.drain();
    expect(await heed.requests.withdraw(tokens.id)).toEqual({ state: "withdrawn" });
    for (const record of billing.records.values()) record.isPaying = false;
    await settle();
    expect((await heed.requests.get(erasure.id)).state).toBe("partially_fulfilled");
  });
});

describe("heed's own data", () => {
  it("is destroyed also past the deadline, however long a reader is in the way", async () => {
    let busy = 0;
    const inner = memory();
    const storage = { ...inner, scrub: async () => (busy -= 1) < 0 };
    const { heed, clock, settle, rows } = createTestHeed({ storage, policy: small({ paper }) });
    const { id } = await heed.requests.open({ ...open, subject: { email: "anna@example.org" } });
    await heed.work.drain();
    await clock.advance(40 * 86_400_000);
    const [step] = (await heed.requests.get(id)).steps;
    await heed.steps.acknowledge(step?.id ?? "");
    busy = 3;
    await settle();
    expect((await heed.requests.get(id)).state).toBe("fulfilled");
    expect(await rows("dataKeys")).toEqual([]);
  });

  it("stays while a step waits for a human, also when a cancelled preference is what ends last", async () => {
    const odd = scriptedVendor({ name: "odd", topics: ["newsletter"], operations: ["subscribe"] });
    const clock = virtualClock(start);
    const { heed, rows } = createTestHeed({
      clock,
      policy: definePolicy({
        controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
        recipients: { odd: paper },
        purposes: { news: { basis: "consent" } },
        topics: { newsletter: { class: "marketing", purpose: "news", via: ["odd"] } },
      }),
      processors: { odd: odd.processor },
    });
    const subject = { email: "anna@example.org" };
    await heed.subscriptions.subscribe({ subject, topic: "newsletter", evidence });
    odd.fault({ at: "run", operation: "subscribe", hangs: true });
    const work = heed.work.drain();
    await clock.advance(1000);
    const { id } = await heed.requests.open({ ...open, subject });
    await clock.advance(120_000);
    await work;
    await heed.work.drain();
    const request = await heed.requests.get(id);
    expect(request.steps.map((step) => step.state)).toEqual(["manual", "waiting"]);
    expect(await rows("subjects")).toHaveLength(1);
    await heed.steps.acknowledge(request.steps[0]?.id ?? "");
    await heed.work.drain();
    expect((await heed.requests.get(id)).state).toBe("fulfilled");
  });
});

describe("taking a request back", () => {
  it("is refused once a step ran, also after it is tried again", async () => {
    const crm = scriptedVendor({ name: "crm", operations: ["erase"] });
    const { heed, settle } = createTestHeed({
      policy: small({ crm: paper }),
      processors: { crm: crm.processor },
    });
    crm.add({ id: "1", emails: ["anna@example.org"] });
    crm.fault({ at: "verify", operation: "erase", answers: { seen: "not-as-asked" }, times: 1000 });
    const { id } = await heed.requests.open({ ...open, subject: { email: "anna@example.org" } });
    await settle();
    expect(crm.records.size).toBe(0);
    await heed.requests.retry(id);
    await expect(heed.requests.withdraw(id)).rejects.toMatchObject({ code: "too-late" });
  });

  it("is refused once a human did one of its steps", async () => {
    const { heed } = createTestHeed({ policy: small({ paper, other: paper }) });
    const { id } = await heed.requests.open({ ...open, subject: { email: "anna@example.org" } });
    const [step] = (await heed.requests.get(id)).steps;
    await heed.steps.acknowledge(step?.id ?? "");
    await expect(heed.requests.withdraw(id)).rejects.toMatchObject({ code: "too-late" });
  });

  it("is not hindered by what a rule keeps", async () => {
    const keeps = [{ category: "invoices", reason: "law", years: 7 }];
    const { heed } = createTestHeed({ policy: small({ books: { ...paper, keeps }, paper }) });
    const { id } = await heed.requests.open({ ...open, subject: { email: "anna@example.org" } });
    expect((await heed.requests.get(id)).steps[0]?.state).toBe("retained");
    expect(await heed.requests.withdraw(id)).toEqual({ state: "withdrawn" });
  });
});

describe("people who turn out to be one", () => {
  it("take the failed steps of their open requests along", async () => {
    const { heed, billing, person, settle, rows } = company();
    person("b@example.org");
    await heed.subjects.record({ subject: { accountId: "a0" } });
    billing.fault({ at: "run", operation: "forgetTokens", throws: rejected("billing", "forgetTokens") });
    const { id } = await heed.paidService.ended({ subject: { email: "b@example.org" } });
    await settle();
    await heed.subjects.record({
      subject: { accountId: "a0", email: "b@example.org" },
      identityVerified: true,
    });
    const [kept] = await rows("subjects");
    expect((await rows("steps")).map((step) => step.subjectId)).toEqual([kept?.id]);
    await heed.requests.retry(id);
    await settle();
    expect((await heed.requests.get(id)).state).toBe("fulfilled");
    expect(billing.find("b@example.org")[0]?.cards).toBe(0);
  });

  it("void what a worker has in hand, and do it again under the key that is left", async () => {
    const clock = virtualClock(start);
    const { heed, crm, person, rows } = company({ clock });
    person("b@example.org");
    crm.optedIn.set("b@example.org", new Set(["newsletter"]));
    await heed.subjects.record({ subject: { accountId: "a0" } });
    crm.fault({ at: "resolve", operation: "unsubscribe", hangs: true });
    crm.fault({ at: "run", operation: "unsubscribe", hangs: true });
    await heed.subscriptions.unsubscribe({ subject: { email: "b@example.org" }, topic: "newsletter" });
    const work = heed.work.drain();
    await clock.advance(1000);
    expect((await rows("steps"))[0]?.state).toBe("running");
    await heed.subjects.record({
      subject: { accountId: "a0", email: "b@example.org" },
      identityVerified: true,
    });
    expect((await rows("steps"))[0]).toMatchObject({ state: "due", leaseUntil: null });
    await clock.advance(600_000);
    await work;
    const drained = heed.work.drain();
    await clock.advance(600_000);
    await drained;
    expect((await rows("steps"))[0]).toMatchObject({ state: "verified" });
    expect([...(crm.optedIn.get("b@example.org") ?? [])]).toEqual([]);
  });

  it("have one step at a processor at a time", async () => {
    const { heed, crm, person, settle, rows } = company();
    for (const email of ["a@example.org", "b@example.org"]) {
      person(email);
      await heed.subscriptions.unsubscribe({ subject: { email }, topic: "newsletter" });
    }
    const inHand = async () => (await rows("steps")).filter((step) => step.state === "due").length;
    expect(await inHand()).toBe(2);
    await heed.subjects.record({
      subject: { email: ["a@example.org", "b@example.org"] },
      identityVerified: true,
    });
    expect(await inHand()).toBe(1);
    await settle();
    expect((await rows("steps")).map((step) => step.state)).toEqual(["verified", "verified"]);
    expect(crm.optedOut.get("b@example.org")).toContain("newsletter");
  });
});

describe("opt-ins that waited for an erasure", () => {
  const shared = () => ({
    storage: memory(),
    keys: ephemeralKeys(),
    clock: virtualClock(start, { autoAdvance: true }),
  });

  it("are applied by the heed they were given to", async () => {
    const together = shared();
    const one = company({ ...together, namespace: "one" });
    const two = company({ ...together, namespace: "two" });
    const subject = one.person("anna@example.org");
    await one.heed.requests.open({ ...open, subject });
    await one.clock.advance(1000);
    await one.heed.subscriptions.subscribe({ subject, topic: "newsletter", evidence });
    const others: Promise<unknown>[] = [];
    one.heed.on("request.changed", ({ state }) => {
      if (state.includes("fulfilled")) others.push(two.heed.work.drain());
    });
    await one.settle();
    expect(others).toHaveLength(1);
    await Promise.all(others);
    const ask = { subject, topic: "newsletter" } as const;
    expect((await two.heed.subscriptions.state(ask)).state).toBe("never-asked");
    expect((await one.heed.subscriptions.state(ask)).state).toBe("given");
  });

  it("do not wait for one that cannot be applied", async () => {
    const { heed, person, settle, rows, clock } = company();
    const subject = person("a@example.org");
    const failures: unknown[] = [];
    heed.on("work.failed", ({ error }) => failures.push(error));
    await heed.subjects.record({ subject: { accountId: "b" } });
    await heed.subjects.record({ subject: { phone: "+46701234567" } });
    await heed.requests.open({ ...open, subject });
    await clock.advance(1000);
    const several = { email: "a@example.org", accountId: "b", phone: "+46701234567" };
    await heed.subscriptions.subscribe({ subject: several, topic: "newsletter", evidence });
    await heed.subscriptions.subscribe({ subject, topic: "offers", evidence });
    await settle();
    expect((await heed.subscriptions.state({ subject, topic: "offers" })).state).toBe("given");
    expect(await rows("parked")).toHaveLength(1);
    expect(failures[0]).toMatchObject({ code: "two-subjects" });
  });

  it("give way to a withdrawal that came after them, whatever was withdrawn before", async () => {
    const { heed, person, settle, clock, crm } = company();
    const subject = person("anna@example.org");
    const withdraw = () => heed.requests.open({ right: "withdrawal", identity: "unverified", subject });
    await heed.subscriptions.subscribe({ subject, topic: "newsletter", evidence });
    await clock.advance(1000);
    const first = await withdraw();
    await heed.requests.open({ ...open, subject });
    await clock.advance(1000);
    expect(await heed.subscriptions.subscribe({ subject, topic: "newsletter", evidence })).toMatchObject({
      parked: true,
    });
    await clock.advance(1000);
    const second = await withdraw();
    expect([second.changed, second.id === first.id]).toEqual([true, false]);
    await settle();
    const permit = await heed.permits.take({
      topic: "newsletter",
      email: "anna@example.org",
      messageKey: "after",
    });
    expect(permit).toMatchObject({ allowed: false, because: "suppressed" });
    expect([...(crm.optedIn.get("anna@example.org") ?? [])]).toEqual([]);
  });

  it("wait for the next erasure when one has begun", async () => {
    const { heed, person, rows, settle, billing } = company();
    const subject = person("anna@example.org");
    const first = await heed.requests.open({ ...open, subject });
    await heed.subscriptions.subscribe({ subject, topic: "newsletter", evidence });
    const next: Promise<{ id: string }>[] = [];
    heed.on("request.changed", ({ requestId, state }) => {
      if (requestId !== first.id || !state.includes("fulfilled")) return;
      person("anna@example.org", { isPaying: true });
      next.push(heed.requests.open({ ...open, subject }));
    });
    await heed.work.drain();
    const second = await next[0];
    expect((await rows("parked")).map((row) => row.requestId)).toEqual([second?.id]);
    for (const record of billing.records.values()) record.isPaying = false;
    await settle();
    expect(await rows("parked")).toEqual([]);
    // The second erasure was asked for after the opt-in.
    expect((await heed.subscriptions.state({ subject, topic: "newsletter" })).state).toBe("never-asked");
  });
});

describe("a request that comes to nothing", () => {
  const asked = { right: "erasure", identity: "signed-in" } as const;

  it("is denied with a reason, before anything was carried out, and kept as evidence", async () => {
    const { heed, crm, person, settle } = company();
    const subject = person("anna@example.org");
    const { id } = await heed.requests.open({ ...asked, subject });
    await expect(heed.requests.deny({ id, because: "Anna is rude" })).rejects.toMatchObject({
      name: "InvalidInputError",
    });
    expect(await heed.requests.deny({ id, because: "manifestly-unfounded" })).toEqual({ state: "denied" });
    await settle();
    expect(crm.find("anna@example.org")).toHaveLength(1);
    expect(await heed.requests.get(id)).toMatchObject({ state: "denied", because: "manifestly-unfounded" });
    const closed = (await heed.requests.evidence(id)).at(-1)?.entry;
    expect(closed).toMatchObject({
      kind: "request.closed",
      state: "denied",
      because: "manifestly-unfounded",
    });
    expect((await heed.subjects.record({ subject: { ...subject, accountId: "1" } })).changed).toBe(true);
  });

  it("is not denied once something was carried out, and a withdrawal never is", async () => {
    const { heed, person } = company();
    const subject = person("anna@example.org");
    const erasure = await heed.requests.open({ ...asked, subject });
    await heed.work.drain();
    await expect(heed.requests.deny({ id: erasure.id, because: "too-late" })).rejects.toMatchObject({
      name: "ConflictError",
    });
    const other = person("bo@example.org");
    const { id } = await heed.requests.open({
      right: "withdrawal",
      subject: other,
      purpose: "news",
      identity: "signed-in",
    });
    await expect(heed.requests.deny({ id, because: "no" })).rejects.toMatchObject({ code: "too-late" });
  });

  it("expires when nobody has shown who was asking until the deadline", async () => {
    const { heed, crm, person, clock } = company();
    const subject = person("anna@example.org");
    const { id } = await heed.requests.open({ right: "erasure", identity: "unverified", subject });
    await clock.advance(20 * 86_400_000);
    await heed.work.drain();
    expect((await heed.requests.get(id)).state).toBe("awaiting_verification");
    await clock.advance(20 * 86_400_000);
    await heed.work.drain();
    expect(await heed.requests.get(id)).toMatchObject({ state: "expired", because: "not-verified" });
    await expect(heed.requests.verify({ id, identity: "signed-in" })).rejects.toMatchObject({
      name: "ConflictError",
    });
    expect(crm.find("anna@example.org")).toHaveLength(1);
  });
});
