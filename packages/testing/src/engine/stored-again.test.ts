import { definePolicy } from "@heed/core";
import { describe, expect, it } from "vitest";
import { createTestHeed } from "../create-test-heed.ts";
import { virtualClock } from "../virtual-clock.ts";
import { noticingVendor, signed } from "./noticing-vendor.ts";

const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  recipients: {
    crm: { role: "processor", country: "US", transferTool: "scc" },
    shop: { role: "processor", country: "SE" },
  },
  purposes: { news: { basis: "consent" } },
  topics: { newsletter: { class: "marketing", purpose: "news", via: ["crm"] } },
});
const email = "anna.canary@example.org";
const subject = { email };
const evidence = { noticeVersion: "2026-01" };
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** Anna is at the vendor under two addresses. */
function company(habits: Parameters<typeof noticingVendor>[2] = {}) {
  const clock = virtualClock("2026-01-15T12:00:00.000Z", { autoAdvance: true });
  const crm = noticingVendor(clock, ["newsletter"], habits);
  const shop = noticingVendor(clock, []);
  const test = createTestHeed({
    policy,
    clock,
    processors: { crm: crm.processor, shop: shop.processor },
  });
  crm.add("c151", email, "anna.b@example.net");
  const open = {
    erasure: () => test.heed.requests.open({ right: "erasure", subject, identity: "signed-in" }),
    objection: () =>
      test.heed.requests.open({ right: "objection", recipient: "crm", subject, identity: "signed-in" }),
  };
  return {
    ...test,
    crm,
    shop,
    open,
    /** Until it is done, and some hours more. */
    async leave(right: keyof typeof open) {
      const { id } = await open[right]();
      await test.settle();
      expect((await test.heed.requests.get(id)).state).toBe("fulfilled");
      await clock.advance(5 * hourMs);
    },
    /** The vendor tells all that it has to tell, again and again. */
    async tell() {
      await test.heed.webhooks.receive("crm", signed(crm.notices));
      await test.settle();
    },
    told: async () => (await test.heed.steps.parked()).map(({ because }) => because),
  };
}

describe("a record that is made anew", () => {
  it.each([
    ["erasure", /erased.*"crm".*requests\.open\(\{ right: "erasure"/],
    ["objection", /out of "crm".*requests\.open\(\{ right: "objection", recipient: "crm"/],
  ] as const)("of somebody after their %s is told to a human, and left to them", async (right, says) => {
    const { crm, leave, tell, heed, rows, search } = company();
    await leave(right);
    const before = (await rows("requests")).length;
    crm.make("c800", email);
    await tell();
    const parked = await heed.steps.parked();
    expect(parked).toMatchObject([{ processor: "crm", operation: "observe", because: "stored-again" }]);
    expect(parked[0]?.instruction).toMatch(says);
    expect([...crm.contacts.keys()]).toEqual(["c800"]);
    expect(await rows("requests")).toHaveLength(before);
    for (const canary of ["canary", "c800"]) {
      expect(JSON.stringify([parked, await rows("evidence")])).not.toContain(canary);
      expect(await search(canary)).toEqual([]);
    }
  });

  it("is known by any address that the person had there", async () => {
    const { crm, heed, tell, told, clock } = company();
    const both = { email: [email, "anna.b@example.net"] };
    await heed.requests.open({
      right: "objection",
      recipient: "crm",
      subject: both,
      identity: "signed-in",
    });
    await heed.work.drain();
    await clock.advance(hourMs);
    crm.make("c800", "ben@example.org", "anna.b@example.net");
    await tell();
    expect(await told()).toEqual(["stored-again"]);
  });

  it("is told also where the record is somebody else's besides, whom heed has known for longer", async () => {
    const { crm, heed, leave, tell, told, clock } = company();
    await heed.subjects.record({ subject: { email: "ben@example.org" } });
    await clock.advance(hourMs);
    await leave("erasure");
    crm.make("c800", "ben@example.org", email);
    await tell();
    expect(await told()).toEqual(["stored-again"]);
  });

  it("is known by the vendor's own id too, under whatever address it comes back", async () => {
    const { crm, heed, leave, tell, told } = company();
    await heed.subjects.record({ subject: { email, contactId: "c151" }, identityVerified: true });
    await leave("objection");
    crm.make("c151", "anna.new@example.org");
    await tell();
    expect(await told()).toEqual(["stored-again"]);
  });

  it("is told where it was there before, and was brought back", async () => {
    const { crm, leave, tell, told, clock } = company();
    crm.make("c152", "anna.c@example.net");
    await clock.advance(hourMs);
    await leave("objection");
    crm.make("c152", email);
    await tell();
    expect(await told()).toEqual(["stored-again"]);
  });

  it("is told where the person opts out just then: an opt-out of somebody taken out makes no record", async () => {
    const { crm, heed, leave, tell, told, clock, settle } = company({ optOutMakesContact: true });
    await heed.subjects.record({ subject });
    await leave("objection");
    crm.make("c800", email);
    await clock.advance(30_000);
    await heed.subscriptions.unsubscribe({ subject, topic: "newsletter" });
    await settle();
    expect(crm.has("c800", "newsletter")).toBe("opted-out");
    await tell();
    expect(await told()).toEqual(["stored-again"]);
  });

  it("is told while the person is on their way out of another recipient", async () => {
    const { crm, shop, heed, leave, told, clock } = company();
    await leave("objection");
    shop.outage(true);
    await heed.requests.open({ right: "objection", recipient: "shop", subject, identity: "signed-in" });
    await clock.advance(minuteMs);
    crm.make("c800", email);
    await heed.webhooks.receive("crm", signed(crm.notices));
    await heed.work.drain();
    expect(await told()).toEqual(["stored-again"]);
  });

  it("is told once, however often the vendor tells it", async () => {
    const { crm, leave, tell, told } = company();
    await leave("objection");
    crm.make("c800", email);
    await tell();
    await tell();
    expect(await told()).toEqual(["stored-again"]);
  });

  it("ends when a human has had it removed, and is told again as long as it is there", async () => {
    const { crm, leave, tell, told, heed, rows, settle } = company();
    await leave("objection");
    crm.make("c800", email);
    await tell();
    const [parked] = await heed.steps.parked();
    await heed.steps.retry(parked?.id ?? "");
    await settle();
    expect(await told()).toEqual(["stored-again"]);
    await leave("objection");
    expect([...crm.contacts.keys()]).toEqual([]);
    await heed.steps.retry(parked?.id ?? "");
    await settle();
    expect(await told()).toEqual([]);
    const looked = (await rows("steps")).find(({ id }) => id === parked?.id);
    expect(looked).toMatchObject({ state: "acknowledged", sealed: null });
    expect((await rows("dataKeys")).map(({ owner }) => owner)).not.toContain(looked?.subjectId);
  });

  it("ends when a human says that the person gave it, and nothing of whose it was is left", async () => {
    const { crm, leave, tell, heed, rows } = company();
    await leave("erasure");
    crm.make("c800", email);
    await tell();
    const [parked] = await heed.steps.parked();
    await heed.steps.acknowledge(parked?.id ?? "");
    expect(await heed.steps.parked()).toEqual([]);
    expect(await rows("dataKeys")).toEqual([]);
    expect([...crm.contacts.keys()]).toEqual(["c800"]);
  });
});

describe("a record that is made is nothing to be told", () => {
  it("of somebody of whom heed knows nothing, and leaves nothing of them", async () => {
    const { crm, tell, told, rows } = company();
    crm.make("c800", "ben.canary@example.org");
    await tell();
    expect(await told()).toEqual([]);
    for (const table of ["subjects", "identifiers", "dataKeys", "events"] as const)
      expect(await rows(table)).toEqual([]);
  });

  it("of somebody who only said no to marketing", async () => {
    const { crm, heed, tell, told, settle } = company();
    await heed.subscriptions.unsubscribe({ subject, topic: "all" });
    await settle();
    crm.make("c800", email);
    await tell();
    expect(await told()).toEqual([]);
  });

  it("at another recipient than the one that the person objected to", async () => {
    const { crm, heed, tell, told, settle } = company();
    await heed.requests.open({ right: "objection", recipient: "shop", subject, identity: "signed-in" });
    await settle();
    expect((await heed.suppression.check({ email, recipient: "shop" })).suppressed).toBe(true);
    crm.make("c800", email);
    await tell();
    expect(await told()).toEqual([]);
  });

  it.each([
    ["opted in again", "erasure"],
    ["is known again", "erasure"],
  ] as const)("of somebody who %s since their %s", async (how, right) => {
    const { crm, heed, leave, tell, told, settle } = company();
    await leave(right);
    if (how === "opted in again")
      await heed.subscriptions.subscribe({ subject, topic: "newsletter", evidence });
    else await heed.subjects.record({ subject });
    await settle();
    crm.make("c800", email);
    await tell();
    expect(await told()).toEqual([]);
    expect([...crm.contacts.keys()]).toEqual(["c800"]);
  });

  it("of somebody who took their objection back in time", async () => {
    const { crm, heed, open, tell, told, settle } = company();
    const { id } = await open.objection();
    await heed.requests.withdraw(id);
    await settle();
    crm.make("c800", email);
    await tell();
    expect(await told()).toEqual([]);
  });

  it("when it was heed that made it: by an opt-out, at a vendor that keeps them in its records", async () => {
    const { crm, heed, leave, tell, told, settle, clock } = company({ optOutMakesContact: true });
    await leave("erasure");
    await heed.subscriptions.unsubscribe({ subject, topic: "newsletter" });
    await settle();
    expect(crm.contacts.size).toBe(1);
    await clock.advance(hourMs);
    await tell();
    expect(await told()).toEqual([]);
    // What somebody else makes of them afterwards is not heed's.
    crm.make("c800", email);
    await tell();
    expect(await told()).toEqual(["stored-again"]);
  });

  it("when it was made before they left, and is told late", async () => {
    const { crm, heed, leave, tell, told, clock } = company();
    crm.make("c152", "anna.c@example.net");
    await clock.advance(hourMs);
    await leave("objection");
    // It is not the one that was removed, and the vendor has the address there since.
    crm.contacts.set("c152", { emails: [email], seenFromMs: 0 });
    await tell();
    expect(await told()).toEqual([]);
    expect(await heed.suppression.check({ email, recipient: "crm" })).toMatchObject({ suppressed: true });
  });
});

describe("a record that was made before its person left", () => {
  it("is nothing, also where a human has it looked at again", async () => {
    const { crm, heed, leave, told, clock, settle } = company();
    crm.make("c152", "anna.c@example.net");
    await clock.advance(hourMs);
    await leave("objection");
    crm.contacts.set("c152", { emails: [email], seenFromMs: 0 });
    crm.outage(true);
    await heed.webhooks.receive("crm", signed(crm.notices));
    await settle();
    expect(await told()).toEqual(["deadline-passed"]);
    crm.outage(false);
    const [parked] = await heed.steps.parked();
    await heed.steps.retry(parked?.id ?? "");
    await settle();
    expect(await told()).toEqual([]);
  });
});

describe("a record that is made while its person is on their way out", () => {
  it.each(["erasure", "objection"] as const)(
    "is removed by their %s, which is still to look, and no human is asked",
    async (right) => {
      const { crm, heed, open, tell, told, clock, settle } = company();
      crm.outage(true);
      const { id } = await open[right]();
      await heed.work.drain();
      await clock.advance(5 * minuteMs);
      crm.make("c800", email);
      crm.outage(false);
      await heed.webhooks.receive("crm", signed(crm.notices));
      await settle();
      await tell();
      expect((await heed.requests.get(id)).state).toBe("fulfilled");
      expect([crm.contacts.size, await told()]).toEqual([0, []]);
    },
  );

  it("is left to the human who is to take them out, and told when they have and it is there", async () => {
    const { crm, heed, open, clock, told, settle } = company();
    Object.assign(crm.processor.operations.exclude ?? {}, {
      run: async (calls: readonly { readonly id: string }[]) =>
        new Map(calls.map(({ id }) => [id, { status: "manual", instruction: "By hand." }])),
    });
    await open.objection();
    await heed.work.drain();
    await clock.advance(5 * minuteMs);
    crm.make("c800", email);
    await heed.webhooks.receive("crm", signed(crm.notices));
    await settle(5 * hourMs);
    expect(await told()).toEqual(["by-hand"]);
    const [parked] = await heed.steps.parked();
    await heed.steps.acknowledge(parked?.id ?? "");
    await settle();
    expect(await told()).toEqual(["stored-again"]);
  });

  it("is told once they are out, where it was made after the last look", async () => {
    const { crm, heed, open, clock, told, settle } = company();
    let hasLooked = false;
    const { exclude } = crm.processor.operations;
    const verify = exclude?.verify;
    if (exclude === undefined || typeof verify !== "function") throw new Error("no exclude");
    Object.assign(exclude, {
      verify: (async (calls, context) => {
        const answers = await verify(calls, context);
        if (!hasLooked) {
          hasLooked = true;
          await clock.advance(1_000);
          crm.make("c800", email);
          await heed.webhooks.receive("crm", signed(crm.notices));
        }
        return answers;
      }) satisfies typeof verify,
    });
    const { id } = await open.objection();
    await settle();
    expect((await heed.requests.get(id)).state).toBe("fulfilled");
    expect([[...crm.contacts.keys()], await told()]).toEqual([["c800"], ["stored-again"]]);
  });
});

describe("a record that the vendor tells of before it shows it", () => {
  it("is looked at again once the vendor has had its time", async () => {
    const { crm, heed, leave, told, settle } = company({ lagMs: 30_000 });
    await leave("objection");
    crm.make("c800", email);
    await heed.webhooks.receive("crm", signed(crm.notices));
    await heed.work.drain();
    expect(await told()).toEqual([]);
    await settle();
    expect(await told()).toEqual(["stored-again"]);
  });

  it("is looked at once where something else was told", async () => {
    const { crm, tell } = company({ lagMs: 30_000 });
    crm.press("c151", "newsletter", "opted-out");
    crm.contacts.clear();
    await tell();
    expect(crm.looks).toHaveLength(1);
  });

  it("is nothing where it never shows", async () => {
    const { crm, leave, tell, told, rows } = company({ lagMs: 30_000 });
    await leave("objection");
    crm.make("c800", email);
    crm.contacts.clear();
    await tell();
    expect(await told()).toEqual([]);
    expect((await rows("steps")).at(-1)).toMatchObject({ operation: "observe", state: "acknowledged" });
    expect(crm.looks.length).toBe(2);
  });
});
