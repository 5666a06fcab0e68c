import type { Answers, Call, CallContext, InputOf, Messages, OperationName } from "@heed/core/contract";
import { describe, expect, it, onTestFinished } from "vitest";
import { mailWorld, policy } from "../test/mail-world.ts";
import { mailProcessor, type MailProcessor } from "./index.ts";

const anna = "Anna.Canary@dest.example";
const ben = "ben@dest.example";
const signal = new AbortController().signal;
const context: CallContext<never> = { turn: async () => {}, signal, now: () => new Date() };
const inputs = {
  unsubscribe: { topics: ["product-news"] },
  erase: { suppress: false, keep: [] },
  export: { categories: "all" },
} as const satisfies { readonly [N in OperationName]?: InputOf[N] };

async function open() {
  const world = await mailWorld();
  onTestFinished(() => world.close());
  return world;
}

type Operation = keyof typeof inputs;
type Question = (calls: readonly Call[], context: CallContext<never>) => Promise<Answers<object>>;

async function put(
  mail: MailProcessor,
  operation: Operation,
  question: "run" | "verify",
  { email = anna, input = inputs[operation] }: { email?: string; input?: object } = {},
): Promise<object | undefined> {
  const asked = mail.operations[operation]?.[question] as Question;
  const identifiers = [{ kind: "email", value: email }] as const;
  const call = { id: "c1", operation, input, identifiers, targets: [] } as unknown as Call;
  return (await asked([call], context)).get("c1");
}

/** A processor over a send log that is as `messages` says, and no queue. */
function over(messages: Partial<Pick<Messages, "sent" | "forget">>): MailProcessor {
  const mail = mailProcessor({ policy });
  mail.connect({ messages: { sent: async () => [], forget: async () => ({ forgotten: 0 }), ...messages } });
  return mail;
}

describe("a message that waits for a connection", () => {
  it("does not go out once its recipient has unsubscribed, and was never asked for a permit", async () => {
    const { heed, queue, asked, waiting, post } = await open();
    await queue(anna, "product-news");
    await queue(anna, "welcome");
    await queue(ben, "product-news");
    await heed.subscriptions.unsubscribe({ subject: { email: anna.toUpperCase() }, topic: "all" });
    await heed.work.drain();
    expect(await waiting(anna)).toEqual(["welcome"]);
    expect(await waiting(ben)).toEqual(["product-news"]);
    expect(asked[1]).toMatchObject({ outcome: { status: "blocked", because: "suppressed" } });
    expect(await heed.messages.sent({ email: anna })).toEqual([]);
    expect(post.search("canary")).toEqual([]);
  });

  it("does not go out once its recipient is erased", async () => {
    const { heed, queue, log, waiting } = await open();
    for (const topic of ["product-news", "outages", "welcome"] as const) await queue(anna, topic);
    await log(anna, "welcome");
    await queue(ben, "welcome");
    const subject = { email: anna };
    const { id } = await heed.requests.open({ right: "erasure", subject, identity: "signed-in" });
    await heed.work.drain();
    const { state, steps } = await heed.requests.get(id);
    expect(state).toBe("fulfilled");
    expect(steps.filter(({ processor }) => processor === "mail")).toMatchObject([
      { operation: "unsubscribe", state: "verified" },
      { operation: "erase", state: "verified", affected: 3 },
    ]);
    expect([await waiting(anna), await waiting(ben)]).toEqual([[], ["welcome"]]);
    expect(await heed.messages.sent({ email: anna })).toEqual([]);
  });

  it("keeps its place in the line, and the line its order, when others are taken out of it", async () => {
    const { mailer, queue, asked, waiting } = await open();
    for (const email of [ben, anna, ben, anna]) await queue(email, "welcome");
    expect([mailer.queue.waiting(anna), mailer.queue.waiting(ben)]).toEqual([2, 2]);
    expect(mailer.queue.waiting(anna, ["offers"])).toBe(0);
    expect(mailer.queue.drop(anna, ["offers"])).toBe(0);
    expect(mailer.queue.drop(anna.toLowerCase(), ["offers", "welcome"])).toBe(2);
    expect(mailer.queue.drop(anna)).toBe(0);
    expect([await waiting(anna), await waiting(ben)]).toEqual([[], ["welcome", "welcome"]]);
    expect(asked.filter(({ outcome }) => outcome?.status === "blocked").map(({ email }) => email)).toEqual([
      anna,
      anna,
    ]);
  });

  it("is turned away when the mailer is closed", async () => {
    const world = await mailWorld();
    await world.queue(anna, "welcome");
    await world.close();
    expect(world.asked[1]).toMatchObject({ outcome: { status: "notSent", because: "closed" } });
    expect(world.mailer.queue.waiting(anna)).toBe(0);
  });
});

describe("reading back", () => {
  it("sees a permit that is open, of what was unsubscribed and of nothing else", async () => {
    const { heed, mail } = await open();
    const take = async (topic: "product-news" | "offers" | "outages") => {
      const permit = await heed.permits.take({ topic, email: anna, messageKey: topic });
      if (!permit.allowed) throw new Error(permit.because);
      return permit;
    };
    const seen = (topics: readonly string[] | "all") =>
      put(mail, "unsubscribe", "verify", { input: { topics } });
    const news = await take("product-news");
    await take("outages");
    expect(await seen(["product-news"])).toEqual({ seen: "not-as-asked" });
    expect(await seen("all")).toEqual({ seen: "not-as-asked" });
    expect(await seen(["offers"])).toEqual({ seen: "as-asked" });
    // What is under way can no longer be stopped, and is recorded as that.
    await news.handOver();
    expect(await seen("all")).toEqual({ seen: "as-asked" });
    expect(await seen(["outages"])).toEqual({ seen: "not-as-asked" });
    const offer = await take("offers");
    expect(await seen("all")).toEqual({ seen: "not-as-asked" });
    await offer.settle("not-sent");
    expect(await seen("all")).toEqual({ seen: "as-asked" });
  });

  it("sees what still waits of somebody erased", async () => {
    const { mail, queue, mailer } = await open();
    await queue(anna, "welcome");
    expect(await put(mail, "erase", "verify")).toEqual({ seen: "not-as-asked" });
    mailer.queue.drop(anna);
    expect(await put(mail, "erase", "verify")).toEqual({ seen: "as-asked" });
  });

  it("does not believe a log that says it has forgotten", async () => {
    const entry = { topic: "welcome", class: "transactional", at: "2026-01-15T12:00:00.000Z" } as const;
    const liar = over({
      sent: async () => [{ ...entry, handedOver: true, outcome: "accepted" }],
      forget: async () => ({ forgotten: 1 }),
    });
    expect(await put(liar, "erase", "run")).toEqual({ status: "done", affected: 1 });
    expect(await put(liar, "erase", "verify")).toEqual({ seen: "not-as-asked" });
  });
});

describe("a send log that does not answer", () => {
  const failing = () =>
    over({
      sent: async () => {
        throw new Error("down");
      },
      forget: async () => {
        throw new Error("down");
      },
    });

  it.each([
    ["unsubscribe", "run"],
    ["unsubscribe", "verify"],
    ["erase", "run"],
    ["erase", "verify"],
    ["export", "run"],
  ] as const)("leaves %s (%s) unknown", async (operation, question) => {
    await expect(put(failing(), operation, question)).rejects.toThrow("down");
  });

  it("is told apart from one that was never connected", async () => {
    const mail = mailProcessor({ policy });
    for (const operation of ["unsubscribe", "erase", "export"] as const)
      await expect(put(mail, operation, "run")).rejects.toThrow(/connect\(/);
    await expect(mail.check(context)).rejects.toThrow(TypeError);
    expect(await failing().check(context)).toEqual({ account: "mailer", lacks: [], unknownTopics: [] });
  });
});

describe("a mailer as a processor", () => {
  it.each([
    ["nothing", undefined],
    ["a mailer alone", { mailer: { queue: { drop: () => 0, waiting: () => 0 } } }],
    ["no send log", { messages: {} }],
    ["nodemailer's transporter", { messages: { sent: async () => [] }, mailer: { sendMail: () => {} } }],
  ])("refuses to be connected to %s", async (_what, parts) => {
    const mail = mailProcessor({ policy });
    expect(() => mail.connect(parts as never)).toThrow("{ messages: heed.messages, mailer }");
    await expect(mail.check(context)).rejects.toThrow("not connected");
  });
});

describe("an erasure of whom nothing was sent to", () => {
  it("is absent, and asks that it may proceed before anything is destroyed", async () => {
    const { mail, log, heed } = await open();
    expect(await put(mail, "erase", "run")).toEqual({ status: "absent" });
    await log(anna, "welcome");
    const held = { ...context, proceed: () => Promise.reject(new Error("held")) };
    const run = mail.operations.erase?.run as unknown as Question;
    const identifiers = [{ kind: "email", value: anna }] as const;
    const call = { id: "c1", operation: "erase", input: inputs.erase, identifiers, targets: [] } as const;
    await expect(run([call], held)).rejects.toThrow("held");
    expect(await heed.messages.sent({ email: anna })).toHaveLength(1);
  });
});

describe('AXE-09: "What type of emails we automatically send to you (activation, welcome etc)"', () => {
  it("each that is sent is in the log with its type, and in what the person is told of themselves", async () => {
    const { mail, log } = await open();
    for (const topic of ["welcome", "product-news"] as const) await log(anna, topic);
    await log(ben, "outages");
    const data = { at: expect.stringMatching(/^20.*Z$/), outcome: "accepted" };
    expect(await put(mail, "export", "run")).toEqual({
      status: "done",
      records: [
        { category: "sent-messages", data: { topic: "welcome", class: "transactional", ...data } },
        { category: "sent-messages", data: { topic: "product-news", class: "marketing", ...data } },
      ],
    });
    expect(await put(mail, "export", "run", { email: "nobody@dest.example" })).toEqual({ status: "absent" });
  });

  it("is told once of a person who is known by two spellings of an address", async () => {
    const { mail, log } = await open();
    await log(anna, "welcome");
    const identifiers = [anna, anna.toUpperCase()].map((value) => ({ kind: "email", value }) as const);
    const ask = async (operation: "export" | "erase") => {
      const run = mail.operations[operation]?.run as unknown as Question;
      const call = { id: "c1", operation, input: inputs[operation], identifiers, targets: [] };
      return (await run([call as unknown as Call], context)).get("c1");
    };
    expect(await ask("export")).toMatchObject({ records: [{ data: { topic: "welcome" } }] });
    expect(await ask("erase")).toEqual({ status: "done", affected: 1 });
  });

  it("after an erasure no row has anything of it, and a bounce finds nobody", async () => {
    const { heed, mail, log } = await open();
    await log(anna, "welcome");
    const answer = await heed.permits.take({ topic: "welcome", email: anna, messageKey: "last" });
    if (!answer.allowed) throw new Error(answer.because);
    await answer.handOver();
    await answer.settle("accepted");
    const tag = answer.returnTag ?? "";
    expect(await heed.messages.report({ tag, kind: "soft" })).toEqual({ did: "counted" });
    expect(await put(mail, "erase", "run")).toEqual({ status: "done", affected: 2 });
    expect(await put(mail, "erase", "verify")).toEqual({ seen: "as-asked" });
    expect(await heed.messages.sent({ email: anna })).toEqual([]);
    expect(await heed.messages.report({ tag, kind: "hard" })).toEqual({ did: "unknown" });
    expect(await put(mail, "export", "run")).toEqual({ status: "absent" });
  });
});
