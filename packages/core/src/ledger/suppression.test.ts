import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { noEvidence, openShop } from "../../test/shop.ts";
import { handClock } from "../../test/hand-clock.ts";
import { storedRows } from "../../test/stored-rows.ts";
import { ephemeralKeys, keyring, newKey, type Keyring } from "../keys/keyring.ts";
import { memory } from "../memory/memory.ts";
import { suppress } from "./suppression.ts";

const anna = { email: "anna@example.org" };
const evidence = noEvidence;
const minuteMs = 60_000;

const nothingGoes = {
  "product-news": "erased",
  events: "erased",
  offers: "erased",
  tips: "erased",
  outages: "erased",
  receipts: "erased",
  terms: "erased",
};
const onlyServiceGoes = {
  "product-news": "suppressed",
  events: "suppressed",
  offers: "suppressed",
  tips: "not-given",
  outages: true,
  receipts: true,
  terms: true,
};

/** Anna had subscribed, and was erased. */
async function openErased(keys = ephemeralKeys()) {
  const shop = openShop({ keys });
  await shop.heed.consent.give({ subject: anna, purpose: "news", evidence });
  await shop.heed.work.drain();
  expect(shop.crm.contacts.has(anna.email)).toBe(true);
  const request = await shop.erase(anna);
  expect(request.state).toBe("fulfilled");
  expect(shop.crm.contacts.has(anna.email)).toBe(false);
  return shop;
}

describe("after an erasure", () => {
  it("tells nobody who it was that lacks the key, though they know every address that it may have been", async () => {
    const keys = keyring(newKey());
    const shop = await openErased(keys);
    const addresses = [...Array.from({ length: 1000 }, (_, index) => `p${index}@example.org`), anna.email];
    const stored = JSON.stringify(await shop.rows("suppressions"));
    const found = (digest: (email: string) => string) =>
      addresses.filter((email) => stored.includes(digest(email)));
    const under = (keys: Keyring) => (email: string) =>
      keys.digest("suppression", "default", "email", email).split(".")[1] ?? "";
    expect(found(under(keyring(newKey())))).toEqual([]);
    for (const algorithm of ["md5", "sha1", "sha256", "sha512"])
      for (const encoding of ["hex", "base64", "base64url"] as const)
        expect(found((email) => createHash(algorithm).update(email).digest(encoding))).toEqual([]);
    expect(found(under(keys))).toEqual([anna.email]);
  });

  it("nothing is sendable, and nothing may create the person again (INV-10)", async () => {
    const shop = await openErased();
    expect(await shop.sendable(anna.email)).toEqual(nothingGoes);
    expect(await shop.heed.suppression.check({ email: "ANNA@Example.org" })).toEqual({
      suppressed: true,
      because: "erased",
    });
    expect(await shop.heed.suppression.check({ email: "ben@example.org" })).toEqual({ suppressed: false });
  });

  it("a person who comes back gets service mail, and no marketing until a newer opt-in", async () => {
    const shop = await openErased();
    expect(await shop.heed.subjects.record({ subject: anna })).toEqual({ changed: true });
    expect(await shop.sendable(anna.email)).toEqual(onlyServiceGoes);
    expect(await shop.heed.suppression.check(anna)).toEqual({ suppressed: false });
    shop.clock.advance(minuteMs);
    await shop.heed.subscriptions.subscribe({ subject: anna, topic: "events", evidence });
    expect(await shop.isSendable("events", anna.email)).toBe(true);
    expect(await shop.isSendable("product-news", anna.email)).toBe("suppressed");
  });

  it("an opt-in at the very instant of the erasure changes nothing: the tie goes to silence", async () => {
    const shop = openShop();
    await shop.heed.consent.give({ subject: anna, purpose: "news", evidence });
    await shop.heed.requests.open({ right: "erasure", subject: anna, identity: "signed-in" });
    await shop.heed.work.drain();
    await shop.heed.consent.give({ subject: anna, purpose: "news", evidence });
    expect(await shop.sendable(anna.email)).toEqual(nothingGoes);
    await shop.heed.subjects.record({ subject: anna });
    await shop.heed.consent.give({ subject: anna, purpose: "news", evidence });
    expect(await shop.sendable(anna.email)).toEqual(onlyServiceGoes);
    shop.clock.advance(1);
    await shop.heed.consent.give({ subject: anna, purpose: "news", evidence });
    expect(await shop.isSendable("product-news", anna.email)).toBe(true);
  });

  it("a person comes back by opting in, too", async () => {
    const shop = await openErased();
    await shop.heed.subscriptions.subscribe({ subject: anna, topic: "events", evidence });
    expect(await shop.isSendable("events", anna.email)).toBe(true);
    expect(await shop.isSendable("receipts", anna.email)).toBe(true);
    await shop.heed.work.drain();
    expect(shop.crm.contacts.get(anna.email)).toEqual(new Set(["events"]));
  });

  it("nobody comes back by opting out, which succeeds all the same", async () => {
    const shop = await openErased();
    await shop.heed.subscriptions.unsubscribe({ subject: anna, topic: "product-news" });
    await shop.heed.consent.withdraw({ subject: anna, purpose: "news" });
    shop.clock.advance(minuteMs);
    expect(await shop.sendable(anna.email)).toEqual(nothingGoes);
    expect((await shop.heed.suppression.check(anna)).suppressed).toBe(true);
    shop.clock.advance(minuteMs);
    expect(await shop.heed.subjects.record({ subject: anna })).toEqual({ changed: true });
    expect(await shop.sendable(anna.email)).toEqual(onlyServiceGoes);
    expect(await shop.heed.subjects.record({ subject: anna })).toEqual({ changed: false });
  });

  it("an old list that is imported again brings nobody back, here or at a processor", async () => {
    const shop = await openErased();
    const old = { subject: anna, imported: true, at: "2024-01-01T00:00:00Z", evidence } as const;
    const answer = await shop.heed.subscriptions.subscribe({ ...old, topic: "product-news" });
    expect(answer).toMatchObject({ changed: false, steps: [] });
    await shop.heed.work.drain();
    expect(await shop.sendable(anna.email)).toEqual(nothingGoes);
    expect(shop.crm.contacts.has(anna.email)).toBe(false);
    expect(await shop.rows("subjects")).toEqual([]);
  });

  it("an old list does not subscribe somebody who came back, here or at a processor", async () => {
    const shop = await openErased();
    await shop.heed.subjects.record({ subject: anna });
    const old = { subject: anna, imported: true, at: "2024-01-01T00:00:00Z", evidence } as const;
    await shop.heed.subscriptions.subscribe({ ...old, topic: "product-news" });
    await shop.heed.work.drain();
    expect(await shop.sendable(anna.email)).toEqual(onlyServiceGoes);
    expect(shop.crm.contacts.get(anna.email)).toBeUndefined();
  });

  it("an erased person who asks again is answered, erased again, and silent again", async () => {
    const shop = await openErased();
    const open = { right: "erasure", subject: anna, identity: "unverified" } as const;
    const { id } = await shop.heed.requests.open(open);
    expect(await shop.isSendable("terms", anna.email)).toBe(true);
    // The answer is legal mail, and the only mail.
    expect(await shop.sendable(anna.email)).toEqual({ ...nothingGoes, terms: true });
    await shop.heed.requests.verify({ id, identity: "confirmed-by-link" });
    await shop.heed.work.drain();
    expect((await shop.heed.requests.get(id)).state).toBe("fulfilled");
    shop.clock.advance(minuteMs);
    expect(await shop.sendable(anna.email)).toEqual(nothingGoes);
  });
});

describe("a second erasure", () => {
  it("finds nothing, claims no deletion at a processor, and leaves the same behind (INV-12)", async () => {
    const shop = openShop();
    await shop.heed.consent.give({ subject: anna, purpose: "news", evidence });
    await shop.heed.work.drain();
    const outcomeAtCrm = (request: Awaited<ReturnType<typeof shop.erase>>) =>
      request.steps.find((step) => step.processor === "crm" && step.operation === "erase")?.outcome;
    expect(outcomeAtCrm(await shop.erase(anna))).toBe("done");
    const left = async () => {
      const tables = ["subjects", "identifiers", "dataKeys", "permits", "references", "events"] as const;
      const rows = await Promise.all(tables.map((table) => shop.rows(table)));
      const silences = (await shop.rows("suppressions")).map(({ digest, scope, reason }) => [
        digest,
        scope,
        reason,
      ]);
      return { rows, silences };
    };
    const after = await left();
    const again = await shop.erase(anna);
    expect(again.state).toBe("fulfilled");
    expect(outcomeAtCrm(again)).toBe("absent");
    expect(await left()).toEqual(after);
    expect(await shop.sendable(anna.email)).toEqual(nothingGoes);
  });
});

describe("while an erasure is carried out", () => {
  it("marketing is frozen, and mail about the request still goes", async () => {
    const shop = openShop();
    await shop.heed.consent.give({ subject: anna, purpose: "news", evidence });
    shop.clock.advance(minuteMs);
    await shop.heed.requests.open({ right: "erasure", subject: anna, identity: "signed-in" });
    expect(await shop.sendable(anna.email)).toEqual({
      "product-news": "frozen",
      events: "frozen",
      offers: "frozen",
      tips: "not-given",
      outages: true,
      receipts: true,
      terms: true,
    });
    expect(await shop.heed.suppression.check(anna)).toEqual({ suppressed: true, because: "erased" });
  });

  it("a request that is taken back gives the person their mail back, without marketing", async () => {
    const shop = openShop();
    await shop.heed.consent.give({ subject: anna, purpose: "tips", evidence });
    shop.clock.advance(minuteMs);
    const { id } = await shop.heed.requests.open({ right: "erasure", subject: anna, identity: "signed-in" });
    shop.clock.advance(minuteMs);
    await shop.heed.requests.withdraw(id);
    expect(await shop.sendable(anna.email)).toEqual({ ...onlyServiceGoes, tips: true });
  });
});

describe("suppression.check", () => {
  it("stops the creation of somebody who objected to all marketing", async () => {
    const { heed } = openShop();
    await heed.subscriptions.unsubscribe({ subject: anna, topic: "offers" });
    expect(await heed.suppression.check(anna)).toEqual({ suppressed: false });
    await heed.subscriptions.unsubscribe({ subject: anna, topic: "all" });
    expect(await heed.suppression.check(anna)).toEqual({ suppressed: true, because: "opted-out" });
  });
});

describe("suppress", () => {
  it("moves the time of a suppression forward, and never back", async () => {
    const storage = memory();
    const clock = handClock();
    const write = (at: string) =>
      storage.transact({
        lock: [],
        clock,
        read: {},
        decide: () => ({ writes: suppress(["d1"], "marketing", "opted-out", at), answer: undefined }),
      });
    for (const [at, expected] of [
      ["2026-02-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z"],
      ["2026-03-01T00:00:00.000Z", "2026-03-01T00:00:00.000Z"],
      ["2026-01-01T00:00:00.000Z", "2026-03-01T00:00:00.000Z"],
    ] as const) {
      await write(at);
      expect(await storedRows(storage, clock, "suppressions")).toEqual([
        { digest: "d1", scope: "marketing", reason: "opted-out", at: expected },
      ]);
    }
  });
});
