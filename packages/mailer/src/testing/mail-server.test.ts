import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { mailServer } from "./index.ts";

/** Talks SMTP by hand: writes each line when the one before is answered. Answers with the replies. */
async function say(port: number, ...lines: readonly string[]): Promise<string[]> {
  const socket = connect(port, "127.0.0.1").setEncoding("utf8");
  onTestFinished(() => void socket.destroy());
  const replies: string[] = [];
  for (const line of ["", ...lines]) {
    if (line) socket.write(`${line}\r\n`);
    const [reply] = await Promise.race([once(socket, "data"), once(socket, "close")]);
    replies.push(typeof reply === "string" ? reply.trim() : "closed");
    if (typeof reply !== "string") break;
  }
  return replies;
}

async function started(options?: Parameters<typeof mailServer>[0]) {
  const post = await mailServer(options);
  onTestFinished(() => post.close());
  return post;
}

const login = (pass: string): string => `AUTH PLAIN ${Buffer.from(`\0acme\0${pass}`).toString("base64")}`;
const hello = ["EHLO me.example", "MAIL FROM:<a@acme.example>", "RCPT TO:<anna@dest.example>", "DATA"];
const body = "Subject: =?UTF-8?Q?Hej_=C3=A5?=\r\nX-A: 1\r\nX-A: 2\r\n\r\n..dot\r\nbye\r\n.";

describe("mailServer", () => {
  it("takes a message and says what it got", async () => {
    const post = await started();
    const replies = await say(post.port, ...hello, body, "QUIT");
    const [message] = post.messages;
    expect(replies.at(-2)).toBe(`250 2.0.0 Ok: queued as ${message?.queueId}`);
    expect(message).toMatchObject({
      envelope: { from: "a@acme.example", to: ["anna@dest.example"] },
      subject: "Hej å",
      text: ".dot\nbye\n",
      html: undefined,
    });
    expect(message?.headers.filter(({ name }) => name === "x-a").map(({ value }) => value)).toEqual([
      "1",
      "2",
    ]);
    expect(message?.raw.toString()).toBe(body.replace("\r\n..dot", "\r\n.dot").slice(0, -1));
    expect(post.connections).toBe(1);
  });

  it("finds what a client said, wherever it said it, and nothing else", async () => {
    const post = await started();
    await say(post.port, ...hello, body);
    expect(post.search("ANNA@dest.example")).toEqual(["session"]);
    expect(post.search("hej å")).toEqual(["message 0: subject"]);
    expect(post.search("bye")).toEqual(["session", "message 0: text", "message 0: raw"]);
    expect(post.search("eve@dest.example")).toEqual([]);
  });

  it("answers pipelined commands in order, also where one of them fails", async () => {
    const post = await started({ faults: [{ at: "rcpt", answer: "550 5.1.1 No" }] });
    const socket = connect(post.port, "127.0.0.1").setEncoding("utf8");
    let heard = "";
    socket.on("data", (data: string) => (heard += data));
    socket.write(`${[...hello, "QUIT"].join("\r\n")}\r\n`);
    await once(socket, "end");
    const codes = heard.split("\r\n").filter((line) => /^\d{3} /.test(line));
    expect(codes.map((line) => line.slice(0, 3))).toEqual(["220", "250", "250", "550", "503", "221"]);
    expect(post.messages).toEqual([]);
  });

  it.each([
    ["connect", 0],
    ["ehlo", 1],
    ["mail", 2],
    ["rcpt", 3],
    ["data", 4],
    ["content", 5],
    ["final-dot", 5],
  ] as const)("drops and replies at %s", async (at, index) => {
    const dropped = await started({ faults: [{ at, answer: "drop" }] });
    expect((await say(dropped.port, ...hello, body)).at(index)).toBe("closed");
    expect(dropped.messages).toHaveLength(at === "final-dot" ? 1 : 0);
    const replied = await started({ faults: [{ at, answer: "451 4.3.0 Later" }] });
    expect((await say(replied.port, ...hello, body)).at(index)).toBe("451 4.3.0 Later");
    expect(replied.messages).toEqual([]);
  });

  it("lets a fault happen as often as asked", async () => {
    const post = await started({ faults: [{ at: "mail", answer: "451 Later", times: 2 }] });
    const mail = "MAIL FROM:<a@acme.example>";
    const replies = await say(post.port, "EHLO me.example", mail, mail, mail);
    expect(replies.slice(2).map((reply) => reply.slice(0, 3))).toEqual(["451", "451", "250"]);
  });

  it("lets nobody send who is not let in", async () => {
    const post = await started({ auth: { user: "acme", pass: "secret" } });
    const [, , early, wrong, right, mail] = await say(
      post.port,
      hello[0] ?? "",
      hello[1] ?? "",
      login("wrong"),
      login("secret"),
      hello[1] ?? "",
    );
    expect([early, wrong, right, mail].map((reply) => reply?.slice(0, 3))).toEqual([
      "530",
      "535",
      "235",
      "250",
    ]);
  });
});
