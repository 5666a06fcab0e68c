import { request as rawRequest } from "node:http";
import { memory, newKey } from "@heed/core";
import { faulty } from "@heed/testing";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { openShop } from "../test/shop.ts";
import { listen, unsubscribeHandler, type UnsubscribeHandlerOptions } from "./index.ts";

const email = "anna@dest.example";
const at = (token: string) => `https://acme.example/u/${token}`;
const oneClick = () => new URLSearchParams({ "List-Unsubscribe": "One-Click" });

/** The pages in front of a real heed, and a link that it mailed. */
async function setting(
  given: Parameters<typeof openShop>[0] = {},
  options: Partial<UnsubscribeHandlerOptions> = {},
) {
  const shop = openShop(given);
  const token = await shop.linkFor("product-news", email);
  const handler = unsubscribeHandler({ links: shop.heed.links, controller: "Acme", ...options });
  const post = async (path: string) =>
    (await handler(new Request(at(path), { method: "POST", body: oneClick() }))).status;
  const get = async (path: string) => (await handler(new Request(at(path)))).status;
  return { ...shop, token, handler, post, get };
}

describe("a token that was altered", () => {
  it("is not authentic with any bit of it turned", async () => {
    const shop = await setting();
    const [kid = "", body = ""] = shop.token.split(".");
    const bytes = Buffer.from(body, "base64url");
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length * 8 - 1), async (bit) => {
        const altered = Buffer.from(bytes);
        altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(await shop.post(`${kid}.${altered.toString("base64url")}`)).toBe(404);
      }),
    );
    expect(await shop.kinds()).toEqual(["given"]);
    expect(await shop.post(shop.token)).toBe(200);
  });

  it.each<[string, (token: string) => string]>([
    ["cut off", (token) => token.slice(0, -1)],
    ["cut off at its front", (token) => token.slice(1)],
    ["without its key", (token) => token.split(".")[1] ?? ""],
    ["padded", (token) => `${token}=`],
    ["padded, encoded", (token) => `${token}%3D%3D`],
    ["longer", (token) => `${token}A`],
    ["twice", (token) => `${token}${token}`],
    ["of another key", (token) => `zzzz.${token.split(".")[1]}`],
    ["in lower case", (token) => token.toLowerCase()],
    ["in upper case", (token) => token.toUpperCase()],
    ["percent-encoded twice", (token) => token.replace(".", "%252E")],
    ["with a blank", (token) => `${token}%20`],
    ["with a zero", (token) => `${token}%00`],
    ["10 kB long", (token) => token.padEnd(10_000, "A")],
    ["10 kB of what mail programs add", (token) => token.padEnd(10_000, ".")],
  ])("is not authentic %s", async (_how, alter) => {
    const shop = await setting();
    expect([await shop.get(alter(shop.token)), await shop.post(alter(shop.token))]).toEqual([404, 404]);
    expect(await shop.kinds()).toEqual(["given"]);
  });

  it("is not authentic for another list", async () => {
    const shop = await setting();
    const offers = await shop.linkFor("offers", email);
    const [kid = "", body = ""] = shop.token.split(".");
    const [one, other] = [body, offers.split(".")[1] ?? ""].map((each) => Buffer.from(each, "base64url"));
    if (one === undefined || other === undefined) throw new Error("no tokens");
    const same = one.findIndex((byte, index) => byte !== other[index]);
    // The list's code stands behind the reference, and before the MAC.
    expect(same).toBe(16);
    other.copy(one, 16, 16, one.length - 12);
    expect(await shop.post(`${kid}.${one.toString("base64url")}`)).toBe(404);
    expect(await shop.kinds()).toEqual(["given", "given"]);
  });

  it("is not authentic where it was made for something else", async () => {
    const shop = await setting();
    expect(await shop.post(await shop.askedFor("ben@dest.example"))).toBe(404);
    const elsewhere = await setting({ keys: newKey() });
    expect(await elsewhere.post(shop.token)).toBe(404);
  });
});

describe("a link that heed mailed", () => {
  it("names its list, all lists, and what still comes", async () => {
    const shop = await setting();
    const page = await (await shop.handler(new Request(at(shop.token)))).text();
    const names = [...page.matchAll(/<li>([^<]*)<\/li>/g)].map(([, name]) => name?.trim());
    expect(names).toEqual(["Product news", "offers", "Receipts"]);
    expect(page).toContain("Stop “Product news”");
  });
});

describe("a token of somebody erased", () => {
  it("is answered as ever, keeps the address silent, and makes nobody anew", async () => {
    const shop = await setting();
    await shop.heed.requests.open({ right: "erasure", subject: { email }, identity: "signed-in" });
    await shop.heed.work.drain();
    expect([await shop.get(shop.token), await shop.post(shop.token), await shop.post(shop.token)]).toEqual([
      200, 200, 200,
    ]);
    expect(await shop.rows("subjects")).toEqual([]);
    expect((await shop.rows("suppressions")).map(({ scope }) => scope)).toContain("topic:product-news");
  });
});

describe("1,000 clicks at once", () => {
  it("are each answered, and are one opt-out", async () => {
    const shop = await setting();
    const statuses = await Promise.all(Array.from({ length: 1000 }, () => shop.post(shop.token)));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(await shop.kinds()).toEqual(["given", "withdrawn"]);
  });
});

describe("a storage that fails in the midst", () => {
  it.each([{ before: "throws" }, { after: "throws" }] as const)(
    "is 503, and the next try is 200 and one opt-out: %j",
    async (fault) => {
      let isOn = false;
      const storage = faulty(memory(), () => (isOn ? fault : undefined));
      const shop = await setting({ storage });
      isOn = true;
      expect([await shop.get(shop.token), await shop.post(shop.token)]).toEqual([200, 503]);
      isOn = false;
      expect(await shop.post(shop.token)).toBe(200);
      expect(await shop.kinds()).toEqual(["given", "withdrawn"]);
    },
  );
});

describe("a slow body in pieces", () => {
  it("is 408, and changes nothing", async () => {
    const shop = await setting({}, { bodyTimeoutMs: 100 });
    const server = await listen(shop.handler);
    onTestFinished(() => server.close());
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const request = rawRequest(`${server.url}/u/${shop.token}`, {
        method: "POST",
        headers: { "Content-Type": "application/x-www-form-urlencoded", "Transfer-Encoding": "chunked" },
      });
      const pieces = setInterval(() => void request.write("x"), 20);
      onTestFinished(() => clearInterval(pieces));
      request.on("response", (response) => resolve(response.resume().statusCode)).on("error", reject);
      request.write("List-Unsubscribe=One-Click&x=");
    });
    expect([status, await shop.kinds()]).toEqual([408, ["given"]]);
  });
});
