import { describe, expect, it } from "vitest";
import { newsletter, receipt, setting } from "../test/setting.ts";
import type { MailOutcome } from "./index.ts";
import { outcomeOf } from "./smtp-outcome.ts";
import type { Fault, Stage } from "./testing/index.ts";

/** What can happen, and what the message is then: the outcome without its ids. */
type Told = Readonly<Record<string, string | number>>;
const notSent = (because: string, code?: number): Told => ({
  status: "notSent",
  because,
  ...(code !== undefined && { code }),
});
const deferred = (code: number, enhanced: string): Told => ({ status: "deferred", code, enhanced });
const rejected = (kind: string, code: number, enhanced?: string): Told => ({
  status: "rejected",
  kind,
  code,
  ...(enhanced !== undefined && { enhanced }),
});
const unknown: Told = { status: "unknown" };

const answers = ["drop", "stall", "421 4.3.2 Closing", "451 4.3.0 Later", "550 5.5.0 No"] as const;
type Answers = Readonly<Record<(typeof answers)[number], Told>>;

/** Before the message: nothing was said of it, whatever the code. */
const before = (because: string): Answers => ({
  drop: notSent("connection"),
  stall: notSent("timeout"),
  "421 4.3.2 Closing": notSent(because, 421),
  "451 4.3.0 Later": notSent(because, 451),
  "550 5.5.0 No": notSent(because, 550),
});
/** While the server does not have all of it: a break is surely no delivery. */
const within = (kind: string): Answers => ({
  drop: notSent("connection"),
  stall: notSent("timeout"),
  ...replied(kind),
});
/** Once all of it was handed over: only a reply tells. */
const after = (kind: string): Answers => ({ drop: unknown, stall: unknown, ...replied(kind) });
const replied = (kind: string) => ({
  "421 4.3.2 Closing": deferred(421, "4.3.2"),
  "451 4.3.0 Later": deferred(451, "4.3.0"),
  "550 5.5.0 No": rejected(kind, 550, "5.5.0"),
});

/** Every stage of a session. `rset` comes between two messages: see below. */
const matrix: Readonly<Record<Exclude<Stage, "rset">, Answers>> = {
  connect: before("refused"),
  ehlo: before("refused"),
  starttls: before("tls"),
  auth: before("credentials"),
  mail: within("sender"),
  rcpt: within("policy"),
  data: within("message"),
  content: after("message"),
  "final-dot": after("message"),
};
const stages = Object.entries(matrix) as [Exclude<Stage, "rset">, Answers][];
const everyPair = stages.flatMap(([at, told]) =>
  answers.map((answer) => [at, answer, told[answer]] as const),
);

const auth = { user: "acme", pass: "canary-password" };
/** The session in which a stage comes at all. */
const withStage = (at: Stage) => ({
  server: { ...(at === "starttls" && { startTls: true }), ...(at === "auth" && { auth }) },
  transport: {
    ...(at === "starttls" && { requireTls: true, tls: { rejectUnauthorized: false } }),
    ...(at === "auth" && { auth }),
  },
});

const settledAs = {
  accepted: "accepted",
  blocked: "not-sent",
  rejected: "rejected",
  deferred: "deferred",
  notSent: "not-sent",
  unknown: "unknown",
} as const;
function withoutIds(outcome: MailOutcome): object {
  const { messageId: _id, queueId: _queue, ...told } = { messageId: "", queueId: "", ...outcome };
  return told;
}

/** What enhanced codes say besides (RFC 3463 3). */
const details: readonly (readonly [Stage, string, Told])[] = [
  ["mail", "550 5.1.1 Sender", rejected("sender", 550, "5.1.1")],
  ["mail", "550 5.7.1 Spam", rejected("policy", 550, "5.7.1")],
  ["mail", "552 5.3.4 Big", rejected("message", 552, "5.3.4")],
  ["rcpt", "450 4.2.1 Greylisted", deferred(450, "4.2.1")],
  ["rcpt", "421 Closing", { status: "deferred", code: 421 }],
  ["rcpt", "550 5.1.1 No", rejected("recipient", 550, "5.1.1")],
  ["rcpt", "550 5.1.10 No", rejected("recipient", 550, "5.1.10")],
  ["rcpt", "550 5.2.1 Off", rejected("recipient", 550, "5.2.1")],
  ["rcpt", "552 5.2.2 Full", rejected("policy", 552, "5.2.2")],
  ["rcpt", "550 5.1.8 Sender", rejected("sender", 550, "5.1.8")],
  ["rcpt", "554 5.7.1 Relaying", rejected("policy", 554, "5.7.1")],
  ["rcpt", "550 Relaying denied", rejected("policy", 550)],
  ["data", "554 No", rejected("message", 554)],
  ["final-dot", "554 5.6.0 Malformed", rejected("message", 554, "5.6.0")],
  ["final-dot", "550 5.7.1 Spam", rejected("policy", 550, "5.7.1")],
  ["final-dot", "550 5.1.1 No", rejected("recipient", 550, "5.1.1")],
];

describe("the outcome", () => {
  it.each([...everyPair, ...details])("after %s: %s", async (at, answer, told) => {
    const { server, transport } = withStage(at);
    const { post, book, mailer } = await setting({ ...server, faults: [{ at, answer }] }, { transport });
    const outcome = await mailer.send(newsletter);
    expect(withoutIds(outcome)).toEqual(told);
    expect("messageId" in outcome).toBe(told === unknown);
    expect(book.entries.map((entry) => entry.outcome)).toEqual([settledAs[outcome.status]]);
    // The server says that it has it exactly where its answer to the whole of it was lost.
    const isLost = at === "final-dot" && (answer === "drop" || answer === "stall");
    expect(post.messages).toHaveLength(isLost ? 1 : 0);
  });

  it.each(everyPair.filter(([at]) => !["connect", "ehlo", "starttls", "auth"].includes(at)))(
    "of one message after %s: %s, in the middle of a session, is no other's",
    async (at, answer, told) => {
      const faults: Fault[] = [{ at, answer, times: 1, afterMessages: 1 }];
      const { post, book, mailer } = await setting({ faults }, { transport: { connections: 1 } });
      const outcomes = await Promise.all(
        ["first", "second", "third"].map((messageKey) => mailer.send({ ...newsletter, messageKey })),
      );
      expect(outcomes.map(withoutIds)).toEqual([{ status: "accepted" }, told, { status: "accepted" }]);
      expect(book.entries.map(({ outcome }) => outcome)).toEqual([
        "accepted",
        settledAs[outcomes[1]?.status ?? "unknown"],
        "accepted",
      ]);
      const isLost = at === "final-dot" && (answer === "drop" || answer === "stall");
      expect(post.messages).toHaveLength(isLost ? 3 : 2);
    },
  );

  it.each(answers)("is not touched by %s at the reset between two messages", async (answer) => {
    let now = Date.parse("2026-11-21T10:00:00Z");
    const clock = { now: () => new Date(now) };
    const faults = [{ at: "rset" as const, answer }];
    const { post, mailer } = await setting({ faults }, { clock, transport: { connections: 1 } });
    for (const messageKey of ["first", "second"]) {
      expect(await mailer.send({ ...newsletter, messageKey })).toMatchObject({ status: "accepted" });
      now += 5000;
    }
    expect([post.messages.length, post.connections]).toEqual([2, 2]);
  });

  it.each(stages)("is that of the message in flight when the mailer is closed at %s", async (at) => {
    const { server, transport } = withStage(at);
    const closed: Promise<void>[] = [];
    const meanwhile = () => closed.push(mailer.close());
    const { post, book, mailer } = await setting(
      { ...server, faults: [{ at, meanwhile, times: 1 }] },
      { transport: { ...transport, connections: 1 } },
    );
    const [inFlight, waiting] = await Promise.all([mailer.send(newsletter), mailer.send(receipt)]);
    expect(inFlight).toMatchObject({ status: "accepted" });
    expect(waiting).toEqual({ status: "notSent", because: "closed" });
    expect(closed).toHaveLength(1);
    await closed[0];
    expect([post.messages.length, book.entries.length]).toEqual([1, 1]);
  });

  it.each(stages)("follows a no at %s: nothing after it leaves, what was in flight is told", async (at) => {
    const { server, transport } = withStage(at);
    const meanwhile = () => book.optOut(newsletter.to);
    const { post, book, mailer } = await setting({ ...server, faults: [{ at, meanwhile }] }, { transport });
    const outcome = await mailer.send(newsletter);
    const isBefore = ["connect", "ehlo", "starttls", "auth"].includes(at);
    expect(outcome).toMatchObject(
      isBefore ? { status: "blocked", because: "suppressed" } : { status: "accepted" },
    );
    expect(book.entries).toMatchObject([
      isBefore
        ? { state: "revoked", outcome: "not-sent" }
        : { state: "handing-over", outcome: "accepted", inFlight: true },
    ]);
    expect(post.messages).toHaveLength(isBefore ? 0 : 1);
    expect(post.search("anna.canary").length > 0).toBe(!isBefore);
    expect(await mailer.send({ ...newsletter, messageKey: "next" })).toMatchObject({ status: "blocked" });
  });

  it("is not sent, when the connection breaks in the middle of a long message", async () => {
    const { post, mailer } = await setting({ faults: [{ at: "content", answer: "drop" }] });
    const message = { ...newsletter.message, text: `{{unsubscribe}}\n${"a long line\n".repeat(2_000_000)}` };
    expect(await mailer.send({ ...newsletter, message })).toEqual({
      status: "notSent",
      because: "connection",
    });
    expect(post.messages).toEqual([]);
  });

  it("is unknown, when the server says yes before it has all of a long message", async () => {
    const faults = [{ at: "content" as const, answer: "250 2.0.0 Fine", times: 1 }];
    const { post, book, mailer } = await setting({ faults }, { transport: { connections: 1 } });
    const message = { ...newsletter.message, text: `{{unsubscribe}}\n${"a long line\n".repeat(2_000_000)}` };
    expect(withoutIds(await mailer.send({ ...newsletter, message }))).toEqual(unknown);
    expect(book.entries).toMatchObject([{ outcome: "unknown" }]);
    // What is left of it is no other message's.
    expect(await mailer.send(receipt)).toMatchObject({ status: "accepted" });
    expect(post.messages.map(({ headers }) => headers.find(({ name }) => name === "subject")?.value)).toEqual(
      [receipt.message.subject],
    );
  });

  it.each([
    ["that of nobody knows what, after all of it", 421, true, "unknown"],
    ["that of the session, before", 421, false, "deferred"],
    ["that of another command, before", 450, false, "notSent"],
  ])("after a reply that is %s: %s, all handed over: %s", (_what, code, handedOver, status) => {
    const failure = { kind: "EPROTOCOL", command: "CONN", code };
    expect(outcomeOf({ taken: false, handedOver, failure }, "<1@acme.example>")).toMatchObject({ status });
  });

  it("is not sent, when nobody listens", async () => {
    const { post, book, mailer } = await setting();
    await post.close();
    expect(await mailer.send(newsletter)).toEqual({ status: "notSent", because: "connection" });
    expect(book.entries).toMatchObject([{ state: "given", outcome: "not-sent" }]);
  });
});

describe("login", () => {
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

  it("is asked for also where somebody in between takes the offer away", async () => {
    const stripped = { at: "ehlo" as const, answer: "250 post.example", times: 1 };
    const transport = { auth, requireTls: true, tls: { rejectUnauthorized: false } };
    const offered = await setting({ startTls: true, auth, faults: [stripped] }, { transport });
    expect(await offered.mailer.send(newsletter)).toMatchObject({ status: "accepted" });
    // What is said in TLS cannot be heard.
    expect([offered.post.search(secret), offered.post.search("MAIL FROM")]).toEqual([[], []]);

    const faults = [stripped, { at: "starttls" as const, answer: "502 5.5.1 What?" }];
    const { post, mailer } = await setting({ startTls: true, auth, faults }, { transport });
    expect(await mailer.send(newsletter)).toEqual({ status: "notSent", because: "tls", code: 502 });
    expect([post.messages, post.search(secret), post.search("MAIL FROM")]).toEqual([[], [], []]);
  });

  it("is required of every host but this machine", async () => {
    const { post, mailer } = await setting({ auth }, { transport: { auth, host: "0.0.0.0" } });
    // This address reaches this machine too, but by no name of it.
    expect(await mailer.send(newsletter)).toMatchObject({ status: "notSent", because: "tls" });
    expect(post.search(secret)).toEqual([]);
  });
});
