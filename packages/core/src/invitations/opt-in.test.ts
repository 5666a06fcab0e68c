import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openShop, shopPolicy } from "../../test/shop.ts";
import { stepRow } from "../../test/step-row.ts";
import type { HeedStorage } from "../contract/storage.ts";
import { TamperedEvidenceError } from "../errors/tampered-evidence-error.ts";
import { createHeed } from "../heed.ts";
import { keyring, newKey } from "../keys/keyring.ts";
import { memory } from "../memory/memory.ts";
import { definePolicy } from "../policy/define-policy.ts";

const anna = { email: "anna@example.org" };
const evidence = { noticeVersion: "2026-01", form: "footer" };
const topic = "product-news";
const minuteMs = 60_000;
const dayMs = 86_400_000;

type Shop = ReturnType<typeof openShop>;

/** Somebody typed Anna's address into the form. */
async function asked(shop: Shop, more: { readonly expiresAfterDays?: number } = {}) {
  const answer = await shop.heed.subscriptions.request({ subject: anna, topic, evidence, ...more });
  if (!answer.asked) throw new Error(`not asked: ${answer.because}`);
  shop.clock.advance(minuteMs);
  return answer;
}

const kindsOf = async (shop: Shop) => (await shop.rows("events")).map(({ kind }) => kind);

describe("a request to subscribe", () => {
  it("gives leave to nothing, and makes a short token that names nobody", async () => {
    const shop = openShop({ keys: keyring(newKey().replace(/^[^:]+/, "abcd")) });
    const answer = await asked(shop);
    expect(answer).toMatchObject({ changed: true, steps: [], expiresAt: "2026-01-22T12:00:00.000Z" });
    expect(answer.token).toMatch(/^[A-Za-z0-9._-]{1,64}$/);
    expect(Buffer.from(answer.token.split(".")[1] ?? "", "base64url").toString("latin1")).not.toContain(
      "anna",
    );
    expect(await shop.isSendable(topic, anna.email)).toBe("not-given");
    expect(await shop.heed.subscriptions.state({ subject: anna, topic })).toEqual({ state: "never-asked" });
    expect(await kindsOf(shop)).toEqual(["requested"]);
  });

  it("is confirmed by a yes, and by nothing else", async () => {
    const shop = openShop();
    const { token, eventId } = await asked(shop);
    expect(await shop.heed.invitations.open(token)).toEqual({
      kind: "opt-in",
      state: "open",
      expiresAt: "2026-01-22T12:00:00.000Z",
      name: "product-news",
      title: "product-news",
      noticeVersion: "2026-01",
    });
    expect(await kindsOf(shop)).toEqual(["requested"]);
    const answered = await shop.heed.invitations.answer({ token, answer: "yes", language: "sv" });
    expect(answered).toMatchObject({ state: "answered", answer: "yes", changed: true });
    expect(await shop.isSendable(topic, anna.email)).toBe(true);
    expect(await shop.isSendable("events", anna.email)).toBe("not-given");
    const [, confirmed] = await shop.rows("events");
    expect(confirmed).toMatchObject({
      kind: "confirmed",
      confirms: eventId,
      channel: "email",
      method: "link",
    });
    await shop.heed.work.drain();
    expect([...(shop.crm.contacts.get(anna.email) ?? [])]).toEqual([topic]);
  });

  it("gives the same answer to the same yes, however often, and records one", async () => {
    const shop = openShop();
    const { token } = await asked(shop);
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => shop.heed.invitations.answer({ token, answer: "yes" })),
    );
    expect(answers.filter(({ changed }) => changed)).toHaveLength(1);
    expect(new Set(answers.map(({ state, answer }) => `${state} ${answer}`))).toEqual(
      new Set(["answered yes"]),
    );
    expect(await kindsOf(shop)).toEqual(["requested", "confirmed"]);
  });

  it.each(["topic", "all", "purpose"])("is dead after an opt-out in between: %s", async (wide) => {
    const shop = openShop();
    const { token } = await asked(shop);
    if (wide === "purpose") await shop.heed.consent.withdraw({ subject: anna, purpose: "news" });
    else await shop.heed.subscriptions.unsubscribe({ subject: anna, topic: wide === "all" ? "all" : topic });
    shop.clock.advance(minuteMs);
    expect((await shop.heed.invitations.open(token))?.state).toBe("overtaken");
    const answered = await shop.heed.invitations.answer({ token, answer: "yes" });
    expect(answered).toMatchObject({ state: "overtaken", changed: false });
    expect(await shop.isSendable(topic, anna.email)).toBe("suppressed");
    expect(await kindsOf(shop)).toEqual(["requested", "withdrawn"]);
  });

  it("outlives an opt-out of something else, and one from before", async () => {
    const shop = openShop();
    await shop.heed.subscriptions.unsubscribe({ subject: anna, topic: "all" });
    shop.clock.advance(minuteMs);
    const { token } = await asked(shop);
    await shop.heed.subscriptions.unsubscribe({ subject: anna, topic: "events" });
    shop.clock.advance(minuteMs);
    expect(await shop.heed.invitations.answer({ token, answer: "yes" })).toMatchObject({ changed: true });
    expect(await shop.isSendable(topic, anna.email)).toBe(true);
    expect(await shop.isSendable("events", anna.email)).toBe("suppressed");
  });

  it("ends in silence whichever comes first at one instant, a yes or an opt-out", async () => {
    for (const isYesFirst of [true, false]) {
      const shop = openShop();
      const { token } = await asked(shop);
      const yes = () => shop.heed.invitations.answer({ token, answer: "yes" });
      const no = () => shop.heed.subscriptions.unsubscribe({ subject: anna, topic });
      await Promise.all(isYesFirst ? [yes(), no()] : [no(), yes()]);
      expect(await shop.isSendable(topic, anna.email)).toBe("suppressed");
    }
  });

  it("expires", async () => {
    const shop = openShop();
    const { token, expiresAt } = await asked(shop, { expiresAfterDays: 2 });
    expect(expiresAt).toBe("2026-01-17T12:00:00.000Z");
    shop.clock.advance(2 * dayMs);
    for (const answer of ["yes", "no"] as const)
      expect(await shop.heed.invitations.answer({ token, answer })).toMatchObject({
        state: "expired",
        changed: false,
      });
    expect(await kindsOf(shop)).toEqual(["requested"]);
    expect(await shop.isSendable(topic, anna.email)).toBe("not-given");
  });

  it("may be answered until the instant before it expires", async () => {
    const shop = openShop();
    const { token } = await asked(shop);
    shop.clock.advance(7 * dayMs - minuteMs - 1);
    expect((await shop.heed.invitations.answer({ token, answer: "yes" })).changed).toBe(true);
    expect(await shop.isSendable(topic, anna.email)).toBe(true);
    const late = openShop();
    const { token: expired } = await asked(late);
    late.clock.advance(7 * dayMs - minuteMs);
    expect(await late.heed.invitations.open(expired)).toMatchObject({ state: "expired" });
    expect((await late.heed.invitations.answer({ token: expired, answer: "yes" })).changed).toBe(false);
  });

  it("is overtaken when the policy knows its topic no more", async () => {
    const keys = keyring(newKey());
    const shop = openShop({ keys });
    const ask = { subject: anna, topic: "offers", evidence } as const;
    const answer = await shop.heed.subscriptions.request(ask);
    const token = answer.asked ? answer.token : "";
    shop.clock.advance(minuteMs);
    const { controller, recipients, purposes, topics } = shopPolicy;
    const { offers: _gone, ...others } = topics;
    const policy = definePolicy({ controller, recipients, purposes, topics: others });
    const { storage, clock, crm } = shop;
    const since = createHeed({ policy, storage, keys, clock, processors: { crm: crm.processor } as never });
    expect(await since.invitations.open(token)).toMatchObject({ state: "overtaken", title: "offers" });
    expect((await since.invitations.answer({ token, answer: "yes" })).changed).toBe(false);
    expect((await since.invitations.answer({ token, answer: "no" })).changed).toBe(true);
  });

  it("asked again is the same one, until half of its time is over; the older one stays usable", async () => {
    const shop = openShop();
    const first = await asked(shop);
    shop.clock.advance(3 * dayMs);
    expect(await asked(shop)).toEqual({ ...first, changed: false });
    shop.clock.advance(dayMs);
    const second = await asked(shop);
    expect(second).toMatchObject({ changed: true, expiresAt: "2026-01-26T12:02:00.000Z" });
    expect(second.token).not.toBe(first.token);
    expect(await kindsOf(shop)).toEqual(["requested", "requested"]);
    expect((await shop.heed.invitations.answer({ token: first.token, answer: "yes" })).changed).toBe(true);
    expect(await shop.isSendable(topic, anna.email)).toBe(true);
  });

  it("asked again under another notice is another one", async () => {
    const shop = openShop();
    const first = await asked(shop);
    const other = { noticeVersion: "2026-02" };
    const second = await shop.heed.subscriptions.request({ subject: anna, topic, evidence: other });
    if (!second.asked) throw new Error("not asked");
    expect(second.token).not.toBe(first.token);
    expect((await shop.heed.invitations.open(second.token))?.noticeVersion).toBe("2026-02");
    expect((await shop.heed.invitations.open(first.token))?.noticeVersion).toBe("2026-01");
  });

  it("asked again under other words of the same version is another one", async () => {
    const shop = openShop();
    const noticeOf = (digit: string) => ({ noticeVersion: "2026-01", noticeSha256: digit.repeat(64) });
    const tokens = [];
    for (const digit of ["a", "b", "a"]) {
      const answer = await shop.heed.subscriptions.request({
        subject: anna,
        topic,
        evidence: noticeOf(digit),
      });
      tokens.push(answer.asked && answer.token);
    }
    expect(new Set(tokens).size).toBe(2);
    expect(tokens[2]).toBe(tokens[0]);
  });

  it("about something else is another one, and each answers its own", async () => {
    const shop = openShop();
    const first = await asked(shop);
    const notice = { noticeVersion: "2026-01", noticeSha256: "a".repeat(64) };
    const answers = [
      await shop.heed.subscriptions.request({ subject: anna, topic: "tips", evidence }),
      await shop.heed.consent.invite({ subject: anna, purpose: "tips", evidence: notice }),
      await shop.heed.consent.request({ subject: anna, purpose: "tips", evidence: notice }),
    ];
    const tokens = [first, ...answers].map((answer) => answer.asked && answer.token);
    expect(new Set(tokens).size).toBe(4);
    // A request under a renewal's own notice is none the less of its own kind.
    expect(await shop.heed.invitations.open(tokens.at(-1) || "")).toMatchObject({
      kind: "opt-in",
      state: "open",
    });
    shop.clock.advance(minuteMs);
    await shop.heed.invitations.answer({ token: first.token, answer: "yes" });
    expect([await shop.isSendable(topic, anna.email), await shop.isSendable("tips", anna.email)]).toEqual([
      true,
      "not-given",
    ]);
  });

  it("asked again after an opt-out is another one, since that one is dead", async () => {
    const shop = openShop();
    const first = await asked(shop);
    await shop.heed.subscriptions.unsubscribe({ subject: anna, topic: "all" });
    shop.clock.advance(minuteMs);
    const second = await asked(shop);
    expect(second.token).not.toBe(first.token);
    expect((await shop.heed.invitations.answer({ token: second.token, answer: "yes" })).changed).toBe(true);
    expect(await shop.isSendable(topic, anna.email)).toBe(true);
  });

  it("works for a whole purpose too", async () => {
    const shop = openShop();
    const request = await shop.heed.consent.request({ subject: anna, purpose: "news", evidence });
    if (!request.asked) throw new Error("not asked");
    shop.clock.advance(minuteMs);
    expect(await shop.isSendable("events", anna.email)).toBe("not-given");
    await shop.heed.invitations.answer({ token: request.token, answer: "yes" });
    expect(await shop.isSendable("events", anna.email)).toBe(true);
  });

  it.each([
    ["half a day", { expiresAfterDays: 0.5 }],
    ["no day", { expiresAfterDays: 0 }],
    ["a year", { expiresAfterDays: 365 }],
    ["no evidence", { evidence: {} }],
    ["a channel that is no slug", { channel: "Anna's form" }],
    ["an unknown key", { expiresAfterDay: 3 }],
    ["an unknown topic", { topic: "gossip" }],
  ])("is refused with %s, and records nothing", async (_what, wrong) => {
    const shop = openShop();
    const ask = { subject: anna, topic, evidence, ...wrong } as never;
    await expect(shop.heed.subscriptions.request(ask)).rejects.toMatchObject({ name: "InvalidInputError" });
    expect(await shop.rows("events")).toEqual([]);
  });
});

describe("a no", () => {
  it("is recorded, silences, and keeps the address from being asked for 90 days", async () => {
    const shop = openShop();
    const { token } = await asked(shop);
    expect(await shop.heed.invitations.answer({ token, answer: "no" })).toMatchObject({
      state: "answered",
      answer: "no",
      changed: true,
    });
    expect(await kindsOf(shop)).toEqual(["requested", "refused"]);
    const ask = { subject: anna, topic, evidence } as const;
    shop.clock.advance(90 * dayMs - minuteMs);
    expect(await shop.heed.subscriptions.request(ask)).toMatchObject({ asked: false, because: "refused" });
    expect(await shop.rows("events")).toHaveLength(2);
    expect(await shop.heed.subscriptions.request({ ...ask, topic: "events" })).toMatchObject({ asked: true });
    shop.clock.advance(minuteMs);
    expect(await shop.heed.subscriptions.request(ask)).toMatchObject({ asked: true });
  });

  it("counts after a yes, also when the link has expired since, and a yes after it does not", async () => {
    const shop = openShop();
    const { token } = await asked(shop);
    await shop.heed.invitations.answer({ token, answer: "yes" });
    shop.clock.advance(30 * dayMs);
    expect(await shop.isSendable(topic, anna.email)).toBe(true);
    const no = await shop.heed.invitations.answer({ token, answer: "no" });
    expect(no).toMatchObject({ state: "answered", answer: "no", changed: true });
    expect(await shop.isSendable(topic, anna.email)).toBe("suppressed");
    shop.clock.advance(minuteMs);
    for (const answer of ["yes", "no"] as const)
      expect(await shop.heed.invitations.answer({ token, answer })).toMatchObject({
        answer: "no",
        changed: false,
      });
    expect(await shop.isSendable(topic, anna.email)).toBe("suppressed");
    expect(await kindsOf(shop)).toEqual(["requested", "confirmed", "refused"]);
  });

  it("revokes what was about to be sent", async () => {
    const shop = openShop();
    const { token } = await asked(shop);
    await shop.heed.invitations.answer({ token, answer: "yes" });
    const permit = await shop.heed.permits.take({ topic, email: anna.email, messageKey: "m" });
    if (!permit.allowed) throw new Error("no permit");
    await shop.heed.invitations.answer({ token, answer: "no" });
    expect(permit.signal.aborted).toBe(true);
    expect(await permit.handOver()).toBe(false);
  });
});

describe("nobody is asked", () => {
  const ask = { subject: anna, topic, evidence } as const;

  it("for 90 days after a complaint, about any marketing", async () => {
    const shop = openShop();
    await shop.heed.subscriptions.unsubscribe({ subject: anna, topic: "all", method: "complaint" });
    shop.clock.advance(minuteMs);
    expect(await shop.heed.subscriptions.request(ask)).toMatchObject({ asked: false, because: "complained" });
    expect(await shop.heed.subscriptions.request({ ...ask, topic: "tips" })).toMatchObject({ asked: true });
    shop.clock.advance(90 * dayMs);
    expect(await shop.heed.subscriptions.request(ask)).toMatchObject({ asked: true });
  });

  it("after an ordinary opt-out, one is", async () => {
    const shop = openShop();
    await shop.heed.subscriptions.unsubscribe({ subject: anna, topic: "all" });
    shop.clock.advance(minuteMs);
    expect(await shop.heed.subscriptions.request(ask)).toMatchObject({ asked: true });
  });

  it("who was erased, until they come back", async () => {
    const shop = openShop();
    await shop.heed.consent.give({ subject: anna, purpose: "news", evidence });
    await shop.erase(anna);
    expect(await shop.heed.subscriptions.request(ask)).toMatchObject({ asked: false, because: "erased" });
    expect(await shop.rows("subjects")).toEqual([]);
    await shop.heed.subjects.record({ subject: anna });
    shop.clock.advance(minuteMs);
    const { token } = await asked(shop);
    await shop.heed.invitations.answer({ token, answer: "yes" });
    expect(await shop.isSendable(topic, anna.email)).toBe(true);
  });

  it("who is being erased", async () => {
    const shop = openShop();
    await shop.heed.requests.open({ right: "erasure", subject: anna, identity: "signed-in" });
    expect(await shop.heed.subscriptions.request(ask)).toMatchObject({ asked: false, because: "frozen" });
    expect(await shop.rows("parked")).toEqual([]);
  });
});

describe("an erasure", () => {
  it("ends the person's invitations, and an answer makes nobody anew", async () => {
    const shop = openShop();
    const { token } = await asked(shop);
    const { id } = await shop.heed.requests.open({ right: "erasure", subject: anna, identity: "signed-in" });
    expect((await shop.heed.invitations.open(token))?.state).toBe("overtaken");
    expect((await shop.heed.invitations.answer({ token, answer: "yes" })).changed).toBe(false);
    await shop.heed.work.drain();
    expect((await shop.heed.requests.get(id)).state).toBe("fulfilled");
    expect(await shop.rows("invitations")).toEqual([]);
    expect(await shop.heed.invitations.open(token)).toBeUndefined();
    for (const answer of ["yes", "no"] as const)
      await expect(shop.heed.invitations.answer({ token, answer })).rejects.toThrow(TamperedEvidenceError);
    for (const table of ["subjects", "identifiers", "parked", "dataKeys"] as const)
      expect(await shop.rows(table)).toEqual([]);
  });

  it("takes a no while it runs", async () => {
    const shop = openShop();
    const { token } = await asked(shop);
    await shop.heed.requests.open({ right: "erasure", subject: anna, identity: "signed-in" });
    expect((await shop.heed.invitations.answer({ token, answer: "no" })).changed).toBe(true);
  });
});

describe("a token", () => {
  it("works after the person was linked to another, once", async () => {
    const shop = openShop();
    const { token } = await asked(shop);
    const other = "anna.b@example.net";
    await shop.heed.consent.give({ subject: { email: other }, purpose: "offers", evidence });
    await shop.heed.subjects.record({ subject: { email: [other, anna.email] }, identityVerified: true });
    expect(await shop.rows("subjects")).toHaveLength(1);
    shop.clock.advance(minuteMs);
    expect((await shop.heed.invitations.answer({ token, answer: "yes" })).changed).toBe(true);
    expect(await shop.isSendable(topic, other)).toBe(true);
  });

  it("works after the keys were rotated, as long as its own is known", async () => {
    const [old, young] = [newKey(), newKey()];
    const shop = openShop({ keys: keyring(old) });
    const { token } = await asked(shop);
    const rotated = openShop({
      keys: keyring(`${old.replace(":active:", ":lookup:")} ${young}`),
      storage: shop.storage,
    });
    await rotated.heed.keys.rotate();
    expect((await rotated.heed.invitations.answer({ token, answer: "yes" })).changed).toBe(true);
    expect(await rotated.isSendable(topic, anna.email)).toBe(true);
    const retired = openShop({
      keys: keyring(`${old.replace(":active:", ":retired:")} ${young}`),
      storage: shop.storage,
    });
    expect(await retired.heed.invitations.open(token)).toBeUndefined();
  });

  it("is valid for its own purpose only", async () => {
    const shop = openShop();
    const { token } = await asked(shop);
    await shop.heed.consent.give({ subject: anna, purpose: "offers", evidence });
    const permit = await shop.heed.permits.take({ topic: "offers", email: anna.email, messageKey: "m" });
    const link = permit.allowed ? (permit.unsubscribeToken ?? "") : "";
    expect(await shop.heed.links.open(link)).toBeDefined();
    expect(await shop.heed.invitations.open(link)).toBeUndefined();
    expect(await shop.heed.links.open(token)).toBeUndefined();
    await expect(shop.heed.links.unsubscribe({ token, scope: "all" })).rejects.toThrow(TamperedEvidenceError);
    const elsewhere = openShop();
    expect(await elsewhere.heed.invitations.open(token)).toBeUndefined();
  });

  it("altered in any way is not authentic", async () => {
    const shop = openShop();
    const { token } = await asked(shop);
    const [kid = "", body = ""] = token.split(".");
    const bytes = Buffer.from(body, "base64url");
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length * 8 - 1), async (bit) => {
        const altered = Buffer.from(bytes);
        altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(await shop.heed.invitations.open(`${kid}.${altered.toString("base64url")}`)).toBeUndefined();
      }),
    );
    const others = [
      "",
      kid,
      body,
      `${token}=`,
      `${token}A`,
      `${token}.`,
      token.slice(0, -1),
      token.toLowerCase(),
      ` ${token}`,
      `xx.${body}`,
      "x".repeat(10_000),
    ];
    for (const other of others) expect(await shop.heed.invitations.open(other), other).toBeUndefined();
    expect((await shop.heed.invitations.open(token))?.state).toBe("open");
    expect(await kindsOf(shop)).toEqual(["requested"]);
  });

  it("of another controller in the same storage is not authentic", async () => {
    const keys = keyring(newKey());
    const shop = openShop({ keys });
    const { token } = await asked(shop);
    const other = openShop({ keys, storage: shop.storage, namespace: "other" });
    expect(await other.heed.invitations.open(token)).toBeUndefined();
    expect((await shop.heed.invitations.open(token))?.state).toBe("open");
  });
});

describe("what nobody answered", () => {
  it("is forgotten with the person whom only being asked had made known, confirmation mail and all", async () => {
    const shop = openShop();
    const { token } = await asked(shop);
    await shop.isSendable("receipts", anna.email);
    await shop.heed.work.drain();
    expect(await shop.rows("subjects")).toHaveLength(1);
    shop.clock.advance(7 * dayMs);
    await shop.heed.work.drain();
    for (const table of ["subjects", "identifiers", "dataKeys", "events", "permits", "invitations"] as const)
      expect(await shop.rows(table), table).toEqual([]);
    expect(await shop.heed.invitations.open(token)).toMatchObject({ kind: "opt-in", state: "expired" });
    expect((await shop.heed.invitations.answer({ token, answer: "yes" })).state).toBe("expired");
    expect(await shop.rows("subjects")).toEqual([]);
  });

  it.each<[string, (shop: Shop) => Promise<unknown>]>([
    ["recorded before", (shop) => shop.heed.subjects.record({ subject: anna })],
    ["a consent", (shop) => shop.heed.consent.give({ subject: anna, purpose: "offers", evidence })],
    ["an opt-out", (shop) => shop.heed.subscriptions.unsubscribe({ subject: anna, topic: "events" })],
    ["an identifier", (shop) => shop.heed.subjects.record({ subject: { ...anna, accountId: "7" } })],
    ["a proof", (shop) => shop.heed.subjects.record({ subject: anna, identityVerified: true })],
    [
      "a request",
      (shop) => shop.heed.requests.open({ right: "erasure", subject: anna, identity: "unverified" }),
    ],
    [
      "a marketing message",
      (shop) => shop.heed.permits.take({ topic: "offers", email: anna.email, messageKey: "m" }),
    ],
    [
      "a hold",
      (shop) =>
        shop.heed.holds.place({
          subject: anna,
          reason: "lawsuit",
          orderedBy: "legal",
          reviewAt: "2027-01-01T00:00:00Z",
        }),
    ],
    ["a step that is under way", (shop) => withStep(shop)],
    ["an answer to another", (shop) => answeredOther(shop)],
  ])("leaves whoever is known for more: %s", async (what, makeKnown) => {
    const shop = openShop();
    const isBefore = what === "recorded before";
    if (isBefore) await makeKnown(shop);
    shop.clock.advance(minuteMs);
    await asked(shop);
    if (!isBefore) await makeKnown(shop);
    shop.clock.advance(7 * dayMs);
    await shop.heed.work.drain();
    expect(await shop.rows("subjects")).toHaveLength(1);
    expect((await shop.rows("invitations")).filter((row) => row.answeredAt === null)).toEqual([]);
  });

  it("leaves what may still be answered, and whoever may answer it", async () => {
    const shop = openShop();
    await asked(shop, { expiresAfterDays: 1 });
    const ask = { subject: anna, topic: "events", evidence } as const;
    const open = await shop.heed.subscriptions.request(ask);
    if (!open.asked) throw new Error("not asked");
    shop.clock.advance(dayMs);
    await shop.heed.work.drain();
    expect(await shop.rows("invitations")).toHaveLength(1);
    expect((await shop.heed.invitations.answer({ token: open.token, answer: "yes" })).changed).toBe(true);
  });

  it("is taken out of the bytes of the storage too", async () => {
    const storage = memory();
    let scrubs = 0;
    const counting: HeedStorage = { ...storage, scrub: () => ((scrubs += 1), storage.scrub()) };
    const shop = openShop({ storage: counting });
    await asked(shop);
    await shop.heed.work.drain();
    const before = scrubs;
    shop.clock.advance(7 * dayMs);
    await shop.heed.work.drain();
    expect([await shop.rows("subjects"), scrubs > before]).toEqual([[], true]);
  });

  it("waits for a hold over everyone", async () => {
    const shop = openShop();
    await asked(shop);
    const { id } = await shop.heed.holds.place({
      everyone: true,
      reason: "lawsuit",
      orderedBy: "legal",
      reviewAt: "2027-01-01T00:00:00Z",
    });
    shop.clock.advance(7 * dayMs);
    await shop.heed.work.drain();
    expect(await shop.rows("subjects")).toHaveLength(1);
    await shop.heed.holds.release(id);
    await shop.heed.work.drain();
    expect(await shop.rows("subjects")).toEqual([]);
  });

  it("goes in bounded slices", async () => {
    const shop = openShop();
    for (let n = 0; n < 150; n += 1)
      await shop.heed.subscriptions.request({ subject: { email: `p${n}@example.org` }, topic, evidence });
    shop.clock.advance(7 * dayMs);
    await shop.heed.work.drain();
    expect(await shop.rows("subjects")).toEqual([]);
  });
});

async function withStep({ storage, clock, rows }: Shop): Promise<void> {
  const [{ id: subjectId } = { id: "" }] = await rows("subjects");
  await storage.transact({
    lock: [],
    clock,
    read: {},
    decide: () => ({
      writes: [{ insert: "steps", row: stepRow({ subjectId }) }],
      answer: undefined,
    }),
  });
}

async function answeredOther(shop: Shop): Promise<void> {
  const other = await shop.heed.subscriptions.request({ subject: anna, topic: "events", evidence });
  if (other.asked) await shop.heed.invitations.answer({ token: other.token, answer: "yes" });
}

it("keeps an address in no clear column, in no evidence and in no event", async () => {
  const shop = openShop();
  const told: unknown[] = [];
  shop.heed.on("choice.recorded", (event) => told.push(event));
  const subject = { email: "canary@canary-domain.example" };
  const request = await shop.heed.subscriptions.request({
    subject,
    topic,
    evidence: { form: "typed by canary" },
  });
  if (!request.asked) throw new Error("not asked");
  await shop.heed.invitations.answer({ token: request.token, answer: "yes", language: "en" });
  expect(await shop.placesOf("canary")).toEqual([]);
  expect(JSON.stringify([told, request])).not.toContain("canary");
  expect(told).toHaveLength(2);
});
