import { expect, it } from "vitest";
import { readFields } from "./fields.ts";
import { tokensIn } from "./tokens-in.ts";

const token = "k1.abcdefghijklmnopqrstuvwx";
const other = (n: number): string => `k1.abcdefghijklmnopqrstuv${n}0`;

it.each([
  ["a subject", `Subject: unsubscribe ${token}`, []],
  ["an encoded subject", `Subject: =?utf-8?B?${Buffer.from(token).toString("base64")}?=`, []],
  ["To", `To: Stop <stop+${token}@acme.example>`, []],
  ["Delivered-To", `Delivered-To: stop+${token}@acme.example`, []],
  ["the envelope", "To: undisclosed", [`stop+${token}@acme.example`]],
  ["words and brackets", `Subject: Re: <${token}>. Thanks`, []],
  [
    "several places, once",
    `Subject: ${token}\r\nTo: stop+${token}@acme.example`,
    [`stop+${token}@acme.example`],
  ],
])("finds a token in %s", (_, head, rcptTo) => {
  expect(tokensIn(readFields(head), rcptTo)).toEqual([token]);
});

it.each([
  `From: anna+${token}@sender.example`,
  `Reply-To: <stop+${token}@acme.example>`,
  "Subject: version.1 of the file",
  `Subject: ${token}-${"x".repeat(60)}`,
])("finds none in %s", (head) => {
  expect(tokensIn(readFields(head), [])).toEqual([]);
});

it("tries no more than a few", () => {
  const subject = Array.from({ length: 9 }, (_, n) => other(n)).join(" ");
  expect(tokensIn(readFields(`Subject: ${subject}`), [])).toEqual([other(0), other(1), other(2), other(3)]);
});
