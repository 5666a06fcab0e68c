import { openStage, type Stage } from "heed-example-stage";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAseptsoft } from "../src/aseptsoft.ts";

const anna = { email: "anna.canary@example.ch" };
const evidence = { noticeVersion: "2026-01", language: "en" } as const;
const privacy = "privacy@aseptsoft.example";

let aseptsoft: Stage<ReturnType<typeof createAseptsoft>>;
beforeEach(async () => {
  aseptsoft = await openStage("AseptSoft", createAseptsoft);
  await aseptsoft.heed.subjects.record({ subject: anna });
  aseptsoft.accounts.add(anna.email);
});
afterEach(async () => {
  await aseptsoft.close();
});

type Topic = Parameters<typeof aseptsoft.mailer.send>[0]["topic"];

const news = { subject: "AseptSoft Pro 2027", text: "It is here.\n\nUnsubscribe: {{unsubscribe}}" };
const notice = { subject: "AseptSoft", text: "Please read this." };
let sent = 0;
const send = (topic: Topic, message = topic === "new-versions" || topic === "advertising" ? news : notice) =>
  aseptsoft.mailer.send({ topic, to: anna.email, messageKey: `${topic}-${(sent += 1)}`, message });

const tracked = [
  ["a pixel", { ...notice, html: '<p>Read.</p><img src="https://t.example/p.gif" width="1" height="1">' }],
  ["a tagged link", { ...notice, text: "https://aseptsoft.example/account?utm_source=mail" }],
] as const;

const optOut = () => aseptsoft.heed.subscriptions.unsubscribe({ subject: anna, topic: "all" });
const accepted = { status: "accepted" };

/** AseptSoft tells heed when a plan begins, and until when it is paid. */
async function buysPro(days: number): Promise<void> {
  const until = new Date(aseptsoft.clock.now().getTime() + days * 86_400_000).toISOString();
  const contract = { evidence: { none: true }, until } as const;
  await aseptsoft.heed.subscriptions.subscribe({ subject: anna, topic: "pro-alerts", ...contract });
}

async function eraseAnna(): Promise<void> {
  await aseptsoft.heed.requests.open({ right: "erasure", subject: anna, identity: "signed-in" });
  await aseptsoft.settle();
  expect(aseptsoft.accounts.has(anna.email)).toBe(false);
}

describe("ASE-08: announce new versions of Pro AseptSoft®", () => {
  it("is a topic with a class of its own: marketing, which customers get until they say no", async () => {
    expect(await send("new-versions")).toMatchObject(accepted);
    expect(aseptsoft.lettersTo(anna.email)[0]?.headers.map(({ name }) => name)).toContain("list-unsubscribe");
    await optOut();
    expect(await send("new-versions")).toEqual({ status: "blocked", because: "suppressed" });
  });

  it("covers no topic that was not declared", async () => {
    // @ts-expect-error the policy has no such topic
    expect(await send("beta-versions")).toEqual({ status: "blocked", because: "topic-not-covered" });
    expect(aseptsoft.post.messages).toEqual([]);
  });
});

describe("ASE-09: advertise new Aseptconn AG products and services", () => {
  it("goes to whoever consented, until they opt out", async () => {
    expect(await send("advertising")).toEqual({ status: "blocked", because: "not-given" });
    await aseptsoft.heed.consent.give({ subject: anna, purpose: "advertising", evidence });
    expect(await send("advertising")).toMatchObject(accepted);
    await optOut();
    expect(await send("advertising")).toEqual({ status: "blocked", because: "suppressed" });
  });

  it.each(["pro-alerts", "security", "account-notice", "legal-notice"] as const)(
    "cannot be sent as %s: an advertisement has a way out, and no such mail may have one",
    async (topic) => {
      await buysPro(30);
      await optOut();
      await expect(send(topic, news)).rejects.toMatchObject({ code: "no-unsubscribe-link" });
      expect(aseptsoft.post.messages).toEqual([]);
    },
  );
});

describe("ASE-10: send you alerts about Pro services", () => {
  it("sends them in spite of a marketing opt-out", async () => {
    await buysPro(30);
    await optOut();
    expect(await send("pro-alerts")).toMatchObject(accepted);
  });

  it("sends them only while Pro is active", async () => {
    expect(await send("pro-alerts")).toEqual({ status: "blocked", because: "not-given" });
    await buysPro(30);
    expect(await send("pro-alerts")).toMatchObject(accepted);
    aseptsoft.clock.skip(31 * 86_400_000);
    expect((await send("pro-alerts")).status).toBe("blocked");
    await buysPro(30);
    expect(await send("pro-alerts")).toMatchObject(accepted);
  });
});

describe("ASE-11: reset your password and help keep your account secure", () => {
  const reset = { subject: "Your password", text: "Choose a new one: https://aseptsoft.example/reset" };

  it("is always delivered while the account exists", async () => {
    await optOut();
    expect(await send("security", reset)).toMatchObject(accepted);
  });

  it("is not after an erasure", async () => {
    await eraseAnna();
    expect(await send("security", reset)).toEqual({ status: "blocked", because: "erased" });
  });

  it.each(tracked)("has no tracking: %s", async (_what, message) => {
    await expect(send("security", message)).rejects.toMatchObject({ code: "tracking" });
    expect(aseptsoft.post.messages).toEqual([]);
  });

  it("has no promotion: nothing in it can be unsubscribed from", async () => {
    await expect(send("security", news)).rejects.toMatchObject({ code: "no-unsubscribe-link" });
    expect(aseptsoft.post.messages).toEqual([]);
  });
});

describe("ASE-12: contact you in special circumstances related to your account", () => {
  it("is delivered in spite of a marketing opt-out", async () => {
    await optOut();
    expect(await send("account-notice")).toMatchObject(accepted);
  });

  it("is not after an erasure", async () => {
    await eraseAnna();
    expect(await send("account-notice")).toEqual({ status: "blocked", because: "erased" });
  });

  it.each(tracked)("has no tracking: %s", async (_what, message) => {
    await expect(send("account-notice", message)).rejects.toMatchObject({ code: "tracking" });
    expect(aseptsoft.post.messages).toEqual([]);
  });
});

describe("ASE-13: contact you about legal requests", () => {
  it("is delivered while an erasure is being carried out, and nothing is advertised then", async () => {
    await aseptsoft.heed.consent.give({ subject: anna, purpose: "advertising", evidence });
    await aseptsoft.heed.requests.open({ right: "erasure", subject: anna, identity: "signed-in" });
    expect(await send("legal-notice")).toMatchObject(accepted);
    expect(await send("advertising")).toEqual({ status: "blocked", because: "frozen" });
  });

  it("cannot be used for marketing", async () => {
    await expect(send("legal-notice", news)).rejects.toMatchObject({ code: "no-unsubscribe-link" });
    expect(aseptsoft.post.messages).toEqual([]);
  });
});

describe("ASE-32: You can send privacy-related questions, complaints, and requests to AseptSoft® at", () => {
  it.each([
    ["a request", "Please erase all my data", "erasure", undefined, "awaiting_verification"],
    ["a request for people", "A copy of all my data, please", "inquiry", "access", "awaiting_manual"],
    ["a complaint", "A complaint about how you use my data", "inquiry", "complaint", "awaiting_manual"],
    ["a question", "A question about privacy", "inquiry", undefined, "awaiting_manual"],
  ])("takes %s, tells that it came, and its clock runs", async (_what, subject, right, about, state) => {
    const before = aseptsoft.clock.now().toISOString();
    await aseptsoft.write({ from: anna.email, to: privacy, subject, text: "Thank you." });
    const [request] = await aseptsoft.heed.requests.list();
    expect(request).toMatchObject({ right, state });
    expect([request?.about, aseptsoft.desk.length]).toEqual([about, 1]);
    expect(request?.dueOn).toMatch(/^\d{4}-\d{2}-\d{2}$/);
    const { receivedAt } = await aseptsoft.heed.requests.get(request?.id ?? "");
    expect(receivedAt >= before && receivedAt <= aseptsoft.clock.now().toISOString()).toBe(true);
    expect(aseptsoft.lettersTo(anna.email)).toHaveLength(1);
    await aseptsoft.settle();
    expect(aseptsoft.accounts.has(anna.email)).toBe(true);
  });

  it("does nothing on the word of whoever only claims to be the person, and asks them at the address on file", async () => {
    const forged = { from: anna.email, to: privacy, signed: false };
    await aseptsoft.write({ ...forged, subject: "Please erase all my data", text: "Now." });
    await aseptsoft.settle();
    expect(aseptsoft.accounts.has(anna.email)).toBe(true);
    expect((await aseptsoft.heed.requests.list()).map(({ state }) => state)).toEqual([
      "awaiting_verification",
    ]);
  });
});
