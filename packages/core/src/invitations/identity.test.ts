import { describe, expect, it } from "vitest";
import { openShop } from "../../test/shop.ts";
import { TamperedEvidenceError } from "../errors/tampered-evidence-error.ts";
import { readToken } from "./invitation-token.ts";
import { keyring, newKey } from "../keys/keyring.ts";

const anna = { email: "anna@example.org" };
const minuteMs = 60_000;
const dayMs = 86_400_000;

type Shop = ReturnType<typeof openShop>;

/** A request that came by mail: nobody knows yet who sent it. */
async function asked(shop: Shop, subject: Record<string, string> = anna, receivedAt?: string) {
  const request = await shop.heed.requests.open({
    right: "erasure",
    subject,
    identity: "unverified",
    ...(receivedAt === undefined ? {} : { receivedAt }),
  });
  return request.id;
}

const stateOf = async (shop: Shop, id: string) => (await shop.heed.requests.get(id)).state;

describe("identity by link", () => {
  it("lets a request go on when its address is shown to be theirs", async () => {
    const shop = openShop();
    const id = await asked(shop);
    const { token, expiresAt } = await shop.heed.requests.invite(id);
    expect(expiresAt).toBe("2026-01-22T12:00:00.000Z");
    expect(token).toMatch(/^[A-Za-z0-9._-]{1,64}$/);
    expect(await shop.heed.invitations.open(token)).toEqual({
      kind: "identity",
      state: "open",
      expiresAt,
      right: "erasure",
    });
    await shop.heed.work.drain();
    expect(await stateOf(shop, id)).toBe("awaiting_verification");
    const answered = await shop.heed.invitations.answer({ token, answer: "yes" });
    expect(answered).toMatchObject({ state: "answered", answer: "yes", changed: true });
    expect((await shop.rows("requests"))[0]?.identity).toBe("confirmed-by-link");
    expect((await shop.heed.invitations.answer({ token, answer: "yes" })).changed).toBe(false);
    await shop.heed.work.drain();
    expect(await stateOf(shop, id)).toBe("fulfilled");
    expect(await shop.heed.invitations.open(token)).toBeUndefined();
    await expect(shop.heed.invitations.answer({ token, answer: "yes" })).rejects.toThrow(
      TamperedEvidenceError,
    );
    expect(await shop.rows("subjects")).toEqual([]);
  });

  it("takes the request back on a no, and a yes after it changes nothing", async () => {
    const shop = openShop();
    const id = await asked(shop);
    const { token } = await shop.heed.requests.invite(id);
    for (const [answer, changed] of [
      ["no", true],
      ["no", false],
      ["yes", false],
    ] as const)
      expect(await shop.heed.invitations.answer({ token, answer })).toMatchObject({ answer: "no", changed });
    expect(await stateOf(shop, id)).toBe("withdrawn");
  });

  it("takes a no after a yes as long as nothing was carried out", async () => {
    const shop = openShop();
    const id = await asked(shop);
    const { token } = await shop.heed.requests.invite(id);
    await shop.heed.invitations.answer({ token, answer: "yes" });
    const no = await shop.heed.invitations.answer({ token, answer: "no" });
    expect(no).toMatchObject({ answer: "no", changed: true });
    await shop.heed.work.drain();
    expect(await stateOf(shop, id)).toBe("withdrawn");
  });

  it("is begun once by many at once", async () => {
    const shop = openShop();
    const { token } = await shop.heed.requests.invite(await asked(shop));
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => shop.heed.invitations.answer({ token, answer: "yes" })),
    );
    expect(answers.filter(({ changed }) => changed)).toHaveLength(1);
  });

  it("expires after seven days, and nothing begins", async () => {
    const shop = openShop();
    const id = await asked(shop);
    const { token } = await shop.heed.requests.invite(id);
    shop.clock.advance(7 * dayMs);
    expect((await shop.heed.invitations.answer({ token, answer: "yes" })).state).toBe("expired");
    expect(await stateOf(shop, id)).toBe("awaiting_verification");
    const again = await shop.heed.requests.invite(id);
    expect((await shop.heed.invitations.answer({ token: again.token, answer: "yes" })).changed).toBe(true);
  });

  it("expires with the request's deadline at the latest", async () => {
    const shop = openShop();
    const id = await asked(shop, anna, "2025-12-18T12:00:00Z");
    const [row] = await shop.rows("requests");
    const { expiresAt } = await shop.heed.requests.invite(id);
    expect(expiresAt).toBe(row?.dueAt);
    expect(expiresAt < "2026-01-22T12:00:00.000Z").toBe(true);
    shop.clock.advance(Date.parse(expiresAt) - shop.clock.now().getTime());
    await expect(shop.heed.requests.invite(id)).rejects.toMatchObject({ code: "request-ended" });
  });

  it.each([
    ["a second address", { email: anna.email, phone: "+46700000042" }],
    ["a telephone number alone", { phone: "+46700000042" }],
    ["an account as well", { email: anna.email, accountId: "7" }],
  ])("is refused for a request that names %s", async (_what, subject) => {
    const shop = openShop();
    const id = await asked(shop, subject);
    await expect(shop.heed.requests.invite(id)).rejects.toMatchObject({
      name: "ConflictError",
      code: "not-one-address",
    });
  });

  it("is given where the person is known by more, and only the address was named", async () => {
    const shop = openShop();
    await shop.heed.subjects.record({ subject: { ...anna, accountId: "7" } });
    expect((await shop.heed.requests.invite(await asked(shop))).token).toBeDefined();
  });

  it("is refused for a request that waits for nobody, and for one that is none", async () => {
    const shop = openShop();
    const id = await asked(shop);
    const { token } = await shop.heed.requests.invite(id);
    await shop.heed.requests.verify({ id, identity: "operator-checked" });
    await expect(shop.heed.requests.invite(id)).rejects.toMatchObject({ code: "already-verified" });
    expect(await shop.heed.invitations.answer({ token, answer: "yes" })).toMatchObject({
      state: "overtaken",
      changed: false,
    });
    await shop.heed.requests.withdraw(id);
    await expect(shop.heed.requests.invite(id)).rejects.toMatchObject({ code: "request-ended" });
    await expect(shop.heed.requests.invite("none")).rejects.toMatchObject({ code: "no-such-request" });
  });

  it("is of its own controller only", async () => {
    const keys = keyring(newKey());
    const shop = openShop({ keys });
    const { token } = await shop.heed.requests.invite(await asked(shop));
    const other = openShop({ keys, storage: shop.storage, namespace: "other" });
    expect(await other.heed.invitations.open(token)).toBeUndefined();
  });

  it("has a token of a kind of its own", async () => {
    const keys = keyring(newKey());
    const shop = openShop({ keys });
    const { token } = await shop.heed.requests.invite(await asked(shop));
    expect(readToken(keys, token)?.kind).toBe("identity");
    shop.clock.advance(minuteMs);
    const request = await shop.heed.subscriptions.request({
      subject: { email: "ben@example.org" },
      topic: "events",
      evidence: { none: true },
    });
    expect(request.asked && readToken(keys, request.token)?.kind).toBe("opt-in");
  });
});
