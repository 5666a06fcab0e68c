import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { openShop } from "../../test/shop.ts";
import { ephemeralKeys } from "../keys/keyring.ts";
import { searchStorage } from "../keys/search-storage.ts";

const anna = { email: "anna@example.org" };
const purpose = "offers";
const minuteMs = 60_000;
const dayMs = 86_400_000;
const noticeOf = (noticeVersion: string) => ({
  noticeVersion,
  noticeSha256: createHash("sha256").update(`We changed our policy: ${noticeVersion}`).digest("hex"),
});

type Shop = ReturnType<typeof openShop>;

async function invited(shop: Shop, version = "2026-02", more: { readonly until?: string } = {}) {
  const answer = await shop.heed.consent.invite({
    subject: anna,
    purpose: "tips",
    evidence: noticeOf(version),
    ...more,
  });
  if (!answer.asked) throw new Error(`not asked: ${answer.because}`);
  shop.clock.advance(minuteMs);
  return answer;
}

const tips = (shop: Shop) => shop.isSendable("tips", anna.email);

describe("a notice of a changed policy", () => {
  it("gives leave to nothing while nobody answers, however long", async () => {
    const shop = openShop();
    const { token, expiresAt } = await invited(shop);
    expect(expiresAt).toBe("2026-02-14T12:00:00.000Z");
    expect(await tips(shop)).toBe("not-given");
    shop.clock.advance(29 * dayMs);
    expect(await tips(shop)).toBe("not-given");
    shop.clock.advance(dayMs);
    expect(await shop.heed.invitations.answer({ token, answer: "yes" })).toMatchObject({ state: "expired" });
    expect(await tips(shop)).toBe("not-given");
    expect((await shop.rows("events")).map(({ kind }) => kind)).toEqual(["requested"]);
  });

  it("takes a yes as renewed consent, with the notice that was shown", async () => {
    const keys = ephemeralKeys();
    const shop = openShop({ keys });
    const { token } = await invited(shop);
    expect(await shop.heed.invitations.open(token)).toMatchObject({
      kind: "renewal",
      state: "open",
      name: "tips",
      title: "tips",
      noticeVersion: "2026-02",
    });
    await shop.heed.invitations.answer({ token, answer: "yes", language: "sv" });
    expect(await tips(shop)).toBe(true);
    const events = await shop.rows("events");
    expect(events.map(({ kind, scope, name }) => [kind, scope, name])).toEqual([
      ["requested", "purpose", "tips"],
      ["renewed", "purpose", "tips"],
    ]);
    const shown = { ...noticeOf("2026-02"), language: "sv" };
    expect(await searchStorage(shop.storage, keys, JSON.stringify(shown))).toEqual([
      { table: "events", column: "sealed", sealed: true },
    ]);
  });

  it("takes a no as a refusal, also after a yes, and no yes after it", async () => {
    const shop = openShop();
    const { token } = await invited(shop);
    const answers = ["yes", "no", "yes", "no"] as const;
    const changed = [];
    for (const answer of answers) {
      changed.push((await shop.heed.invitations.answer({ token, answer })).changed);
      shop.clock.advance(minuteMs);
    }
    expect(changed).toEqual([true, true, false, false]);
    expect(await tips(shop)).toBe("suppressed");
    expect((await shop.rows("events")).at(-1)?.kind).toBe("refused");
  });

  it("leaves consent of before as it is, until it is refused", async () => {
    const shop = openShop();
    await shop.heed.consent.give({ subject: anna, purpose: "tips", evidence: { none: true } });
    shop.clock.advance(minuteMs);
    const { token } = await invited(shop);
    expect(await tips(shop)).toBe(true);
    await shop.heed.invitations.answer({ token, answer: "no" });
    expect(await tips(shop)).toBe("suppressed");
  });

  it("overtakes an older one: a yes to the old notice is none to the new", async () => {
    const shop = openShop();
    const old = await invited(shop, "2026-02");
    const young = await invited(shop, "2026-03");
    expect(await shop.heed.invitations.answer({ token: old.token, answer: "yes" })).toMatchObject({
      state: "overtaken",
      changed: false,
    });
    expect(await tips(shop)).toBe("not-given");
    await shop.heed.invitations.answer({ token: young.token, answer: "yes" });
    expect(await tips(shop)).toBe(true);
    expect((await shop.heed.invitations.answer({ token: old.token, answer: "no" })).changed).toBe(true);
    expect(await tips(shop)).toBe("suppressed");
  });

  it("is put also to whoever said no to the old one, or called something spam", async () => {
    const shop = openShop();
    const { token } = await invited(shop);
    await shop.heed.invitations.answer({ token, answer: "no" });
    await shop.heed.subscriptions.unsubscribe({ subject: anna, topic: "tips", method: "complaint" });
    shop.clock.advance(minuteMs);
    const young = await invited(shop, "2026-03");
    expect(await tips(shop)).toBe("suppressed");
    await shop.heed.invitations.answer({ token: young.token, answer: "yes" });
    expect(await tips(shop)).toBe(true);
  });

  it("is dead after an opt-out in between", async () => {
    const shop = openShop();
    const { token } = await invited(shop);
    await shop.heed.consent.withdraw({ subject: anna, purpose: "tips" });
    shop.clock.advance(minuteMs);
    expect((await shop.heed.invitations.answer({ token, answer: "yes" })).state).toBe("overtaken");
    expect(await tips(shop)).toBe("suppressed");
  });

  it("is not about marketing where its purpose is none: unsubscribing everything leaves it open", async () => {
    const shop = openShop();
    const { token } = await invited(shop);
    await shop.heed.subscriptions.unsubscribe({ subject: anna, topic: "all" });
    shop.clock.advance(minuteMs);
    expect((await shop.heed.invitations.answer({ token, answer: "yes" })).changed).toBe(true);
    expect(await tips(shop)).toBe(true);
  });

  it("ends when the caller says", async () => {
    const shop = openShop();
    const { token } = await invited(shop, "2026-02", { until: "2026-01-16T12:00:00+01:00" });
    shop.clock.advance(dayMs - 3_600_000);
    expect((await shop.heed.invitations.open(token))?.state).toBe("expired");
  });

  it.each([
    ["no version", { evidence: { noticeSha256: "a".repeat(64) } }],
    ["no digest", { evidence: { noticeVersion: "1" } }],
    ["a digest that is none", { evidence: { noticeVersion: "1", noticeSha256: "abc" } }],
    ["an end in the past", { until: "2026-01-15T12:00:00Z" }],
    ["an unknown purpose", { purpose: "gossip" }],
  ])("is refused with %s, and records nothing", async (_what, wrong) => {
    const shop = openShop();
    const ask = { subject: anna, purpose, evidence: noticeOf("1"), ...wrong } as never;
    await expect(shop.heed.consent.invite(ask)).rejects.toMatchObject({ name: "InvalidInputError" });
    expect(await shop.rows("events")).toEqual([]);
  });
});
