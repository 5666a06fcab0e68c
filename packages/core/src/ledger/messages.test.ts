import { describe, expect, it } from "vitest";
import { noEvidence, openShop, type ShopTopic } from "../../test/shop.ts";
import type { ReportKind } from "../contract/messages.ts";
import type { Permit } from "../contract/permit.ts";
import type { HeedStorage } from "../contract/storage.ts";
import { keyring, newKey } from "../keys/keyring.ts";
import { memory } from "../memory/memory.ts";

const anna = { email: "Anna@example.org" };
const ben = { email: "ben@example.org" };
const dayMs = 86_400_000;

type Shop = ReturnType<typeof openShop>;

async function permitFor(
  shop: Shop,
  topic: ShopTopic,
  messageKey: string,
  { email } = anna,
): Promise<Permit & { returnTag: string }> {
  const permit = await shop.heed.permits.take({ topic, email, messageKey });
  if (!permit.allowed || permit.returnTag === undefined) throw new Error("no permit");
  return { ...permit, returnTag: permit.returnTag };
}

/** Sends a message and answers its tag. */
async function sent(shop: Shop, topic: ShopTopic, messageKey: string, to = anna): Promise<string> {
  const permit = await permitFor(shop, topic, messageKey, to);
  await permit.handOver();
  await permit.settle("accepted");
  return permit.returnTag;
}

function openSubscribed() {
  const shop = openShop();
  return (async () => {
    for (const subject of [anna, ben])
      for (const purpose of ["news", "offers", "tips"] as const)
        await shop.heed.consent.give({ subject, purpose, evidence: noEvidence });
    shop.clock.advance(1000);
    return shop;
  })();
}

async function reported(shop: Shop): Promise<readonly unknown[]> {
  const entries = (await shop.rows("evidence")).map((row) => JSON.parse(row.entry ?? "") as { kind: string });
  return entries.filter(({ kind }) => kind === "message.reported");
}

describe("messages.sent", () => {
  it("tells what was sent, of which kind and what became of it, oldest first, and not what it said", async () => {
    const shop = await openSubscribed();
    const start = shop.clock.now().toISOString();
    const waits = await permitFor(shop, "offers", "o1");
    shop.clock.advance(1000);
    await sent(shop, "receipts", "r1");
    shop.clock.advance(1000);
    await permitFor(shop, "product-news", "n1");
    await shop.heed.subscriptions.unsubscribe({ subject: anna, topic: "product-news" });
    await sent(shop, "receipts", "b1", ben);
    shop.clock.advance(1000);
    const before = { topic: "offers", class: "marketing", at: start, handedOver: false };
    const rest = [
      {
        topic: "receipts",
        class: "transactional",
        at: "2026-01-15T12:00:02.000Z",
        handedOver: true,
        outcome: "accepted",
      },
      {
        topic: "product-news",
        class: "marketing",
        at: "2026-01-15T12:00:03.000Z",
        handedOver: false,
        outcome: "revoked",
      },
    ];
    expect(await shop.heed.messages.sent({ email: "ANNA@EXAMPLE.ORG" })).toEqual([before, ...rest]);
    await waits.handOver();
    expect(await shop.heed.messages.sent(anna)).toEqual([
      ...rest,
      { ...before, at: shop.clock.now().toISOString(), handedOver: true },
    ]);
  });

  it("finds what was sent under an older key, and refuses to tell without that key", async () => {
    const old = newKey();
    const shop = openShop({ keys: keyring(old) });
    await sent(shop, "receipts", "r1");
    expect(await shop.heed.messages.sent(anna)).toHaveLength(1);
    await shop.heed.subscriptions.unsubscribe({ subject: ben, topic: "all" });
    const asked = shop.under(keyring(`${old.replace(":active:", ":lookup:")} ${newKey()}`)).messages;
    expect(await asked.sent(anna)).toHaveLength(1);
    await expect(shop.under(keyring(newKey())).messages.sent(anna)).rejects.toMatchObject({
      code: "unknown-key",
    });
  });
});

describe("messages.forget", () => {
  it("removes what is known of the address, what was reported of it, and nothing of others", async () => {
    const shop = await openSubscribed();
    const tag = await sent(shop, "receipts", "r1");
    await sent(shop, "receipts", "r1", ben);
    await shop.heed.messages.report({ tag, kind: "hard" });
    expect(await shop.heed.messages.forget({ email: "anna@EXAMPLE.org" })).toEqual({ forgotten: 1 });
    expect(await shop.heed.messages.sent(anna)).toEqual([]);
    expect(await shop.rows("reports")).toEqual([]);
    expect(await shop.heed.messages.sent(ben)).toHaveLength(1);
    expect(await shop.heed.messages.forget(anna)).toEqual({ forgotten: 0 });
    expect(await shop.heed.messages.report({ tag, kind: "soft" })).toEqual({ did: "unknown" });
  });

  it("stops what has its permit and has not left", async () => {
    const shop = await openSubscribed();
    const ofAnna = await permitFor(shop, "receipts", "r1");
    const ofBen = await permitFor(shop, "receipts", "r1", ben);
    await shop.heed.messages.forget(anna);
    expect([ofAnna.signal.aborted, ofBen.signal.aborted]).toEqual([true, false]);
    expect([await ofAnna.handOver(), await ofBen.handOver()]).toEqual([false, true]);
    await ofAnna.settle("not-sent");
    expect(await shop.heed.messages.sent(anna)).toEqual([]);
  });
});

describe("a hard report", () => {
  it("stops everything to the address but what the person waits for, and nobody else's", async () => {
    const shop = await openSubscribed();
    const tag = await sent(shop, "product-news", "n1");
    expect(await shop.heed.messages.report({ tag, kind: "hard" })).toEqual({ did: "stopped" });
    expect(await shop.sendable(anna.email)).toEqual({
      "product-news": "undeliverable",
      events: "undeliverable",
      offers: "undeliverable",
      tips: "undeliverable",
      outages: "undeliverable",
      receipts: true,
      terms: "undeliverable",
    });
    expect(new Set(Object.values(await shop.sendable(ben.email)))).toEqual(new Set([true]));
    // A "no" of the person is the better reason.
    await shop.heed.subscriptions.unsubscribe({ subject: anna, topic: "events" });
    expect(await shop.isSendable("events", anna.email)).toBe("suppressed");
  });

  it("counts no longer once the person opts in anew, and an import of an older opt-in changes nothing", async () => {
    const shop = await openSubscribed();
    await shop.heed.messages.report({ tag: await sent(shop, "product-news", "n1"), kind: "hard" });
    shop.clock.advance(dayMs);
    const optIn = { subject: anna, topic: "events", evidence: noEvidence } as const;
    await shop.heed.subscriptions.subscribe({ ...optIn, imported: true, at: "2026-01-01T00:00:00Z" });
    expect(await shop.isSendable("product-news", anna.email)).toBe("undeliverable");
    await shop.heed.subscriptions.subscribe(optIn);
    expect(await shop.isSendable("product-news", anna.email)).toBe(true);
    expect(await shop.isSendable("terms", anna.email)).toBe(true);
    shop.clock.advance(1);
    await shop.heed.messages.report({ tag: await sent(shop, "product-news", "n2"), kind: "hard" });
    expect(await shop.isSendable("product-news", anna.email)).toBe("undeliverable");
  });

  it("repeated after the person opted in anew does not stop them again", async () => {
    const shop = await openSubscribed();
    const tag = await sent(shop, "product-news", "n1");
    await shop.heed.messages.report({ tag, kind: "hard" });
    shop.clock.advance(1);
    await shop.heed.consent.give({ subject: anna, purpose: "news", evidence: noEvidence });
    expect(await shop.heed.messages.report({ tag, kind: "hard" })).toEqual({ did: "noted" });
    expect(await shop.isSendable("product-news", anna.email)).toBe(true);
  });

  it("holds for an address that heed knows nobody of", async () => {
    const shop = openShop();
    const tag = await sent(shop, "receipts", "r1");
    expect(await shop.heed.messages.report({ tag, kind: "hard" })).toEqual({ did: "stopped" });
    expect(await shop.isSendable("offers", anna.email)).toBe("undeliverable");
    expect(await shop.rows("subjects")).toEqual([]);
  });
});

describe("soft reports", () => {
  const report = async (shop: Shop, key: string, kind: ReportKind = "soft") =>
    (await shop.heed.messages.report({ tag: await sent(shop, "receipts", key), kind })).did;

  it("stop the address at the fifth within 30 days, for as long as there are five", async () => {
    const shop = await openSubscribed();
    for (let n = 1; n <= 4; n += 1) {
      expect(await report(shop, `m${n}`)).toBe("counted");
      shop.clock.advance(dayMs);
    }
    expect(await shop.isSendable("product-news", anna.email)).toBe(true);
    expect(await report(shop, "m5")).toBe("stopped");
    expect(await shop.isSendable("product-news", anna.email)).toBe("undeliverable");
    shop.clock.advance(26 * dayMs);
    expect(await shop.isSendable("product-news", anna.email)).toBe("undeliverable");
    shop.clock.advance(1);
    expect(await shop.isSendable("product-news", anna.email)).toBe(true);
  });

  it("count once for each message, and stop nothing over fewer than three", async () => {
    const shop = await openSubscribed();
    const tries = async (messageKey: string, count: number) => {
      for (let n = 0; n < count; n += 1) {
        const permit = await permitFor(shop, "receipts", messageKey);
        await permit.handOver();
        await permit.settle("deferred");
        for (const did of ["counted", "noted"])
          expect(await shop.heed.messages.report({ tag: permit.returnTag, kind: "soft" })).toEqual({ did });
      }
    };
    await tries("m1", 4);
    await tries("m2", 4);
    expect(await shop.isSendable("product-news", anna.email)).toBe(true);
    expect(await report(shop, "m3")).toBe("stopped");
  });

  it("are kept of one address no more than decide", async () => {
    const shop = await openSubscribed();
    for (let n = 0; n < 60; n += 1)
      for (const kind of ["soft", "policy", "hard"] as const)
        await shop.heed.messages.report({ tag: await sent(shop, "receipts", `${kind} ${n}`), kind });
    expect(await shop.rows("reports")).toHaveLength(60);
    shop.clock.advance(dayMs);
    const newest = shop.clock.now().toISOString();
    for (let n = 0; n < 20; n += 1) await report(shop, `newer ${n}`);
    const ofSoft = (await shop.rows("reports")).filter(({ kind }) => kind === "soft");
    expect(ofSoft.map(({ at }) => at)).toEqual(Array.from({ length: 20 }, () => newest));
    shop.clock.advance(31 * dayMs);
    await report(shop, "after");
    const kept = await shop.rows("reports");
    expect(kept.filter(({ kind }) => kind !== "hard")).toHaveLength(1);
    expect(await shop.isSendable("product-news", anna.email)).toBe("undeliverable");
  });
});

describe("a report about the sender", () => {
  it("is told of and proven, once, and counts against no address", async () => {
    const shop = await openSubscribed();
    const heard: unknown[] = [];
    shop.heed.on("message.reported", (event) => heard.push(event));
    for (let n = 0; n < 8; n += 1) {
      const tag = await sent(shop, "product-news", `m${n}`);
      for (let twice = 0; twice < 2; twice += 1)
        expect(await shop.heed.messages.report({ tag, kind: "policy" })).toEqual({ did: "noted" });
    }
    expect(await shop.isSendable("product-news", anna.email)).toBe(true);
    expect(heard).toHaveLength(8);
    expect(heard[0]).toEqual({ topic: "product-news", kind: "policy" });
    const entry = { kind: "message.reported", topic: "product-news", report: "policy" };
    expect(await reported(shop)).toEqual(Array.from({ length: 8 }, () => entry));
  });
});

describe("a complaint", () => {
  it("ends all marketing for the person, also under their other addresses, and tells processors", async () => {
    const shop = await openSubscribed();
    const other = { email: "anna@work.example" };
    await shop.heed.subjects.record({
      subject: { email: [anna.email, other.email] },
      identityVerified: true,
    });
    await shop.heed.work.drain();
    expect(shop.crm.contacts.get(anna.email)?.size).toBeGreaterThan(0);
    const tag = await sent(shop, "receipts", "r1");
    expect(await shop.heed.messages.report({ tag, kind: "complaint" })).toEqual({ did: "unsubscribed" });
    expect(await shop.heed.messages.report({ tag, kind: "complaint" })).toEqual({ did: "noted" });
    for (const { email } of [anna, other]) {
      const answers = await shop.sendable(email);
      expect(answers).toMatchObject({
        "product-news": "suppressed",
        events: "suppressed",
        offers: "suppressed",
      });
      expect(answers).toMatchObject({ outages: true, receipts: true, terms: true });
    }
    await shop.heed.work.drain();
    expect(shop.crm.contacts.get(anna.email)?.size).toBe(0);
    const complaints = (await shop.rows("events")).filter(({ method }) => method === "complaint");
    expect(complaints).toMatchObject([{ kind: "withdrawn", scope: "all", channel: "email" }]);
    expect(JSON.stringify([complaints, await shop.rows("evidence")])).not.toContain(tag);
    expect(await shop.isSendable("product-news", ben.email)).toBe(true);
  });

  it("that two processes bring at the same time is one choice", async () => {
    const shop = await openSubscribed();
    const tag = await sent(shop, "product-news", "n1");
    const heard: unknown[] = [];
    shop.heed.on("message.reported", (event) => heard.push(event));
    const all = await Promise.all(
      Array.from({ length: 5 }, () => shop.heed.messages.report({ tag, kind: "complaint" })),
    );
    expect(all.filter(({ did }) => did === "unsubscribed")).toHaveLength(1);
    expect((await shop.rows("events")).filter(({ method }) => method === "complaint")).toHaveLength(1);
    expect([await reported(shop), heard].map((each) => each.length)).toEqual([1, 1]);
  });

  it("of somebody of whom heed has no more than the message silences the address", async () => {
    const shop = openShop();
    const tag = await sent(shop, "receipts", "r1");
    expect(await shop.isSendable("offers", ben.email)).toBe(true);
    expect(await shop.heed.messages.report({ tag, kind: "complaint" })).toEqual({ did: "unsubscribed" });
    expect(await shop.isSendable("offers", anna.email)).toBe("suppressed");
    expect(await shop.heed.suppression.check(anna)).toEqual({ suppressed: true, because: "opted-out" });
    expect(await shop.isSendable("receipts", anna.email)).toBe(true);
  });

  it("that comes again after the person opted in is not another one", async () => {
    for (const isKnown of [false, true]) {
      const shop = isKnown ? await openSubscribed() : openShop();
      const tag = await sent(shop, "receipts", "r1");
      await shop.heed.messages.report({ tag, kind: "complaint" });
      shop.clock.advance(1000);
      await shop.heed.consent.give({ subject: anna, purpose: "offers", evidence: noEvidence });
      expect(await shop.heed.messages.report({ tag, kind: "complaint" })).toEqual({ did: "noted" });
      expect(await shop.isSendable("offers", anna.email)).toBe(true);
    }
  });
});

it("a key stays needed for the address of a message that is nobody's, and a complaint silences it after a rotation", async () => {
  const old = newKey();
  const shop = openShop({ keys: keyring(old) });
  const tag = await sent(shop, "receipts", "r1");
  const after = shop.under(keyring(`${old.replace(":active:", ":lookup:")} ${newKey()}`));
  await after.keys.rotate();
  const kept = (await after.keys.status()).filter(({ state }) => state === "lookup");
  expect(kept).toMatchObject([{ rows: { permits: 1 }, mayRetire: false }]);
  const complaint = { tag, kind: "complaint", recipient: anna.email } as const;
  expect(await after.messages.report(complaint)).toEqual({ did: "unsubscribed" });
  expect(await after.suppression.check(anna)).toEqual({ suppressed: true, because: "opted-out" });
});

it("a report counts against its address under whichever key that is by then", async () => {
  const old = newKey();
  let meanwhile: (() => Promise<unknown>) | undefined;
  const storage = memory();
  const interrupted: HeedStorage = {
    ...storage,
    async transact(transaction) {
      const isLocked = transaction.lock.length > 0;
      const then = isLocked ? meanwhile : undefined;
      if (isLocked) meanwhile = undefined;
      await then?.();
      return storage.transact(transaction);
    },
  };
  const shop = openShop({ keys: keyring(old), storage: interrupted });
  await shop.heed.subjects.record({ subject: anna });
  const tag = await sent(shop, "receipts", "r1");
  const both = shop.under(keyring(`${old.replace(":active:", ":lookup:")} ${newKey()}`));
  // Between reading which message it is and the lock of its address.
  meanwhile = () => both.keys.rotate();
  expect(await both.messages.report({ tag, kind: "hard" })).toEqual({ did: "stopped" });
  const [[permit], [report]] = [await shop.rows("permits"), await shop.rows("reports")];
  expect(permit).toBeDefined();
  expect(report?.address).toBe(permit?.address);
});

describe("a report that is not believed", () => {
  it("names no message, or is about somebody whom it was not for", async () => {
    const shop = await openSubscribed();
    const tag = await sent(shop, "product-news", "n1");
    const wrong = [
      { tag: "a".repeat(26) },
      { tag: tag.toUpperCase() },
      { tag: `${tag} ` },
      { tag: "" },
      { tag: "__proto__" },
      { tag, recipient: ben.email },
      { tag, recipient: "no address" },
      { tag, recipient: "" },
    ];
    for (const kind of ["hard", "soft", "policy", "complaint"] as const)
      for (const each of wrong)
        expect(await shop.heed.messages.report({ kind, ...each })).toEqual({ did: "unknown" });
    expect([await shop.rows("reports"), await reported(shop)]).toEqual([[], []]);
    expect(await shop.isSendable("product-news", anna.email)).toBe(true);
    const right = { tag, recipient: "ANNA@Example.Org", kind: "hard" } as const;
    expect(await shop.heed.messages.report(right)).toEqual({ did: "stopped" });
  });

  it("is not told from one that is, without the key of its message", async () => {
    const old = newKey();
    const shop = openShop({ keys: keyring(old) });
    const report = { tag: await sent(shop, "receipts", "r1"), kind: "hard", recipient: anna.email } as const;
    const without = shop.under(keyring(newKey())).messages;
    await expect(without.report(report)).rejects.toMatchObject({ code: "unknown-key" });
    expect(await shop.rows("reports")).toEqual([]);
    expect(await shop.heed.messages.report(report)).toEqual({ did: "stopped" });
  });

  it("is about a message that an erasure has forgotten, and leaves nothing of it behind", async () => {
    const shop = await openSubscribed();
    const tag = await sent(shop, "product-news", "n1");
    await shop.heed.messages.report({ tag, kind: "soft" });
    expect((await shop.erase(anna)).state).toBe("fulfilled");
    expect([await shop.rows("permits"), await shop.rows("reports")]).toEqual([[], []]);
    for (const kind of ["hard", "complaint"] as const)
      expect(await shop.heed.messages.report({ tag, kind })).toEqual({ did: "unknown" });
    // Whoever comes back begins anew.
    await shop.heed.consent.give({ subject: anna, purpose: "news", evidence: noEvidence });
    shop.clock.advance(1);
    expect(await shop.isSendable("product-news", anna.email)).toBe(true);
  });

  it("is of a kind that there is not", async () => {
    const shop = await openSubscribed();
    const tag = await sent(shop, "product-news", "n1");
    for (const kind of ["delayed", "constructor", undefined])
      await expect(shop.heed.messages.report({ tag, kind } as never)).rejects.toMatchObject({
        name: "InvalidInputError",
      });
  });
});
