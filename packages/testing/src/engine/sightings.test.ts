import { definePolicy, memory } from "@heed/core";
import type { Sighting } from "@heed/core/contract";
import type { HeedStorage } from "@heed/core/storage";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createTestHeed } from "../create-test-heed.ts";
import { scriptedVendor } from "../scripted-vendor.ts";
import { virtualClock } from "../virtual-clock.ts";
import { noticingVendor, signed } from "./noticing-vendor.ts";

const topics = ["newsletter", "offers"] as const;
const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  recipients: {
    crm: { role: "processor", country: "US", transferTool: "scc" },
    mail: { role: "processor", country: "SE" },
  },
  purposes: { news: { basis: "consent" } },
  topics: {
    newsletter: { class: "marketing", purpose: "news", via: ["crm", "mail"] },
    offers: { class: "marketing", purpose: "news", via: ["crm"] },
  },
});
const evidence = { noticeVersion: "2026-01" } as const;
const email = "anna.canary@example.org";
const anna = { email };

function company(storage: HeedStorage = memory()) {
  const clock = virtualClock("2026-01-15T12:00:00.000Z", { autoAdvance: true });
  const crm = noticingVendor(clock, topics);
  const mail = scriptedVendor({
    name: "mail",
    account: "account-2",
    topics,
    operations: ["subscribe", "unsubscribe"],
  });
  const test = createTestHeed({
    policy,
    storage,
    clock,
    processors: { crm: crm.processor, mail: mail.processor },
  });
  crm.add("c151", email);
  const receive = (sightings: readonly Sighting[]) => test.heed.webhooks.receive("crm", signed(sightings));
  const stateOf = async (topic: (typeof topics)[number]) =>
    (await test.heed.subscriptions.state({ subject: anna, topic })).state;
  return { ...test, crm, mail, receive, stateOf };
}

describe("what a vendor's webhook tells", () => {
  it("enters the ledger when the person said no there, and reaches the other processors", async () => {
    const { heed, crm, mail, receive, settle, stateOf, clock } = company();
    await heed.subscriptions.subscribe({ subject: anna, topic: "newsletter", evidence });
    await settle();
    await clock.advance(60_000);
    crm.press("c151", "newsletter", "opted-out");
    expect(await receive(crm.notices.slice(-1))).toEqual({ sightings: 1, fresh: 1 });
    await settle();
    expect([await stateOf("newsletter"), await stateOf("offers")]).toEqual(["not-given", "never-asked"]);
    expect([...(mail.optedOut.get(email) ?? [])]).toEqual(["newsletter"]);
  });

  it("is heard of somebody of whom heed had never heard", async () => {
    const { crm, mail, receive, settle, stateOf } = company();
    crm.press("c151", "newsletter", "opted-out");
    await receive(crm.notices);
    await settle();
    expect(await stateOf("newsletter")).toBe("not-given");
    expect([...(mail.optedOut.get(email) ?? [])]).toEqual(["newsletter"]);
  });

  it("changes nothing when it is heed's own write that comes back, however late", async () => {
    const { heed, crm, mail, receive, settle, stateOf, clock } = company();
    await heed.subscriptions.subscribe({ subject: anna, topic: "newsletter", evidence });
    await settle();
    await heed.subscriptions.unsubscribe({ subject: anna, topic: "newsletter" });
    await settle();
    const echo = crm.notices.slice(-1);
    expect(echo).toMatchObject([{ saw: "opted-out" }]);
    await clock.advance(60_000);
    await heed.subscriptions.subscribe({ subject: anna, topic: "newsletter", evidence });
    await settle();
    const told = mail.calls.length;
    await receive(echo);
    await settle();
    await clock.advance(86_400_000);
    await receive(crm.notices);
    await settle();
    expect(await stateOf("newsletter")).toBe("given");
    expect(crm.has("c151", "newsletter")).toBe("opted-in");
    expect(mail.calls).toHaveLength(told);
  });

  it("is no consent when it is an opt-in, and is taken back where the person had said no", async () => {
    const { heed, crm, receive, settle, stateOf } = company();
    crm.press("c151", "offers", "opted-in");
    await heed.subscriptions.unsubscribe({ subject: anna, topic: "newsletter" });
    await settle();
    crm.press("c151", "newsletter", "opted-in");
    await receive(crm.notices);
    await settle();
    expect([await stateOf("newsletter"), await stateOf("offers")]).toEqual(["not-given", "never-asked"]);
    expect(crm.has("c151", "newsletter")).toBe("opted-out");
    expect(crm.has("c151", "offers")).toBe("opted-in");
  });

  it("is looked at once, however often it is told", async () => {
    const { crm, receive, settle, rows } = company();
    crm.press("c151", "newsletter", "opted-out");
    crm.press("c151", "offers", "opted-out");
    expect(await receive([...crm.notices, ...crm.notices])).toEqual({ sightings: 4, fresh: 2 });
    expect(await receive(crm.notices)).toEqual({ sightings: 2, fresh: 0 });
    await settle();
    expect(crm.looks).toEqual([["c151"]]);
    expect(await rows("events")).toHaveLength(2);
    expect(await receive(crm.notices)).toMatchObject({ fresh: 0 });
    await settle();
    expect(crm.looks).toHaveLength(1);
  });

  it("is recorded once where the process dies between the ledger and the end of the step", async () => {
    const inner = memory();
    let isDead = false;
    const storage: HeedStorage = {
      ...inner,
      transact: (transaction) =>
        inner.transact({
          ...transaction,
          decide: (found, now) => {
            const decision = transaction.decide(found, now);
            const ends = decision.writes.some(
              (write) => "update" in write && write.update === "steps" && write.set.state === "acknowledged",
            );
            if (isDead && ends) throw new Error("dead");
            return decision;
          },
        }),
    };
    const { heed, crm, receive, settle, rows, stateOf } = company(storage);
    crm.press("c151", "newsletter", "opted-out");
    await receive(crm.notices);
    isDead = true;
    await expect(heed.work.drain()).rejects.toThrow("dead");
    isDead = false;
    await settle();
    expect(crm.looks.length).toBeGreaterThan(1);
    expect(await rows("events")).toHaveLength(1);
    expect(await stateOf("newsletter")).toBe("not-given");
  });

  it("waits durably while the vendor is down", async () => {
    const { crm, receive, settle, heed, stateOf } = company();
    crm.press("c151", "newsletter", "opted-out");
    crm.outage(true);
    await receive(crm.notices);
    await heed.work.drain();
    expect(await stateOf("newsletter")).toBe("never-asked");
    crm.outage(false);
    await settle();
    expect(await stateOf("newsletter")).toBe("not-given");
  });

  it("goes to a human after ten days, who has it looked at again", async () => {
    const { crm, receive, settle, heed, rows, stateOf } = company();
    crm.press("c151", "newsletter", "opted-out");
    crm.outage(true);
    await receive(crm.notices);
    await settle(12 * 86_400_000);
    const [parked] = await heed.steps.parked();
    expect(parked).toMatchObject({ processor: "crm", because: "deadline-passed" });
    expect(parked?.instruction).toMatch(/retry/);
    crm.outage(false);
    await heed.steps.retry(parked?.id ?? "");
    await settle();
    expect(await stateOf("newsletter")).toBe("not-given");
    const looked = (await rows("steps")).find(({ operation }) => operation === "observe");
    expect((await rows("dataKeys")).map(({ owner }) => owner)).not.toContain(looked?.subjectId);
  });

  it("is forgotten when a human says that it was dealt with", async () => {
    const { crm, receive, settle, heed, rows } = company();
    crm.press("c151", "newsletter", "opted-out");
    crm.outage(true);
    await receive(crm.notices);
    await settle(12 * 86_400_000);
    const [parked] = await heed.steps.parked();
    await heed.steps.acknowledge(parked?.id ?? "");
    expect(await rows("dataKeys")).toEqual([]);
  });

  it.each([
    { status: "done", affected: 0 },
    { status: "done", choices: [] },
  ])("is looked at again where the look answered nothing that can be read: %j", async (answer) => {
    const { crm, receive, settle, heed, stateOf } = company();
    const told: unknown[] = [];
    heed.on("work.failed", ({ error }) => told.push(error));
    const operation = crm.processor.operations.observe as { run: unknown };
    const { run } = operation;
    operation.run = async (calls: readonly { readonly id: string }[]) =>
      new Map(calls.map(({ id }) => [id, answer]));
    crm.press("c151", "newsletter", "opted-out");
    await receive(crm.notices);
    await heed.work.drain();
    expect(told).toEqual([expect.any(TypeError)]);
    operation.run = run;
    await settle();
    expect(await stateOf("newsletter")).toBe("not-given");
  });

  it("is nothing where the vendor has the person no longer", async () => {
    const { crm, receive, settle, rows } = company();
    crm.press("c151", "newsletter", "opted-out");
    crm.contacts.clear();
    await receive(crm.notices);
    await settle();
    for (const table of ["events", "subjects", "identifiers", "dataKeys"] as const)
      expect(await rows(table)).toEqual([]);
    expect((await rows("steps")).map(({ state }) => state)).toEqual(["acknowledged"]);
  });

  it("leaves nothing of whom it was about, neither while it waits nor after", async () => {
    const { crm, receive, settle, rows } = company();
    crm.press("c151", "newsletter", "opted-out");
    await receive(crm.notices);
    const shown = async () =>
      JSON.stringify([await rows("steps"), await rows("sightings"), await rows("evidence")]);
    for (const canary of ["c151", "canary"]) expect(await shown()).not.toContain(canary);
    await settle();
    for (const canary of ["c151", "canary"]) expect(await shown()).not.toContain(canary);
    const looked = (await rows("steps")).find(({ operation }) => operation === "observe");
    expect(looked).toMatchObject({ state: "acknowledged", sealed: null });
    const owners = (await rows("dataKeys")).map(({ owner }) => owner);
    expect(owners).not.toContain(looked?.subjectId);
  });

  it("that a paid service has ended has the stored tokens of that very account forgotten", async () => {
    const { heed, crm, receive, settle, rows } = company();
    await heed.subjects.record({ subject: anna });
    crm.add("c7", "bert@example.org");
    const ended = (id: string): Sighting => ({
      id: `ended-${id}`,
      claimedAt: "2026-01-15T11:00:00Z",
      subject: [{ kind: "contactId", value: id }],
      saw: "paid-service-ended",
    });
    await receive([ended("c151")]);
    await receive([ended("c151")]);
    await settle();
    expect([...crm.forgotten]).toEqual(["c151"]);
    expect(await rows("requests")).toMatchObject([{ right: "forget-tokens", state: "fulfilled" }]);
    // It is known whose it most likely is, so that an erasure of anna takes it along.
    expect(await rows("subjects")).toHaveLength(1);
    expect((await rows("identifiers")).map(({ kind, verified }) => [kind, verified])).toEqual([
      ["email", 0],
      ["contactId", 1],
    ]);
  });

  it("is refused when the vendor has not signed it, and nothing is stored", async () => {
    const { heed, crm, rows } = company();
    crm.press("c151", "newsletter", "opted-out");
    await expect(heed.webhooks.receive("crm", signed(crm.notices, "forged"))).rejects.toMatchObject({
      name: "TamperedEvidenceError",
    });
    expect([await rows("sightings"), await rows("steps")]).toEqual([[], []]);
  });

  it("is refused for a recipient that takes none, and one that there is not", async () => {
    const { heed } = company();
    await expect(heed.webhooks.receive("mail", signed([]))).rejects.toMatchObject({
      name: "UnsupportedOperationError",
    });
    await expect(heed.webhooks.receive("crn", signed([]))).rejects.toThrow(/crm/);
  });

  it(
    "ends as the latest choice says, for any history of choices, outages and late echoes",
    { timeout: 500_000 },
    async () => {
      const act = fc.oneof(
        { weight: 3, arbitrary: fc.record({ does: fc.constantFrom("in", "out"), topic: fc.nat(1) }) },
        {
          weight: 3,
          arbitrary: fc.record({ does: fc.constantFrom("press-out", "press-in"), topic: fc.nat(1) }),
        },
        { weight: 3, arbitrary: fc.record({ does: fc.constant("work"), topic: fc.constant(0) }) },
        { weight: 2, arbitrary: fc.record({ does: fc.constant("tell"), topic: fc.nat(9) }) },
        { weight: 1, arbitrary: fc.record({ does: fc.constantFrom("down", "up"), topic: fc.constant(0) }) },
      );
      await fc.assert(
        fc.asyncProperty(fc.array(act, { maxLength: 14 }), async (acts) => {
          const { heed, crm, mail, receive, settle, stateOf, clock } = company();
          /** The person's last word on each topic. */
          const last = new Map<string, "given" | "not-given">();
          for (const { does, topic: number } of acts) {
            await clock.advance(1_000);
            const topic = topics[number % 2] ?? "offers";
            if (does === "in") {
              await heed.subscriptions.subscribe({ subject: anna, topic, evidence });
              last.set(topic, "given");
            } else if (does === "out") {
              await heed.subscriptions.unsubscribe({ subject: anna, topic });
              last.set(topic, "not-given");
            } else if (does === "press-out") {
              if (crm.press("c151", topic, "opted-out")) last.set(topic, "not-given");
            } else if (does === "press-in") crm.press("c151", topic, "opted-in");
            else if (does === "tell") await receive(crm.notices.filter((_, at) => at % (number + 1) === 0));
            else if (does === "work") await heed.work.drain();
            else crm.outage(does === "down");
          }
          crm.outage(false);
          for (let told = -1; told < crm.notices.length;) {
            told = crm.notices.length;
            await settle();
            await receive(crm.notices.toReversed());
            await settle();
          }
          for (const topic of topics) {
            const wished = last.get(topic);
            expect([topic, await stateOf(topic)]).toEqual([topic, wished ?? "never-asked"]);
            if (wished === undefined) continue;
            expect([topic, crm.has("c151", topic)]).toEqual([
              topic,
              wished === "given" ? "opted-in" : "opted-out",
            ]);
            if (topic !== "newsletter") continue;
            expect(mail.optedOut.get(email)?.has(topic) ?? false).toBe(wished === "not-given");
          }
        }),
        { numRuns: 200 },
      );
    },
  );
});
