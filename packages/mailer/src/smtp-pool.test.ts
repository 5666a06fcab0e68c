import { describe, expect, it } from "vitest";
import { receipt, setting } from "../test/setting.ts";

const many = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ ...receipt, to: `p${index}@dest.example` }));

describe("connections", () => {
  it("are as many as asked, however many messages wait", async () => {
    const { post, mailer } = await setting({}, { transport: { connections: 3 } });
    const outcomes = await Promise.all(many(60).map((ask) => mailer.send(ask)));
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(["accepted"]));
    expect(new Set(post.messages.map(({ envelope }) => envelope.to[0])).size).toBe(60);
    expect(post.connections).toBe(3);
  });

  it("are used again", async () => {
    const { post, mailer } = await setting();
    for (const ask of many(5)) await mailer.send(ask);
    expect([post.connections, post.messages.length]).toEqual([1, 5]);
  });

  it("are used again after a refusal, for a message of their own", async () => {
    const { post, mailer } = await setting({ faults: [{ at: "rcpt", answer: "550 5.1.1 No", times: 1 }] });
    const [first, second] = many(2);
    expect(await mailer.send(first ?? receipt)).toMatchObject({ status: "rejected" });
    expect(await mailer.send(second ?? receipt)).toMatchObject({ status: "accepted" });
    expect([post.connections, post.messages.map(({ envelope }) => envelope.to)]).toEqual([
      1,
      [["p1@dest.example"]],
    ]);
  });

  it("are opened anew after a break", async () => {
    const { post, mailer } = await setting({ faults: [{ at: "final-dot", answer: "drop", times: 1 }] });
    for (const ask of many(2)) await mailer.send(ask);
    expect([post.connections, post.messages.length]).toEqual([2, 2]);
  });

  it("are opened anew before a server tires of them", async () => {
    const { post, mailer } = await setting({}, { transport: { connections: 1 } });
    await Promise.all(many(101).map((ask) => mailer.send(ask)));
    expect([post.connections, post.messages.length]).toEqual([2, 101]);
  });

  it("are proved alive after a rest", async () => {
    let now = Date.parse("2026-11-21T10:00:00Z");
    const { post, book, mailer } = await setting({}, { clock: { now: () => new Date(now) } });
    const [first, second] = many(2);
    await mailer.send(first ?? receipt);
    expect(post.search("\nRSET\n")).toEqual([]);
    now += 5000;
    expect(await mailer.send(second ?? receipt)).toMatchObject({ status: "accepted" });
    expect(post.search("\nRSET\n")).toEqual(["session"]);
    expect([post.connections, book.entries.length]).toEqual([1, 2]);
  });

  it("are opened anew when they died while they rested, and the message goes out", async () => {
    let now = Date.parse("2026-11-21T10:00:00Z");
    const faults = [{ at: "rset" as const, answer: "drop" }];
    const { post, book, mailer } = await setting({ faults }, { clock: { now: () => new Date(now) } });
    for (const ask of many(2)) {
      expect(await mailer.send(ask)).toMatchObject({ status: "accepted" });
      now += 5000;
    }
    expect([post.connections, post.messages.length, book.entries.length]).toEqual([2, 2, 2]);
  });
});

describe("what is recorded of a message", () => {
  it("keeps no connection from the next one", async () => {
    const { post, book, mailer } = await setting({}, { transport: { connections: 1 } });
    // The first is recorded once the second has arrived, which needs the only connection.
    book.interrupt.settle = async () => {
      await expect.poll(() => post.messages.length).toBe(2);
    };
    const outcomes = await Promise.all(many(2).map((ask) => mailer.send(ask)));
    expect(outcomes).toMatchObject([{ status: "accepted" }, { status: "accepted" }]);
    expect(post.connections).toBe(1);
  });

  it("is recorded before the mailer is closed", async () => {
    const { book, mailer } = await setting();
    const events: string[] = [];
    book.interrupt.settle = async () => {
      const closing = mailer.close().then(() => events.push("closed"));
      await new Promise((resolve) => setTimeout(resolve, 50));
      events.push("recorded");
      void closing;
    };
    await mailer.send(receipt);
    await mailer.close();
    expect(events).toEqual(["recorded", "closed"]);
  });
});

describe("close", () => {
  it("lets what is in flight end, and turns away what waits, without a permit", async () => {
    const { post, book, mailer } = await setting({}, { transport: { connections: 2 } });
    await mailer.preflight();
    const sends = many(4).map((ask) => mailer.send(ask));
    await new Promise((resolve) => setImmediate(resolve));
    await Promise.all([mailer.close(), mailer.close()]);
    const outcomes = await Promise.all(sends);
    const closed = { status: "notSent", because: "closed" };
    expect(outcomes.map(({ status }) => status)).toEqual(["accepted", "accepted", "notSent", "notSent"]);
    expect(outcomes.slice(2)).toEqual([closed, closed]);
    expect([post.messages.length, book.entries.length]).toEqual([2, 2]);
    expect(post.search("QUIT")).toEqual(["session"]);
    expect(await mailer.send(receipt)).toEqual(closed);
  });
});
