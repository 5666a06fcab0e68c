import { describe, expect, it } from "vitest";
import { newsletter, setting } from "../test/setting.ts";
import type { Fault } from "./testing/index.ts";

interface Case {
  readonly fault: Fault;
  readonly outcome: object;
  readonly settled: string;
  /** How many messages the server has afterwards. */
  readonly there?: number;
}

const sent = { settled: "not-sent" } as const;
const cases: Case[] = [
  {
    fault: { at: "connect", answer: "drop" },
    outcome: { status: "notSent", because: "connection" },
    ...sent,
  },
  { fault: { at: "connect", answer: "stall" }, outcome: { status: "notSent", because: "timeout" }, ...sent },
  {
    fault: { at: "connect", answer: "554 No" },
    outcome: { status: "notSent", because: "refused", code: 554 },
    ...sent,
  },
  {
    fault: { at: "connect", answer: "421 Busy" },
    outcome: { status: "notSent", because: "refused", code: 421 },
    ...sent,
  },
  { fault: { at: "ehlo", answer: "drop" }, outcome: { status: "notSent", because: "connection" }, ...sent },
  { fault: { at: "ehlo", answer: "stall" }, outcome: { status: "notSent", because: "timeout" }, ...sent },
  {
    fault: { at: "ehlo", answer: "550 No" },
    outcome: { status: "notSent", because: "refused", code: 550 },
    ...sent,
  },
  { fault: { at: "mail", answer: "drop" }, outcome: { status: "notSent", because: "connection" }, ...sent },
  { fault: { at: "mail", answer: "stall" }, outcome: { status: "notSent", because: "timeout" }, ...sent },
  {
    fault: { at: "mail", answer: "451 4.3.0 Later" },
    outcome: { status: "deferred", code: 451, enhanced: "4.3.0" },
    settled: "deferred",
  },
  {
    fault: { at: "mail", answer: "421 4.3.2 Closing" },
    outcome: { status: "deferred", code: 421, enhanced: "4.3.2" },
    settled: "deferred",
  },
  {
    fault: { at: "mail", answer: "550 5.1.1 Sender" },
    outcome: { status: "rejected", kind: "sender", code: 550, enhanced: "5.1.1" },
    settled: "rejected",
  },
  {
    fault: { at: "mail", answer: "550 5.7.1 Spam" },
    outcome: { status: "rejected", kind: "policy", code: 550, enhanced: "5.7.1" },
    settled: "rejected",
  },
  {
    fault: { at: "mail", answer: "552 5.3.4 Big" },
    outcome: { status: "rejected", kind: "message", code: 552, enhanced: "5.3.4" },
    settled: "rejected",
  },
  { fault: { at: "rcpt", answer: "drop" }, outcome: { status: "notSent", because: "connection" }, ...sent },
  { fault: { at: "rcpt", answer: "stall" }, outcome: { status: "notSent", because: "timeout" }, ...sent },
  {
    fault: { at: "rcpt", answer: "450 4.2.1 Greylisted" },
    outcome: { status: "deferred", code: 450, enhanced: "4.2.1" },
    settled: "deferred",
  },
  {
    fault: { at: "rcpt", answer: "421 Closing" },
    outcome: { status: "deferred", code: 421 },
    settled: "deferred",
  },
  {
    fault: { at: "rcpt", answer: "550 5.1.1 No" },
    outcome: { status: "rejected", kind: "recipient", code: 550, enhanced: "5.1.1" },
    settled: "rejected",
  },
  {
    fault: { at: "rcpt", answer: "550 5.1.10 No" },
    outcome: { status: "rejected", kind: "recipient", code: 550, enhanced: "5.1.10" },
    settled: "rejected",
  },
  {
    fault: { at: "rcpt", answer: "550 5.2.1 Off" },
    outcome: { status: "rejected", kind: "recipient", code: 550, enhanced: "5.2.1" },
    settled: "rejected",
  },
  {
    fault: { at: "rcpt", answer: "552 5.2.2 Full" },
    outcome: { status: "rejected", kind: "policy", code: 552, enhanced: "5.2.2" },
    settled: "rejected",
  },
  {
    fault: { at: "rcpt", answer: "550 5.1.8 Sender" },
    outcome: { status: "rejected", kind: "sender", code: 550, enhanced: "5.1.8" },
    settled: "rejected",
  },
  {
    fault: { at: "rcpt", answer: "554 5.7.1 Relaying" },
    outcome: { status: "rejected", kind: "policy", code: 554, enhanced: "5.7.1" },
    settled: "rejected",
  },
  {
    fault: { at: "rcpt", answer: "550 Relaying denied" },
    outcome: { status: "rejected", kind: "policy", code: 550 },
    settled: "rejected",
  },
  { fault: { at: "data", answer: "drop" }, outcome: { status: "notSent", because: "connection" }, ...sent },
  { fault: { at: "data", answer: "stall" }, outcome: { status: "notSent", because: "timeout" }, ...sent },
  {
    fault: { at: "data", answer: "554 No" },
    outcome: { status: "rejected", kind: "message", code: 554 },
    settled: "rejected",
  },
  { fault: { at: "content", answer: "drop" }, outcome: { status: "unknown" }, settled: "unknown" },
  { fault: { at: "content", answer: "stall" }, outcome: { status: "unknown" }, settled: "unknown" },
  {
    fault: { at: "final-dot", answer: "451 4.3.0 Later" },
    outcome: { status: "deferred", code: 451, enhanced: "4.3.0" },
    settled: "deferred",
  },
  {
    fault: { at: "final-dot", answer: "554 5.6.0 Malformed" },
    outcome: { status: "rejected", kind: "message", code: 554, enhanced: "5.6.0" },
    settled: "rejected",
  },
  {
    fault: { at: "final-dot", answer: "550 5.7.1 Spam" },
    outcome: { status: "rejected", kind: "policy", code: 550, enhanced: "5.7.1" },
    settled: "rejected",
  },
  {
    fault: { at: "final-dot", answer: "550 5.1.1 No" },
    outcome: { status: "rejected", kind: "recipient", code: 550, enhanced: "5.1.1" },
    settled: "rejected",
  },
  {
    fault: { at: "final-dot", answer: "drop" },
    outcome: { status: "unknown" },
    settled: "unknown",
    there: 1,
  },
  {
    fault: { at: "final-dot", answer: "stall" },
    outcome: { status: "unknown" },
    settled: "unknown",
    there: 1,
  },
];

describe("the outcome", () => {
  it.each(cases.map((each) => [each.fault.at, each.fault.answer, each] as const))(
    "after %s: %s",
    async (_at, _answer, { fault, outcome, settled, there = 0 }) => {
      const { post, book, mailer } = await setting({ faults: [fault] });
      const { messageId, ...told } = { messageId: undefined, ...(await mailer.send(newsletter)) };
      expect(told).toEqual(outcome);
      expect(typeof messageId).toBe(told.status === "unknown" ? "string" : "undefined");
      expect(book.entries.map((entry) => entry.outcome)).toEqual([settled]);
      expect(post.messages).toHaveLength(there);
    },
  );

  it("is not sent, when the connection breaks in the middle of a long message", async () => {
    const { post, mailer } = await setting({ faults: [{ at: "content", answer: "drop" }] });
    const message = { ...newsletter.message, text: `{{unsubscribe}}\n${"a long line\n".repeat(2_000_000)}` };
    expect(await mailer.send({ ...newsletter, message })).toEqual({
      status: "notSent",
      because: "connection",
    });
    expect(post.messages).toEqual([]);
  });

  it("is not sent, when nobody listens", async () => {
    const { post, book, mailer } = await setting();
    await post.close();
    expect(await mailer.send(newsletter)).toEqual({ status: "notSent", because: "connection" });
    expect(book.entries).toMatchObject([{ state: "given", outcome: "not-sent" }]);
  });
});

describe("login", () => {
  const auth = { user: "acme", pass: "canary-password" };

  it("comes before the message", async () => {
    const { post, mailer } = await setting({ auth }, { transport: { auth } });
    expect(await mailer.send(newsletter)).toMatchObject({ status: "accepted" });
    expect(post.messages).toHaveLength(1);
  });

  it.each([
    ["a wrong password", undefined, { because: "credentials", code: 535 }],
    ["a server that cannot say now", "454 4.7.0 Later", { because: "credentials", code: 454 }],
    ["a broken connection", "drop", { because: "connection" }],
    ["silence", "stall", { because: "timeout" }],
  ])("sends nothing after %s, and blames nobody's address", async (_what, answer, outcome) => {
    const faults = answer === undefined ? [] : [{ at: "auth" as const, answer }];
    const { post, book, mailer } = await setting(
      { auth, faults },
      { transport: { auth: { ...auth, pass: "wrong" } } },
    );
    expect(await mailer.send(newsletter)).toEqual({ status: "notSent", ...outcome });
    expect(post.search("MAIL FROM")).toEqual([]);
    expect(book.entries).toMatchObject([{ state: "given", outcome: "not-sent" }]);
  });
});

describe("TLS", () => {
  const auth = { user: "acme", pass: "canary-password" };
  const secret = Buffer.from(`\0${auth.user}\0${auth.pass}`).toString("base64");

  it("carries the message where the server offers it", async () => {
    const server = { startTls: true, auth };
    const { post, mailer } = await setting(server, {
      transport: { auth, requireTls: true, tls: { rejectUnauthorized: false } },
    });
    expect(await mailer.send(newsletter)).toMatchObject({ status: "accepted" });
    expect([post.messages.length, post.search("MAIL FROM")]).toEqual([1, []]);
  });

  it("is refused from a server that nobody vouches for", async () => {
    const { post, mailer } = await setting({ startTls: true });
    expect(await mailer.send(newsletter)).toMatchObject({ status: "notSent", because: "tls" });
    expect(post.messages).toEqual([]);
  });

  it("is not done without where it is required: neither password nor message leave", async () => {
    const { post, mailer } = await setting({ auth }, { transport: { auth, requireTls: true } });
    expect(await mailer.send(newsletter)).toMatchObject({ status: "notSent", because: "tls" });
    expect([post.messages, post.search(secret), post.search("MAIL FROM")]).toEqual([[], [], []]);
  });

  it("is required of every host but this machine", async () => {
    const { post, mailer } = await setting({ auth }, { transport: { auth, host: "0.0.0.0" } });
    // This address reaches this machine too, but by no name of it.
    expect(await mailer.send(newsletter)).toMatchObject({ status: "notSent", because: "tls" });
    expect(post.search(secret)).toEqual([]);
  });
});
