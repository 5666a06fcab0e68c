import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { noEvidence, openShop, type ShopTopic } from "../../test/shop.ts";
import type { HeedStorage } from "../contract/storage.ts";
import { keyring, newKey } from "../keys/keyring.ts";
import { memory } from "../memory/memory.ts";
import { TamperedEvidenceError } from "../errors/tampered-evidence-error.ts";

const anna = { email: "anna@example.org" };
const evidence = noEvidence;
const minuteMs = 60_000;
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";

type Shop = ReturnType<typeof openShop>;

async function tokenFor(shop: Shop, topic: ShopTopic, email = anna.email): Promise<string> {
  const answer = await shop.heed.permits.take({ topic, email, messageKey: `token ${Math.random()}` });
  if (!answer.allowed || answer.unsubscribeToken === undefined) throw new Error("no token");
  return answer.unsubscribeToken;
}

async function openSubscribed(): Promise<{ shop: Shop; token: string }> {
  const shop = openShop();
  await shop.heed.consent.give({ subject: anna, purpose: "news", evidence });
  const token = await tokenFor(shop, "product-news");
  shop.clock.advance(minuteMs);
  return { shop, token };
}

const titled = (...topics: readonly ShopTopic[]) => topics.map((topic) => ({ topic, title: topic }));

describe("an unsubscribe token", () => {
  it("is short, fits anywhere in a link, and names nobody", async () => {
    const shop = openShop();
    for (let n = 0; n < 30; n += 1) {
      const token = await tokenFor(shop, "offers", `person${n}@example.org`);
      expect(token).toMatch(/^[A-Za-z0-9._-]{1,48}$/);
      expect(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("latin1")).not.toContain("person");
    }
    const longest = openShop({ keys: keyring(newKey().replace(/^[^:]+/, "abcd")) });
    expect((await tokenFor(longest, "offers")).length).toBe(48);
  });

  it("says what it is about, and changes nothing by that", async () => {
    const { shop, token } = await openSubscribed();
    expect(await shop.heed.links.open(token)).toEqual({
      topic: "product-news",
      title: "product-news",
      class: "marketing",
      lists: titled("product-news", "events", "offers"),
      stillComes: titled("tips", "outages", "receipts", "terms"),
    });
    expect(await shop.isSendable("product-news", anna.email)).toBe(true);
  });

  it("ends its topic and no other", async () => {
    const { shop, token } = await openSubscribed();
    expect(await shop.heed.links.unsubscribe({ token, scope: "topic" })).toEqual({ changed: true });
    expect(await shop.isSendable("product-news", anna.email)).toBe("suppressed");
    expect(await shop.isSendable("events", anna.email)).toBe(true);
    expect(await shop.heed.links.unsubscribe({ token, scope: "topic" })).toEqual({ changed: false });
  });

  it("used 1,000 times at once is one opt-out, and one more when it is used again later", async () => {
    const { shop, token } = await openSubscribed();
    const click = () => shop.heed.links.unsubscribe({ token, scope: "topic" });
    const answers = await Promise.all(Array.from({ length: 1000 }, click));
    expect(answers.filter(({ changed }) => changed)).toHaveLength(1);
    const optOuts = async () => (await shop.rows("events")).filter(({ kind }) => kind === "withdrawn").length;
    expect(await optOuts()).toBe(1);
    shop.clock.advance(minuteMs - 1);
    await click();
    expect(await optOuts()).toBe(1);
    shop.clock.advance(1);
    await click();
    expect(await optOuts()).toBe(2);
  });

  it("is heard again after a new opt-in, however soon, and outweighs one that is imported from before", async () => {
    const { shop, token } = await openSubscribed();
    const click = () => shop.heed.links.unsubscribe({ token, scope: "topic" });
    const subscribe = (more: object) =>
      shop.heed.subscriptions.subscribe({ subject: anna, topic: "product-news", evidence, ...more });
    await click();
    shop.clock.advance(1000);
    await subscribe({});
    shop.clock.advance(1000);
    expect(await click()).toEqual({ changed: true });
    expect(await shop.isSendable("product-news", anna.email)).toBe("suppressed");
    const at = new Date(shop.clock.now().getTime() + 1000).toISOString();
    shop.clock.advance(2000);
    expect(await click()).toEqual({ changed: false });
    shop.clock.advance(1000);
    await subscribe({ at, imported: true });
    expect(await shop.isSendable("product-news", anna.email)).toBe("suppressed");
  });

  it("ends all marketing when asked to", async () => {
    const { shop, token } = await openSubscribed();
    await shop.heed.links.unsubscribe({ token, scope: "all" });
    for (const topic of ["product-news", "events", "offers"] as const)
      expect(await shop.isSendable(topic, anna.email)).toBe("suppressed");
    expect(await shop.isSendable("receipts", anna.email)).toBe(true);
  });

  it("silences the person it was issued for and nobody else", async () => {
    const { shop, token } = await openSubscribed();
    const ben = { email: "ben@example.org" };
    await shop.heed.consent.give({ subject: ben, purpose: "news", evidence });
    await shop.heed.links.unsubscribe({ token, scope: "all" });
    expect(await shop.isSendable("product-news", ben.email)).toBe(true);
  });

  it("works after the person was linked to another", async () => {
    const { shop, token } = await openSubscribed();
    const other = "anna.b@example.net";
    await shop.heed.consent.give({ subject: { email: other }, purpose: "news", evidence });
    await shop.heed.subjects.record({ subject: { email: [other, anna.email] }, identityVerified: true });
    shop.clock.advance(minuteMs);
    await shop.heed.links.unsubscribe({ token, scope: "topic" });
    for (const email of [anna.email, other])
      expect(await shop.isSendable("product-news", email)).toBe("suppressed");
  });

  it.each([
    [
      "linked to another",
      (shop: Shop) =>
        shop.heed.subjects.record({
          subject: { email: ["other@example.net", anna.email] },
          identityVerified: true,
        }),
    ],
    ["erased", (shop: Shop) => shop.erase(anna)],
  ])("is not lost on somebody who is %s while it is used", async (_what, change) => {
    let meanwhile: (() => Promise<unknown>) | undefined;
    const storage = memory();
    const interrupted: HeedStorage = {
      ...storage,
      async transact(transaction) {
        const then = transaction.lock.length > 0 ? meanwhile : undefined;
        if (then !== undefined) meanwhile = undefined;
        await then?.();
        return storage.transact(transaction);
      },
    };
    const shop = openShop({ storage: interrupted });
    await shop.heed.consent.give({ subject: { email: "other@example.net" }, purpose: "news", evidence });
    await shop.heed.consent.give({ subject: anna, purpose: "news", evidence });
    const token = await tokenFor(shop, "product-news");
    shop.clock.advance(minuteMs);
    // After it was opened, before its choice has the locks of the subject.
    meanwhile = () => change(shop);
    expect(await shop.heed.links.unsubscribe({ token, scope: "topic" })).toEqual({ changed: true });
    expect(await shop.isSendable("product-news", anna.email)).not.toBe(true);
    expect(meanwhile).toBeUndefined();
  });

  it("is refused with any single character changed", async () => {
    const { shop, token } = await openSubscribed();
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: token.length - 1 }),
        fc.constantFrom(...alphabet.split("")),
        async (index, character) => {
          fc.pre(token[index] !== character);
          const changed = token.slice(0, index) + character + token.slice(index + 1);
          expect(await shop.heed.links.open(changed)).toBeUndefined();
        },
      ),
      { numRuns: 1500 },
    );
    expect(await shop.heed.links.open(token)).toBeDefined();
  });

  it("is refused with another list, another person or another key's name in it", async () => {
    const { shop, token } = await openSubscribed();
    const other = await tokenFor(shop, "offers", "ben@example.org");
    const [kid = "", ours = ""] = token.split(".");
    const [a, b] = [ours, other.split(".")[1] ?? ""].map((part) => Buffer.from(part, "base64url"));
    if (a === undefined || b === undefined) throw new Error("no tokens");
    // 16 octets say who, 4 which list, the rest is the MAC.
    const swapped = [
      Buffer.concat([a.subarray(0, 16), b.subarray(16, 20), a.subarray(20)]),
      Buffer.concat([b.subarray(0, 16), a.subarray(16)]),
      Buffer.concat([a.subarray(0, 20), b.subarray(20)]),
    ].map((bytes) => `${kid}.${bytes.toString("base64url")}`);
    for (const forged of [...swapped, `k9.${ours}`, `.${ours}`, token.toLowerCase(), token.toUpperCase()])
      expect(await shop.heed.links.open(forged)).toBeUndefined();
  });

  it("is refused truncated, prolonged, doubled or empty", async () => {
    const { shop, token } = await openSubscribed();
    const { links } = shop.heed;
    for (let length = 0; length < token.length; length += 1)
      expect(await links.open(token.slice(0, length))).toBeUndefined();
    for (const more of ["=", "A", ".", " ", "\n", `.${token}`, token])
      expect(await links.open(token + more)).toBeUndefined();
    await expect(links.unsubscribe({ token: token.slice(0, -1), scope: "topic" })).rejects.toThrow(
      TamperedEvidenceError,
    );
    expect(await shop.isSendable("product-news", anna.email)).toBe(true);
  });

  it("is refused under another keyring, and when it was made for something else", async () => {
    const { shop, token } = await openSubscribed();
    expect(await openShop().heed.links.open(token)).toBeUndefined();
    const keys = keyring(newKey());
    const elsewhere = openShop({ keys });
    const forged = keys.token("confirm", Buffer.from(token.split(".")[1] ?? "", "base64url").subarray(0, 20));
    expect(await elsewhere.heed.links.open(forged)).toBeUndefined();
    expect(await shop.heed.links.open(forged)).toBeUndefined();
  });

  it("is refused when it is authentic and its reference is not known", async () => {
    const keys = keyring(newKey());
    const token = await tokenFor(openShop({ keys }), "offers");
    expect(await openShop({ keys }).heed.links.open(token)).toBeUndefined();
  });

  it("works as long as its key may be looked up", async () => {
    const old = newKey();
    const token = await tokenFor(openShop({ keys: keyring(old) }), "offers");
    const lookedUp = keyring(`${old.replace(":active:", ":lookup:")} ${newKey()}`);
    expect(() => lookedUp.openToken("unsubscribe", token, 20)).not.toThrow();
    const retired = keyring(`${old.replace(":active:", ":retired:")} ${newKey()}`);
    expect(() => retired.openToken("unsubscribe", token, 20)).toThrow(TamperedEvidenceError);
  });

  it("says the same about every defect, and nothing of the token", async () => {
    const { shop, token } = await openSubscribed();
    const messages = new Set<string>();
    for (const wrong of ["", "x", token.slice(1), `${token}A`, `zz.${token.slice(4)}`]) {
      const error: unknown = await shop.heed.links
        .unsubscribe({ token: wrong, scope: "topic" })
        .catch((caught: unknown) => caught);
      messages.add((error as Error).message);
    }
    expect([...messages]).toEqual(["The token is not authentic."]);
  });
});

describe("an unsubscribe token after an erasure", () => {
  it("still answers, and still keeps the address silent", async () => {
    const { shop, token } = await openSubscribed();
    await shop.erase(anna);
    expect(await shop.heed.links.open(token)).toMatchObject({ topic: "product-news" });
    expect(await shop.heed.links.unsubscribe({ token, scope: "all" })).toEqual({ changed: true });
    expect(await shop.heed.links.unsubscribe({ token, scope: "all" })).toEqual({ changed: false });
    expect(await shop.isSendable("receipts", anna.email)).toBe("erased");
    expect(await shop.rows("subjects")).toEqual([]);
  });

  it("outweighs an opt-in that the person made before it, having come back", async () => {
    const { shop, token } = await openSubscribed();
    await shop.erase(anna);
    await shop.heed.consent.give({ subject: anna, purpose: "news", evidence });
    shop.clock.advance(minuteMs);
    expect(await shop.isSendable("product-news", anna.email)).toBe(true);
    await shop.heed.links.unsubscribe({ token, scope: "topic" });
    expect(await shop.isSendable("product-news", anna.email)).toBe("suppressed");
    expect(await shop.isSendable("events", anna.email)).toBe(true);
    // It is theirs, so processors are told.
    expect((await shop.rows("events")).filter(({ kind }) => kind === "withdrawn")).toHaveLength(1);
    await shop.heed.work.drain();
    expect(shop.crm.contacts.get(anna.email)).not.toContain("product-news");
  });

  it("is another one than whoever comes back gets", async () => {
    const { shop, token } = await openSubscribed();
    await shop.erase(anna);
    await shop.heed.consent.give({ subject: anna, purpose: "news", evidence });
    shop.clock.advance(minuteMs);
    const since = await tokenFor(shop, "product-news");
    expect(since.slice(0, 25)).not.toBe(token.slice(0, 25));
  });

  it("stops a message that has its permit already", async () => {
    const { shop, token } = await openSubscribed();
    await shop.erase(anna);
    await shop.heed.consent.give({ subject: anna, purpose: "news", evidence });
    shop.clock.advance(minuteMs);
    const answer = await shop.heed.permits.take({
      topic: "product-news",
      email: anna.email,
      messageKey: "after the return",
    });
    if (!answer.allowed) throw new Error("no permit");
    await shop.heed.links.unsubscribe({ token, scope: "topic" });
    expect(await answer.handOver()).toBe(false);
  });

  // Under another key the token does not find them, and so has no permit to revoke.
  it("stops it also at the same instant, and where they came back under a new key", async () => {
    const old = newKey();
    const shop = openShop({ keys: keyring(old) });
    await shop.heed.consent.give({ subject: anna, purpose: "news", evidence });
    const token = await tokenFor(shop, "product-news");
    await shop.erase(anna);
    const later = shop.under(keyring(`${old.replace(":active:", ":lookup:")} ${newKey()}`));
    await later.consent.give({ subject: anna, purpose: "news", evidence });
    shop.clock.advance(minuteMs);
    const ask = { topic: "product-news", email: anna.email, messageKey: "after the return" } as const;
    const answer = await later.permits.take(ask);
    if (!answer.allowed) throw new Error(`no permit: ${answer.because}`);
    expect(await later.links.unsubscribe({ token, scope: "topic" })).toEqual({ changed: true });
    expect(await answer.handOver()).toBe(false);
    expect(answer.signal.aborted).toBe(true);
  });
});

describe("links.issue", () => {
  it("answers a token for somebody known, with the address as it is on file", async () => {
    const shop = openShop();
    await shop.heed.subjects.record({ subject: { email: "Anna.B@Example.org" } });
    const ask = { email: "anna.b@EXAMPLE.ORG", topic: "events" } as const;
    const issued = await shop.heed.links.issue(ask);
    expect(issued).toEqual({
      token: expect.stringMatching(/^[A-Za-z0-9._-]{1,48}$/),
      email: "Anna.B@example.org",
    });
    expect(await shop.heed.links.issue(ask)).toEqual(issued);
    const token = issued?.token ?? "";
    expect(await shop.heed.links.open(token)).toMatchObject({ topic: "events", class: "marketing" });
    expect(await shop.heed.links.unsubscribe({ token, scope: "topic" })).toEqual({ changed: true });
    expect(await shop.sendable(ask.email)).toMatchObject({ events: "suppressed", offers: true });
  });

  it("points to the same as the token of a permit", async () => {
    const { shop, token } = await openSubscribed();
    const issued = await shop.heed.links.issue({ email: anna.email, topic: "product-news" });
    expect(issued).toEqual({ token, email: anna.email });
    expect(await shop.rows("references")).toHaveLength(1);
  });

  it("issues one for all, which is about everything and ends all marketing", async () => {
    const { shop } = await openSubscribed();
    const { token = "" } = (await shop.heed.links.issue({ email: anna.email, topic: "all" })) ?? {};
    expect(token.length).toBeLessThanOrEqual(48);
    expect(await shop.heed.links.open(token)).toMatchObject({ topic: "all", class: "marketing" });
    await shop.heed.links.unsubscribe({ token, scope: "topic" });
    for (const topic of ["product-news", "events", "offers"] as const)
      expect(await shop.isSendable(topic, anna.email)).toBe("suppressed");
    expect(await shop.isSendable("outages", anna.email)).toBe(true);
  });

  it("answers nothing for somebody unknown or erased, and makes nobody known", async () => {
    const { shop } = await openSubscribed();
    const ben = { email: "ben@example.org", topic: "all" } as const;
    expect(await shop.heed.links.issue(ben)).toBeUndefined();
    expect(await shop.heed.subjects.addressOnFile({ email: ben.email })).toBeUndefined();
    expect(await shop.rows("subjects")).toHaveLength(1);
    await shop.erase(anna);
    const ofAnna = { email: anna.email, topic: "all" } as const;
    expect(await shop.heed.links.issue(ofAnna)).toBeUndefined();
    // An opt-out makes a record again, so that processors can be told; nobody has come back by it.
    await shop.heed.subscriptions.unsubscribe({ subject: anna, topic: "all" });
    expect(await shop.rows("subjects")).toHaveLength(1);
    expect(await shop.heed.links.issue(ofAnna)).toBeUndefined();
    expect(await shop.heed.subjects.addressOnFile(anna)).toBeUndefined();
    await shop.heed.subjects.record({ subject: anna });
    expect(await shop.heed.links.issue(ofAnna)).toMatchObject({ email: anna.email });
  });

  it("does not guess without a key under which somebody may be known", async () => {
    const shop = openShop({ keys: keyring(newKey()) });
    await shop.heed.subjects.record({ subject: anna });
    const without = shop.under(keyring(newKey()));
    for (const asked of [
      without.links.issue({ email: anna.email, topic: "all" }),
      without.subjects.addressOnFile(anna),
    ])
      await expect(asked).rejects.toMatchObject({ code: "unknown-key" });
  });

  it("refuses a topic that there is not, and what is no address", async () => {
    const { heed } = openShop();
    for (const ask of [
      { email: anna.email, topic: "newz" },
      { email: "anna", topic: "all" },
      { email: anna.email },
      { email: anna.email, topic: "all", to: "ben@example.org" },
    ])
      await expect(heed.links.issue(ask as never)).rejects.toMatchObject({ name: "InvalidInputError" });
  });
});

describe("subjects.addressOnFile", () => {
  it("answers the spelling that came first, whatever is asked by", async () => {
    const { heed } = openShop();
    await heed.subjects.record({ subject: { email: "Anna@Bücher.example" } });
    await heed.subscriptions.unsubscribe({ subject: { email: "ANNA@xn--bcher-kva.example" }, topic: "all" });
    for (const email of ["anna@bücher.example", "AnNa@xn--bcher-kva.EXAMPLE"])
      expect(await heed.subjects.addressOnFile({ email })).toBe("Anna@xn--bcher-kva.example");
  });

  it.each(["inquiry", "erasure"] as const)(
    "answers nothing for somebody whom nothing but an unproven %s names, and there is no token for them",
    async (right) => {
      const shop = openShop();
      const ben = { email: "ben@example.org" };
      const open = () => shop.heed.requests.open({ right, subject: ben, identity: "unverified" });
      await open();
      await open();
      expect(await shop.heed.subjects.addressOnFile(ben)).toBeUndefined();
      expect(await shop.heed.links.issue({ ...ben, topic: "all" })).toBeUndefined();
      expect(await shop.rows("references")).toEqual([]);
    },
  );

  const meanwhile: Record<string, (shop: Shop) => Promise<unknown>> = {
    "was recorded": ({ heed }) => heed.subjects.record({ subject: { email: "ben@example.org" } }),
    "was written to": ({ isSendable }) => isSendable("terms", "ben@example.org"),
    "said no to something": ({ heed }) =>
      heed.subscriptions.unsubscribe({ subject: { email: "ben@example.org" }, topic: "offers" }),
    "showed who they are": ({ heed }) =>
      heed.requests.open({
        right: "inquiry",
        about: "other",
        subject: { email: "ben@example.org" },
        identity: "signed-in",
      }),
  };
  for (const [what, happens] of Object.entries(meanwhile)) {
    it(`answers for somebody who had asked for something, and ${what}`, async () => {
      const shop = openShop();
      const ben = { email: "ben@example.org" };
      await shop.heed.requests.open({ right: "erasure", subject: ben, identity: "unverified" });
      await happens(shop);
      expect(await shop.heed.subjects.addressOnFile(ben)).toBe(ben.email);
    });
  }
});
