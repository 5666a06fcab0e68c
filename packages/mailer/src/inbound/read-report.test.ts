import { describe, expect, it } from "vitest";
import {
  anna,
  arf,
  exchange,
  exim,
  eximText,
  gmail,
  messageId,
  ours,
  postfix,
  tag,
  type Group,
} from "../../test/bounces.ts";
import { readReport } from "./read-report.ts";

const about = { tag, messageId };
const one = (groups: readonly Group[]) => readReport(postfix({ groups }));
const plainMail = (text: string): Buffer => Buffer.from(text.replaceAll("\n", "\r\n"));

describe("a delivery status notification", () => {
  it.each([
    ["Postfix", postfix()],
    ["Exim", exim()],
    ["Exim, for people", eximText()],
    ["Gmail", gmail()],
    ["Exchange", exchange()],
  ])("of %s names the message and says that there is no such mailbox", async (_, raw) => {
    expect(await readReport(raw)).toEqual([{ kind: "hard", ...about }]);
  });

  it.each([
    ["5.1.1", "hard"],
    ["5.1.2", "hard"],
    ["5.1.3", "hard"],
    ["5.1.6", "hard"],
    ["5.1.10", "hard"],
    ["4.2.2", "soft"],
    ["5.2.2", "soft"],
    ["4.4.1", "soft"],
    ["4.1.1", "soft"],
    ["5.7.1", "policy"],
    ["5.7.26", "policy"],
    ["4.7.0", "policy"],
  ])("with a final %s is %s", async (status, kind) => {
    expect(await one([{ status }])).toEqual([{ kind, ...about }]);
  });

  it.each([
    "5.0.0",
    "5.1.0",
    "5.1.4",
    "5.1.7",
    "5.1.8",
    "5.1.100",
    "5.2.1",
    "5.3.4",
    "5.4.1",
    "5.6.0",
    "2.1.1",
    "5.11",
    "",
  ])("with status %j says nothing to act upon", async (status) => {
    expect(await one([{ status, diagnostic: "550 No" }])).toEqual([]);
  });

  it.each(["delayed", "relayed", "expanded", "delivered"])("that says %s is no end", async (action) => {
    expect(await one([{ action }])).toEqual([]);
    expect(await one([{ action, status: "4.2.2" }])).toEqual([]);
    expect(await one([{ action: `${action} (failed)` }])).toEqual([]);
  });

  it("goes by the server's words where the status is vague, and only by how they begin", async () => {
    const vague = { status: "5.0.0" };
    expect(await one([{ ...vague, diagnostic: "550-5.1.1 Nobody here" }])).toEqual([
      { kind: "hard", ...about },
    ]);
    expect(await one([{ ...vague, diagnostic: "452 4.2.2 Full" }])).toEqual([{ kind: "soft", ...about }]);
    expect(await one([{ ...vague, diagnostic: "550 5.1.1000 Nobody" }])).toEqual([]);
    expect(await one([{ ...vague, diagnostic: "554 Rejected, see 5.1.1 for help" }])).toEqual([]);
    expect(await one([{ status: "5.7.1", diagnostic: "550 5.1.1 Nobody" }])).toEqual([
      { kind: "policy", ...about },
    ]);
  });

  it("that tells of several recipients says of each which one, and what", async () => {
    const groups = [
      { recipient: anna },
      { recipient: "ben@dest.example", status: "4.2.2" },
      { recipient: "eva@dest.example", action: "delayed", status: "4.4.1" },
    ];
    expect(await one(groups)).toEqual([
      { kind: "hard", ...about, recipient: anna },
      { kind: "soft", ...about, recipient: "ben@dest.example" },
    ]);
    expect(await one([{ recipient: anna }, { recipient: "eva@dest.example", action: "delivered" }])).toEqual([
      { kind: "hard", ...about, recipient: anna },
    ]);
  });

  it("names recipients as the message did, whatever they were encoded as", async () => {
    const several = (group: object) => one([group, { action: "delayed" }]);
    expect(
      await several({ original: "rfc822;anna+2Bnews@dest.example", recipient: "box7@mx.example" }),
    ).toMatchObject([{ recipient: "anna+news@dest.example" }]);
    expect(await several({ recipient: "anna+20@dest.example" })).toMatchObject([
      { recipient: "anna+20@dest.example" },
    ]);
    expect(await several({ type: "utf-8", recipient: "\\x{E5}sa@dest.example" })).toMatchObject([
      { recipient: "åsa@dest.example" },
    ]);
    expect(await several({ recipient: "[REDACTED]" })).toEqual([]);
  });

  it("is no worse for brackets, spaces and characters that there are not", async () => {
    const several = (group: object) => one([group, { action: "delayed" }]);
    expect(await several({ recipient: `<${anna}>` })).toMatchObject([{ recipient: anna }]);
    for (const hex of ["110000", "D800", "DFFF"])
      expect(await several({ type: "utf-8", recipient: `\\x{${hex}}a@dest.example` })).toMatchObject([
        { recipient: `\\x{${hex}}a@dest.example` },
      ]);
    const raw = postfix({ groups: [{ recipient: anna }, { recipient: "ben@dest.example" }] }).toString();
    const spaced = raw.replaceAll(/\r\n\r\n(?=Final-Recipient)/g, "\r\n \t\r\n");
    expect(await readReport(Buffer.from(spaced))).toHaveLength(2);
    const folded = raw.replaceAll("Action: failed", "Action:\r\n\tfailed");
    expect(await readReport(Buffer.from(folded))).toHaveLength(2);
  });

  it("of the international kind is read alike (RFC 6533)", async () => {
    const groups = [
      { type: "utf-8", recipient: "åsa@dest.example" },
      { recipient: anna, action: "delayed" },
    ];
    expect(await readReport(postfix({ groups, international: true }))).toEqual([
      { kind: "hard", ...about, recipient: "åsa@dest.example" },
    ]);
  });

  it("is taken at its envelope's id before anything that came back", async () => {
    const other = "z".repeat(26);
    expect(await readReport(postfix({ envelopeId: other }))).toMatchObject([{ tag: other, messageId }]);
    expect(await readReport(postfix({ envelopeId: "something else" }))).toMatchObject([{ tag }]);
  });

  it("finds the tag in the address that it was to return to, where its Message-ID is not ours", async () => {
    expect(await readReport(postfix({ id: "<1@elsewhere.example>" }))).toEqual([
      { kind: "hard", tag, messageId: "<1@elsewhere.example>" },
    ]);
  });

  it("is known in any letter case, as servers change it", async () => {
    const upper = tag.toUpperCase();
    const other = `<${upper}@acme.example>`;
    expect(await readReport(postfix({ id: other }))).toEqual([{ kind: "hard", tag, messageId: other }]);
    expect(await readReport(postfix({ envelopeId: upper, id: "<1@else.example>" }))).toMatchObject([{ tag }]);
  });

  it.each(["text/rfc822-headers", "message/rfc822", "message/global", "message/global-headers"])(
    "is known by what came back as %s",
    async (type) => {
      const raw = postfix().toString();
      expect(raw).toContain("Content-Type: text/rfc822-headers");
      const returned = raw.replace("Content-Type: text/rfc822-headers", `Content-Type: ${type}`);
      expect(await readReport(Buffer.from(returned))).toEqual([{ kind: "hard", ...about }]);
    },
  );

  it("is known by the id that the report itself names, where nothing came back", async () => {
    const raw = postfix()
      .toString()
      .replace(/Content-Type: text\/rfc822-headers/, "Content-Type: text/plain")
      .replace(/(Reporting-MTA:[^\r\n]*\r\n)/, `$1X-Original-Message-ID: ${messageId}\r\n`);
    expect(await readReport(Buffer.from(raw))).toEqual([{ kind: "hard", ...about }]);
  });

  it("without anything of ours in it names no message", async () => {
    const raw = postfix()
      .toString()
      .replaceAll(tag, "who-knows")
      .replaceAll(/^Message-ID:.*$/gim, "");
    expect(await readReport(Buffer.from(raw))).toEqual([{ kind: "hard" }]);
  });

  it("takes no more recipients than a message of ours could have", async () => {
    const groups = Array.from({ length: 500 }, (_, n) => ({ recipient: `p${n}@dest.example` }));
    expect(await one(groups)).toHaveLength(20);
  });
});

describe("Exim's bounce for people", () => {
  it("says what happened to each address, from what stands under it", async () => {
    const failed = {
      [anna]: "452 4.2.2 Mailbox full",
      "ben@dest.example": "550 5.1.1 Unknown",
      "eva@dest.example": "Unrouteable address",
    };
    expect(await readReport(eximText(failed))).toEqual([
      { kind: "soft", ...about, recipient: anna },
      { kind: "hard", ...about, recipient: "ben@dest.example" },
    ]);
  });

  it("may name all of them in one field, and no more than a message of ours could have", async () => {
    const failed = Object.fromEntries(
      Array.from({ length: 30 }, (_, n) => [`p${n}@dest.example`, "550 5.1.1 Unknown"] as const),
    );
    const raw = eximText(failed).toString();
    const names = Object.keys(failed).join(", ");
    const one = raw
      .replaceAll(/^X-Failed-Recipients:[^\r\n]*\r\n/gim, "")
      .replace("\r\n", `\r\nX-Failed-Recipients: ${names}\r\n`);
    for (const each of [raw, one]) expect(await readReport(Buffer.from(each))).toHaveLength(20);
  });

  it("does not take what our own message said for the server's words", async () => {
    expect(await readReport(eximText({ [anna]: "Unrouteable address" }))).toEqual([]);
  });
});

describe("a feedback report", () => {
  it.each(["abuse", "fraud", "Abuse", "opt-out"])("of type %s is a complaint", async (type) => {
    expect(await readReport(arf({ type }))).toEqual([{ kind: "complaint", ...about }]);
  });

  it.each(["not-spam", "virus", "auth-failure", "other", "dmarc", ""])("of type %j is none", async (type) => {
    expect(await readReport(arf({ type }))).toEqual([]);
  });

  it("that tells of several recipients names each", async () => {
    const raw = arf().toString();
    expect(raw).toMatch(/^Original-Rcpt-To:/im);
    const both = raw.replace(
      /^Original-Rcpt-To:[^\r\n]*\r\n/im,
      `Original-Rcpt-To: <${anna}>\r\nOriginal-Rcpt-To: ben@dest.example\r\n`,
    );
    expect(await readReport(Buffer.from(both))).toEqual([
      { kind: "complaint", ...about, recipient: anna },
      { kind: "complaint", ...about, recipient: "ben@dest.example" },
    ]);
  });

  it("is understood with every address blacked out", async () => {
    const raw = arf({ redacted: true });
    expect(raw.toString()).not.toContain(anna);
    expect(await readReport(raw)).toEqual([{ kind: "complaint", ...about }]);
  });

  it("is known by the address that the message was to return to, where its id was taken out", async () => {
    const parts = ours().replaceAll(/^(?:Message-ID|Return-Path):.*\n/gim, "");
    expect(await readReport(arf({ parts }))).toEqual([{ kind: "complaint", tag }]);
  });
});

describe("what is no report", () => {
  it.each([
    ["a mail", plainMail(`From: ${anna}\nSubject: Hi\n\n550 5.1.1 User unknown\n`)],
    [
      "an out of office",
      plainMail(`From: ${anna}\nAuto-Submitted: auto-replied\nSubject: Away\n\nBack soon.\n`),
    ],
    [
      "a mail that quotes a report",
      plainMail(`From: ${anna}\n\n> Final-Recipient: rfc822; ${anna}\n> Action: failed\n> Status: 5.1.1\n`),
    ],
    [
      "a read receipt",
      plainMail(
        `Content-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n--b\n\nRead\n--b\nContent-Type: message/disposition-notification\n\nDisposition: manual-action/MDN-sent-manually; displayed\n--b--\n`,
      ),
    ],
    ["nothing", Buffer.alloc(0)],
    ["noise", Buffer.from([0xff, 0, 13, 10, 13, 10, 0xfe])],
  ])("says nothing: %s", async (_, raw) => {
    expect(await readReport(raw)).toEqual([]);
  });

  it("is a report within a mail: whoever forwards one reports nothing", async () => {
    const raw = `From: ${anna}\r\nContent-Type: multipart/mixed; boundary=f\r\n\r\n--f\r\nContent-Type: message/rfc822\r\n\r\n${postfix().toString()}\r\n--f--\r\n`;
    expect(await readReport(Buffer.from(raw))).toEqual([]);
  });
});
