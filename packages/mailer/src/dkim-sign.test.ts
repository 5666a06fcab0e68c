import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judge, keys } from "../test/setting.ts";
import { compose } from "./compose.ts";
import { coveredFields, createSigner } from "./dkim-sign.ts";
import { verifySignature } from "./dkim-verify.ts";
import { createHeaders } from "./own-headers.ts";

const sign = createSigner({ domain: "acme.example", selector: "s1", key: keys.privateKey });
const at = new Date("2026-11-21T10:00:00Z");

const lists = {
  domain: "lists.acme.example",
  help: "help@acme.example",
  owner: "o@acme.example",
  precedence: "bulk",
} as const;
const headers = createHeaders({ lists });
const ofMarketing = headers({
  topic: "news",
  class: "marketing",
  listUnsubscribe: "<https://acme.example/u/token>,\r\n <mailto:stop@acme.example?subject=token>",
});
const ofReply = headers({ topic: "help", class: "service", inReplyTo: "<1@dest.example>" });

const fields = {
  "Feedback-ID": "a:b:c:acme1",
  "Reply-To": "help@acme.example",
  "Content-Language": "sv",
};

async function signed(
  message = { subject: "News", text: "Hello  there \r\n\r\n" },
  own = ofMarketing,
): Promise<string> {
  const raw = compose({
    from: { name: "Acme", address: "news@acme.example" },
    to: "anna@dest.example",
    message: { ...message, headers: fields },
    messageId: "<1@acme.example>",
    at,
    own,
  });
  return (await sign(raw, at)).toString("latin1");
}

const fieldOf = (raw: string, name: string): string =>
  new RegExp(`^${name}:[^\\r]*\\r\\n(?:[ \\t][^\\r]*\\r\\n)*`, "im").exec(raw)?.[0] ?? "";
const presentIn = (raw: string) => coveredFields.filter((name) => fieldOf(raw, name) !== "");

const message = await signed();
const reply = await signed({ subject: "Re: Help", text: "Hello" }, ofReply);
/** Every field that the mailer writes, in a message that has it. */
const present = [
  ...presentIn(message).map((name) => ["a newsletter", name, message] as const),
  ...presentIn(reply).map((name) => ["a reply", name, reply] as const),
];

describe("sign", () => {
  it("is believed by another implementation", async () => {
    expect(await judge(message)).toBe("pass");
  });

  it("covers every field that the mailer writes, but those for relays to take", () => {
    const written = [message, reply].flatMap((raw) =>
      raw.slice(0, raw.indexOf("\r\n\r\n")).match(/^[\w-]+(?=:)/gm),
    );
    const uncovered = written.filter((name) => !present.some(([, each]) => each === name?.toLowerCase()));
    expect(new Set(uncovered)).toEqual(new Set(["DKIM-Signature", "X-Auto-Response-Suppress"]));
    expect(new Set(present.map(([, name]) => name)).size).toBe(20);
  });

  it("covers fields that the mailer never writes, so that nobody adds them", () => {
    const unwritten = coveredFields.filter((name) => !present.some(([, each]) => each === name));
    expect(unwritten).toEqual(["sender", "cc", "list-subscribe", "list-post", "list-archive"]);
  });

  it("says when, by the clock it is given", () => {
    expect(/ t=(\d+);/.exec(message)?.[1]).toBe(String(at.getTime() / 1000));
  });

  it.each([message, reply])("lists every covered field once more than it is there", (raw) => {
    const listed = /h=([^;]+);/.exec(raw)?.[1]?.replaceAll(/\s/g, "").split(":") ?? [];
    const times = coveredFields.map((name) => [name, listed.filter((each) => each === name).length]);
    expect(times).toEqual(coveredFields.map((name) => [name, presentIn(raw).includes(name) ? 2 : 1]));
  });

  it.each(present)("breaks when %s's %s is taken off", async (_what, name, raw) => {
    expect(await judge(raw.replace(fieldOf(raw, name), ""))).not.toBe("pass");
  });

  it.each(present)("breaks when %s's %s is altered", async (_what, name, raw) => {
    const field = fieldOf(raw, name);
    expect(await judge(raw.replace(field, field.replace(/: ?/, ": x")))).not.toBe("pass");
  });

  it.each(present)("breaks when %s's %s is there twice", async (_what, name, raw) => {
    const copy = fieldOf(raw, name);
    expect(await judge(copy + raw)).not.toBe("pass");
    expect(await judge(raw.replace("\r\n\r\n", `\r\n${copy}\r\n`))).not.toBe("pass");
  });

  it.each(coveredFields)("breaks when %s is added", async (name) => {
    const copy = `${name}: forged\r\n`;
    expect(await judge(copy + message)).not.toBe("pass");
    expect(await judge(message.replace("\r\n\r\n", `\r\n${copy}\r\n`))).not.toBe("pass");
  });

  it("breaks when the body is altered", async () => {
    expect(await judge(message.replace("Hello", "Hallo"))).not.toBe("pass");
    expect(await judge(`${message}more\r\n`)).not.toBe("pass");
  });

  it("bears what a relay may do: refolding and trailing white space", async () => {
    const relayed = message
      .replace("Subject: News", "subject :  News ")
      .replace("there \r\n", "there\t\t\r\n");
    expect(relayed).not.toBe(message);
    expect(await judge(`Received: from a by b\r\n${relayed}\r\n\r\n`)).toBe("pass");
  });

  it("signs fields that are there twice from the bottom up", async () => {
    const twice = "From: a@acme.example\r\nList-Id: <one>\r\nList-Id: <two>\r\n\r\nHi\r\n";
    const raw = (await sign(Buffer.from(twice), at)).toString();
    expect(await judge(raw)).toBe("pass");
    expect(await judge(raw.replace("<one>", "<1>"))).not.toBe("pass");
  });

  it("refuses line ends that the connection would change afterwards", async () => {
    await expect(sign(Buffer.from("From: a@b.example\r\n\r\none\ntwo\r\n"), at)).rejects.toThrow(TypeError);
  });

  it("holds for every message that can be composed", { timeout: 60_000 }, async () => {
    const line = fc.string({ unit: "grapheme", minLength: 1, maxLength: 300 });
    const subject = line.map((value) => `x${value.replaceAll(/\p{Cc}/gu, "")}`);
    const text = fc.array(fc.oneof(line, fc.constantFrom("", ".", " ", "\t", "-- ")), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(subject, text, async (title, lines) => {
        const clean = lines.map((each) => each.replaceAll(/[\r\n]/g, "")).join("\r\n");
        const raw = await signed({ subject: title, text: clean });
        expect(await judge(raw)).toBe("pass");
        expect(verifySignature(Buffer.from(raw, "latin1"), keys.publicKey)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });
});
