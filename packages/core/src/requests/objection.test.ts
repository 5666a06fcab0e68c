import { describe, expect, it } from "vitest";
import { handClock } from "../../test/hand-clock.ts";
import { noEvidence, openShop, shopPolicy } from "../../test/shop.ts";
import { smallCrm } from "../../test/small-crm.ts";
import { storedRows } from "../../test/stored-rows.ts";
import { createHeed } from "../heed.ts";
import { ephemeralKeys, keyring, newKey } from "../keys/keyring.ts";
import { memory } from "../memory/memory.ts";

const anna = { email: "anna@example.org" };
const evidence = noEvidence;
const objection = { right: "objection", recipient: "crm", identity: "signed-in" } as const;
const minuteMs = 60_000;
type ShopHeed = ReturnType<typeof openShop>["heed"];

/** Anna gets the news, and is in the CRM for that. */
async function openSubscribed() {
  const shop = openShop();
  const { heed, clock } = shop;
  const drain = async () => {
    clock.advance(minuteMs);
    await heed.work.drain();
    clock.advance(minuteMs);
  };
  await heed.subscriptions.subscribe({ subject: anna, topic: "product-news", evidence });
  await drain();
  expect(shop.crm.contacts.has(anna.email)).toBe(true);
  return {
    ...shop,
    drain,
    isKeptOut: async (email = anna.email) =>
      (await heed.suppression.check({ email, recipient: "crm" })).suppressed,
    async object(subject: { email: string | readonly string[] } = anna) {
      const { id } = await heed.requests.open({ ...objection, subject });
      await drain();
      return id;
    },
  };
}

describe("an objection to being at one recipient", () => {
  it("takes the person out there, at once keeps them out, and leaves all else as it is", async () => {
    const { heed, crm, rows, isKeptOut, isSendable, drain } = await openSubscribed();
    await heed.subscriptions.subscribe({ subject: { email: "ben@example.org" }, topic: "events", evidence });
    const choices = await rows("events");
    const { id, state } = await heed.requests.open({ ...objection, subject: anna });
    expect([state, await isKeptOut(), await isKeptOut("ben@example.org")]).toEqual([
      "executing",
      true,
      false,
    ]);
    await drain();
    const request = await heed.requests.get(id);
    expect(request).toMatchObject({ right: "objection", recipient: "crm", state: "fulfilled" });
    expect(request.steps.map(({ processor, operation, state }) => [processor, operation, state])).toEqual([
      ["crm", "exclude", "verified"],
    ]);
    expect([...crm.contacts.keys()]).toEqual(["ben@example.org"]);
    expect(await rows("events")).toEqual(choices);
    expect(await isSendable("product-news", anna.email)).toBe(true);
    expect(await heed.suppression.check(anna)).toEqual({ suppressed: false });
    expect(await heed.suppression.check({ ...anna, recipient: "crm" })).toEqual({
      suppressed: true,
      because: "excluded",
    });
  });

  it("is not undone by what the person wants or does not want elsewhere", async () => {
    const { heed, crm, isSendable, drain, object } = await openSubscribed();
    await object();
    const yes = await heed.subscriptions.subscribe({ subject: anna, topic: "events", evidence });
    expect(yes).toMatchObject({ changed: true, steps: [], untold: ["crm"] });
    await drain();
    expect([await isSendable("events", anna.email), crm.contacts.has(anna.email)]).toEqual([true, false]);
    const no = await heed.subscriptions.unsubscribe({ subject: anna, topic: "events" });
    expect(no.steps).toHaveLength(1);
    await drain();
    expect([await isSendable("events", anna.email), crm.contacts.has(anna.email)]).toEqual([
      "suppressed",
      false,
    ]);
  });

  it("overtakes an opt-in that is on its way there", async () => {
    const { heed, clock, crm, rows, drain } = await openSubscribed();
    await heed.subscriptions.subscribe({ subject: anna, topic: "events", evidence });
    clock.advance(minuteMs);
    await heed.requests.open({ ...objection, subject: anna });
    await drain();
    expect(crm.contacts.has(anna.email)).toBe(false);
    expect((await rows("steps")).map(({ operation, state, because }) => [operation, state, because])).toEqual(
      [
        ["subscribe", "verified", null],
        ["subscribe", "cancelled", "objected"],
        ["exclude", "verified", null],
      ],
    );
  });

  it("holds for an address that the person has later", async () => {
    const { heed, object, isKeptOut } = await openSubscribed();
    await object();
    const both = { email: [anna.email, "anna.b@example.net"] };
    await heed.subjects.record({ subject: both, identityVerified: true });
    expect([await isKeptOut("anna.b@example.net"), await isKeptOut("c@example.net")]).toEqual([true, false]);
  });

  it("waits for an identity, since nothing of it can be taken back", async () => {
    const { heed, crm, isKeptOut, drain } = await openSubscribed();
    const { id, state } = await heed.requests.open({ ...objection, identity: "unverified", subject: anna });
    await drain();
    expect([state, await isKeptOut(), crm.contacts.has(anna.email)]).toEqual([
      "awaiting_verification",
      false,
      true,
    ]);
    await heed.requests.verify({ id, identity: "confirmed-by-link" });
    await drain();
    expect([await isKeptOut(), crm.contacts.has(anna.email)]).toEqual([true, false]);
  });

  it("keeps nobody out when it is taken back in time, unless an earlier one does", async () => {
    const { heed, clock, crm, erase, isKeptOut, drain, object } = await openSubscribed();
    const { id } = await heed.requests.open({ ...objection, subject: anna });
    clock.advance(minuteMs);
    await heed.requests.withdraw(id);
    await drain();
    expect([await isKeptOut(), crm.contacts.has(anna.email)]).toEqual([false, true]);
    await heed.subscriptions.subscribe({ subject: anna, topic: "events", evidence });
    await drain();
    expect(crm.contacts.get(anna.email)).toEqual(new Set(["product-news", "events"]));
    await object();
    expect(await isKeptOut()).toBe(true);
    const again = await heed.requests.open({ ...objection, subject: anna });
    await heed.requests.withdraw(again.id);
    await erase(anna);
    await heed.subjects.record({ subject: anna });
    expect(await isKeptOut()).toBe(true);
  });

  it("outlives the person's erasure, and their return", async () => {
    const { heed, erase, isKeptOut, object } = await openSubscribed();
    await object();
    expect((await erase(anna)).state).toBe("fulfilled");
    await heed.subjects.record({ subject: anna });
    expect(await heed.suppression.check(anna)).toEqual({ suppressed: false });
    expect(await isKeptOut()).toBe(true);
  });

  it("is not undone by an opt-in after that return, or under an address that the vendor knew", async () => {
    const { heed, crm, erase, drain, isKeptOut, isSendable, object } = await openSubscribed();
    const other = { email: "anna.b@example.net" };
    const both = { email: [anna.email, other.email] };
    await heed.subjects.record({ subject: both, identityVerified: true });
    await object(both);
    await erase(anna);
    for (const subject of [anna, other]) {
      const yes = await heed.subscriptions.subscribe({ subject, topic: "events", evidence });
      expect(yes).toMatchObject({ changed: true, steps: [], untold: ["crm"] });
      await drain();
      expect(await isSendable("events", subject.email)).toBe(true);
      expect([await isKeptOut(subject.email), crm.contacts.has(subject.email)]).toEqual([true, false]);
    }
    const bo = { email: "bo@example.org" };
    expect((await heed.subscriptions.subscribe({ subject: bo, topic: "events", evidence })).untold).toEqual(
      [],
    );
    await drain();
    expect([...crm.contacts.keys()]).toEqual([bo.email]);
  });

  /** Who was kept out, is erased, is back under one of their addresses, and has another one by now. */
  async function openReturned() {
    const shop = await openSubscribed();
    await shop.object();
    await shop.erase(anna);
    const later = { email: "anna.c@example.net" };
    await shop.heed.subjects.record({
      subject: { email: [anna.email, later.email] },
      identityVerified: true,
    });
    expect(shop.crm.contacts.size).toBe(0);
    return { ...shop, later };
  }

  it("is known of somebody who is back by whichever of their addresses is named", async () => {
    const { heed, crm, later, drain, isKeptOut } = await openReturned();
    expect([await isKeptOut(later.email), await isKeptOut("bo@example.org")]).toEqual([true, false]);
    const yes = await heed.subscriptions.subscribe({ subject: later, topic: "events", evidence });
    expect(yes).toMatchObject({ changed: true, steps: [], untold: ["crm"] });
    await drain();
    expect(crm.contacts.size).toBe(0);
  });

  it("has no opt-out make somebody there who is back, or of whom nothing else is known", async () => {
    const { heed, crm, erase, later, drain } = await openReturned();
    const no = await heed.subscriptions.unsubscribe({ subject: later, topic: "events" });
    expect(no.steps).toHaveLength(1);
    await drain();
    expect(crm.contacts.size).toBe(0);
    await erase(anna);
    await heed.subscriptions.unsubscribe({ subject: anna, topic: "events" });
    await drain();
    await erase(anna);
    await heed.requests.open({ right: "withdrawal", identity: "unverified", subject: anna });
    await drain();
    await erase(anna);
    await heed.subscriptions.unsubscribeMany([{ subject: anna, topic: "events" }]);
    await drain();
    expect(crm.contacts.size).toBe(0);
    // Of somebody else the same is told.
    await heed.subscriptions.unsubscribe({ subject: { email: "bo@example.org" }, topic: "events" });
    await drain();
    expect([...crm.contacts.keys()]).toEqual(["bo@example.org"]);
  });

  describe("and an erasure, of somebody who is back since the keys were changed", () => {
    const later = { email: "anna.c@example.net" };

    async function openChanged() {
      const clock = handClock();
      const storage = memory();
      const { processor, contacts } = smallCrm();
      const first = newKey();
      const withKeys = (...keys: readonly string[]) =>
        createHeed({
          policy: shopPolicy,
          storage,
          keys: keyring(keys.join(" ")),
          clock,
          processors: { crm: processor },
        });
      const before = withKeys(first);
      for (const asked of [objection, { right: "erasure", identity: "signed-in" } as const]) {
        await before.requests.open({ ...asked, subject: anna });
        clock.advance(minuteMs);
        await before.work.drain();
        clock.advance(minuteMs);
      }
      const heed = withKeys(newKey(), first.replace(":active:", ":lookup:"));
      const isKeptOut = async (email: string) =>
        (await heed.suppression.check({ email, recipient: "crm" })).suppressed;
      return { heed, contacts, clock, isKeptOut };
    }
    const both = { email: [anna.email, later.email] };

    it.each<[string, (heed: ShopHeed) => Promise<unknown>]>([
      ["a record", (heed) => heed.subjects.record({ subject: both, identityVerified: true })],
      ["an opt-in", (heed) => heed.subscriptions.subscribe({ subject: both, topic: "tips", evidence })],
      ["an opt-out", (heed) => heed.subscriptions.unsubscribe({ subject: both, topic: "events" })],
      [
        "a request",
        (heed) => heed.requests.open({ right: "withdrawal", subject: both, identity: "signed-in" }),
      ],
    ])("is known by whichever of their addresses is named, after %s", async (_how, comeBack) => {
      const { heed, contacts, clock, isKeptOut } = await openChanged();
      await comeBack(heed);
      clock.advance(minuteMs);
      expect([await isKeptOut(anna.email), await isKeptOut(later.email)]).toEqual([true, true]);
      const yes = await heed.subscriptions.subscribe({ subject: later, topic: "events", evidence });
      expect(yes.untold).toEqual(["crm"]);
      await heed.work.drain();
      expect(contacts.size).toBe(0);
    });

    it("stays when a later one is taken back, and ends when it is lifted", async () => {
      const { heed, clock, isKeptOut } = await openChanged();
      const { id } = await heed.requests.open({ ...objection, subject: both });
      clock.advance(minuteMs);
      await heed.requests.withdraw(id);
      // What was kept out by the erasure alone is not any more.
      expect((await heed.subjects.record({ subject: both, identityVerified: true })).changed).toBe(true);
      expect([await isKeptOut(anna.email), await isKeptOut(later.email)]).toEqual([true, true]);
      expect((await heed.subjects.record({ subject: both, identityVerified: true })).changed).toBe(false);
      await heed.suppression.lift({ recipient: "crm", identity: "signed-in", subject: anna });
      expect([await isKeptOut(anna.email), await isKeptOut(later.email)]).toEqual([false, false]);
    });
  });

  it("lets no earlier opt-in be tried again once its person turns out to be who objected", async () => {
    const { heed, crm, erase, drain, object } = await openSubscribed();
    await object();
    await erase(anna);
    const account = { accountId: "4711" };
    const yes = await heed.subscriptions.subscribe({ subject: account, topic: "events", evidence });
    await drain();
    expect(await heed.steps.parked()).toMatchObject([{ id: yes.steps[0], because: "no-identifier" }]);
    await heed.subjects.record({ subject: { ...account, ...anna }, identityVerified: true });
    await expect(heed.steps.retry(yes.steps[0] ?? "")).rejects.toMatchObject({ code: "excluded" });
    await drain();
    expect(crm.contacts.size).toBe(0);
  });

  it("has the recipient told what was chosen meanwhile when it is taken back in time", async () => {
    const { heed, clock, crm, drain } = await openSubscribed();
    await heed.subscriptions.subscribe({ subject: anna, topic: "events", evidence });
    clock.advance(minuteMs);
    const { id } = await heed.requests.open({ ...objection, subject: anna });
    await heed.subscriptions.unsubscribe({ subject: anna, topic: "product-news" });
    clock.advance(minuteMs);
    await heed.requests.withdraw(id);
    await drain();
    expect(crm.contacts.get(anna.email)).toEqual(new Set(["events"]));
  });

  it("stays when a later one is taken back, also from before an erasure", async () => {
    const { heed, later, drain, isKeptOut } = await openReturned();
    const { id } = await heed.requests.open({ ...objection, subject: anna });
    await heed.requests.withdraw(id);
    await drain();
    expect([await isKeptOut(), await isKeptOut(later.email)]).toEqual([true, true]);
  });

  it("stays when a later one is taken back, also where no address of theirs was known when it was raised", async () => {
    const { heed, drain, isKeptOut } = await openSubscribed();
    const account = { accountId: "4711" };
    await heed.requests.open({ ...objection, subject: account });
    await drain();
    for (const step of await heed.steps.parked()) await heed.steps.acknowledge(step.id);
    await heed.subjects.record({ subject: { ...account, ...anna }, identityVerified: true });
    expect(await isKeptOut()).toBe(true);
    const { id, state } = await heed.requests.open({ ...objection, subject: account });
    expect(state).toBe("executing");
    await heed.requests.withdraw(id);
    await drain();
    expect(await isKeptOut()).toBe(true);
    expect(
      (await heed.suppression.lift({ recipient: "crm", identity: "signed-in", subject: anna })).changed,
    ).toBe(true);
    expect(await isKeptOut()).toBe(false);
  });

  describe("that is lifted", () => {
    const lift = { recipient: "crm", identity: "signed-in" } as const;

    it("keeps nobody out any more, and the recipient is told what they want and do not want by now", async () => {
      const { heed, crm, rows, object, drain, isKeptOut } = await openSubscribed();
      const id = await object();
      await heed.subscriptions.subscribe({ subject: anna, topic: "events", evidence });
      await heed.subscriptions.unsubscribe({ subject: anna, topic: "product-news" });
      await drain();
      expect(crm.contacts.size).toBe(0);
      const [request, choices] = [await heed.requests.get(id), await rows("events")];
      const lifted = await heed.suppression.lift({ ...lift, subject: anna });
      expect([lifted.changed, lifted.steps.length, await isKeptOut()]).toEqual([true, 2, false]);
      await drain();
      expect([...crm.contacts]).toEqual([[anna.email, new Set(["events"])]]);
      expect(
        (await heed.subscriptions.subscribe({ subject: anna, topic: "product-news", evidence })).untold,
      ).toEqual([]);
      await drain();
      expect(crm.contacts.get(anna.email)).toEqual(new Set(["events", "product-news"]));
      // What was is as it was.
      expect(await heed.requests.get(id)).toEqual(request);
      expect((await rows("events")).slice(0, choices.length)).toEqual(choices);
      const entries = (await rows("evidence")).map(({ entry }) => JSON.parse(entry ?? "{}"));
      expect(entries.filter(({ kind }) => kind === "objection.lifted")).toEqual([
        {
          kind: "objection.lifted",
          processor: "crm",
          identity: "signed-in",
          subject: entries.find(({ kind }) => kind === "request.opened").subject,
        },
      ]);
    });

    it("changes nothing for whom nothing keeps out, nor anywhere else", async () => {
      const { heed, rows, object, drain, isKeptOut, isSendable } = await openSubscribed();
      const ben = { email: "ben@example.org" };
      await object();
      await heed.requests.open({ ...objection, subject: ben });
      await drain();
      await heed.suppression.lift({ ...lift, subject: anna });
      expect([await isKeptOut(), await isKeptOut(ben.email)]).toEqual([false, true]);
      await heed.subscriptions.unsubscribe({ subject: anna, topic: "all" });
      const evidenceBefore = await rows("evidence");
      for (const subject of [anna, { email: "nobody@example.org" }])
        expect(await heed.suppression.lift({ ...lift, subject })).toEqual({ changed: false, steps: [] });
      expect(await rows("evidence")).toEqual(evidenceBefore);
      expect(await isSendable("product-news", anna.email)).toBe("suppressed");
    });

    it("can be raised again", async () => {
      const { heed, crm, object, drain, isKeptOut } = await openSubscribed();
      await object();
      await heed.suppression.lift({ ...lift, subject: anna });
      await drain();
      expect([await isKeptOut(), crm.contacts.size]).toEqual([false, 1]);
      await object();
      expect([await isKeptOut(), crm.contacts.size]).toEqual([true, 0]);
      await heed.suppression.lift({ ...lift, subject: anna });
      await drain();
      const { id } = await heed.requests.open({ ...objection, subject: anna });
      await heed.requests.withdraw(id);
      await drain();
      expect([await isKeptOut(), crm.contacts.size]).toEqual([false, 1]);
    });

    it("is so for whoever was erased since, back or not, under each of their addresses", async () => {
      const { heed, crm, erase, later, drain, isKeptOut } = await openReturned();
      await heed.suppression.lift({ ...lift, subject: later });
      expect([await isKeptOut(), await isKeptOut(later.email)]).toEqual([false, false]);
      await heed.subscriptions.subscribe({ subject: anna, topic: "events", evidence });
      await drain();
      expect(crm.contacts.has(anna.email)).toBe(true);
      await heed.requests.open({ ...objection, subject: anna });
      await drain();
      await erase(anna);
      expect(await heed.suppression.lift({ ...lift, subject: anna })).toEqual({ changed: true, steps: [] });
      await heed.subjects.record({ subject: anna });
      expect([await isKeptOut(), await isKeptOut(later.email)]).toEqual([false, true]);
    });

    it("lets nobody in by whoever merely wrote their address", async () => {
      const { heed, crm, erase, object, drain, isKeptOut, rows } = await openSubscribed();
      await object();
      await erase(anna);
      const eve = { accountId: "666" };
      await heed.subscriptions.subscribe({ subject: { ...eve, ...anna }, topic: "events", evidence });
      const before = await rows("suppressions");
      await expect(heed.suppression.lift({ ...lift, subject: eve })).rejects.toMatchObject({
        name: "ConflictError",
        code: "unverified-address",
        message: expect.not.stringContaining("anna"),
      });
      await drain();
      expect([await isKeptOut(), crm.contacts.size]).toEqual([true, 0]);
      expect(await rows("suppressions")).toEqual(before);
      // Whose it is shown to be may.
      expect((await heed.suppression.lift({ ...lift, subject: { ...eve, ...anna } })).changed).toBe(true);
      await drain();
      expect([await isKeptOut(), crm.contacts.has(anna.email)]).toEqual([false, true]);
    });

    it("needs no proof of an address that was theirs when they objected", async () => {
      const { heed, drain, isKeptOut } = await openSubscribed();
      const ben = { accountId: "4711" };
      const email = "ben@example.org";
      await heed.subscriptions.subscribe({ subject: { ...ben, email }, topic: "events", evidence });
      await drain();
      await heed.requests.open({ ...objection, subject: ben });
      await drain();
      for (const step of await heed.steps.parked()) await heed.steps.acknowledge(step.id);
      expect(await isKeptOut(email)).toBe(true);
      expect((await heed.suppression.lift({ ...lift, subject: ben })).changed).toBe(true);
      expect(await isKeptOut(email)).toBe(false);
    });

    it("waits for its own end, and for that of an erasure", async () => {
      const { heed, object, drain } = await openSubscribed();
      const { id } = await heed.requests.open({ ...objection, subject: anna });
      const ask = { ...lift, subject: anna };
      await expect(heed.suppression.lift(ask)).rejects.toMatchObject({ code: "request-open" });
      await heed.requests.withdraw(id);
      await object();
      await heed.requests.open({ right: "erasure", subject: anna, identity: "signed-in" });
      await expect(heed.suppression.lift(ask)).rejects.toMatchObject({ code: "frozen" });
      await drain();
      expect((await heed.suppression.lift(ask)).changed).toBe(true);
    });

    it("needs somebody shown to be the person, a recipient of the policy, and an address", async () => {
      const { heed, drain } = await openSubscribed();
      const subject = { accountId: "4711" };
      await heed.requests.open({ ...objection, subject });
      await drain();
      for (const step of await heed.steps.parked()) await heed.steps.acknowledge(step.id);
      await expect(heed.suppression.lift({ ...lift, subject })).rejects.toMatchObject({ code: "no-address" });
      const both = { ...subject, email: "bo@example.org" };
      expect((await heed.suppression.lift({ ...lift, subject: both })).changed).toBe(true);
      const yes = await heed.subscriptions.subscribe({ subject: both, topic: "events", evidence });
      expect([yes.steps.length, yes.untold]).toEqual([1, []]);
      for (const wrong of [{ identity: "unverified" }, { recipient: "crmm" }, { recipient: undefined }])
        await expect(
          heed.suppression.lift({ ...lift, subject: anna, ...wrong } as never),
        ).rejects.toMatchObject({
          name: "InvalidInputError",
        });
    });
  });

  it("is proven to wait for a human where the recipient can only be told by hand, as an opt-out is", async () => {
    const clock = handClock();
    const storage = memory();
    const { processor } = smallCrm();
    const { subscribe } = processor.operations;
    const crm = { ...processor, operations: subscribe === undefined ? {} : { subscribe } };
    const heed = createHeed({
      policy: shopPolicy,
      storage,
      keys: ephemeralKeys(),
      clock,
      processors: { crm },
    });
    const { id } = await heed.requests.open({ ...objection, subject: anna });
    await heed.subscriptions.unsubscribe({ subject: anna, topic: "events" });
    const parked = await heed.steps.parked();
    expect(parked.map(({ operation }) => operation).toSorted()).toEqual(["exclude", "unsubscribe"]);
    const entries = (await storedRows(storage, clock, "evidence")).map(({ entry }) =>
      JSON.parse(entry ?? "{}"),
    );
    const ends = entries.filter(({ kind }) => kind === "step.settled");
    expect(ends).toHaveLength(2);
    expect(new Set(ends.map(({ stepId }) => stepId))).toEqual(new Set(parked.map((step) => step.id)));
    expect(ends).toMatchObject([
      { state: "manual", requestId: id },
      { state: "manual", because: "no-such-operation" },
    ]);
    expect(ends[1].subject).toEqual(ends[0].subject);
  });

  it("can be looked at before, and is refused where the plan is another one by then", async () => {
    const { heed, crm } = await openSubscribed();
    const { right, recipient, identity } = objection;
    const preview = await heed.requests.preview({ right, recipient, subject: anna });
    expect(preview.steps.map(({ processor, operation }) => [processor, operation])).toEqual([
      ["crm", "exclude"],
    ]);
    const erasure = await heed.requests.preview({ right: "erasure", subject: anna });
    const ask = { right, recipient, identity, subject: anna } as const;
    await expect(heed.requests.open({ ...ask, preview: erasure })).rejects.toMatchObject({
      code: "plan-changed",
    });
    expect(crm.contacts.has(anna.email)).toBe(true);
    expect((await heed.requests.open({ ...ask, preview })).changed).toBe(true);
    expect((await heed.requests.open(ask)).changed).toBe(false);
  });

  it("names a recipient of the policy", async () => {
    const { heed } = await openSubscribed();
    for (const recipient of ["crmm", undefined] as never[]) {
      const ask = { ...objection, recipient, subject: anna };
      await expect(heed.requests.open(ask)).rejects.toMatchObject({ code: "unknown-name" });
      await expect(
        heed.requests.preview({ right: "objection", recipient, subject: anna }),
      ).rejects.toMatchObject({ code: "unknown-name" });
    }
    const recipient = "crmm" as never;
    await expect(heed.suppression.check({ ...anna, recipient })).rejects.toMatchObject({
      code: "unknown-name",
    });
  });
});
