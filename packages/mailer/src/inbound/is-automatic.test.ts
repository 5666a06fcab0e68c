import { expect, it } from "vitest";
import { readFields } from "./fields.ts";
import { isAutomatic } from "./is-automatic.ts";

const own = new Set(["acme.example", "bounces.acme.example"]);
const is = (head: string, mailFrom: string | undefined = "anna@sender.example"): boolean =>
  isAutomatic(readFields(head), mailFrom, own);

it.each([
  "Precedence: bulk",
  "Precedence: List",
  "Precedence: junk",
  "Precedence: auto_reply",
  "List-Id: <list.elsewhere.example>",
  "X-Auto-Response-Suppress: OOF",
  "X-Autoreply: yes",
  "X-Autorespond: yes",
  "X-Autoresponder: yes",
  "X-Heed-Loop: inbox",
  "Auto-Submitted: auto-replied; owner=x",
  "Return-Path: <>",
  "Return-Path:",
  "Content-Type: multipart/report; report-type=delivery-status; boundary=b",
  `Message-ID: <${"a".repeat(26)}@acme.example>`,
  `Message-ID: <${"a".repeat(26)}@Bounces.Acme.example>`,
  "Message-ID: <123e4567-e89b-12d3-a456-426614174000@acme.example>",
])("is written by a machine: %s", (head) => {
  expect(is(head)).toBe(true);
});

it("is written by a machine where it returns to nobody", () => {
  expect([is("Subject: Hi", ""), is("Subject: Hi", "<>")]).toEqual([true, true]);
});

it.each([
  "Precedence: special-delivery",
  "Precedence: first-class",
  "Auto-Submitted: no",
  "Auto-Submitted: No (a person)",
  "Return-Path: <anna@sender.example>",
  "Content-Type: multipart/mixed; boundary=report",
  // A colleague writes from the same domain.
  "Message-ID: <CAF+a1b2@acme.example>",
  `Message-ID: <${"a".repeat(26)}@else.example>`,
  "",
])("may be written by a person: %j", (head) => {
  expect(is(head)).toBe(false);
  expect(isAutomatic(readFields(head), undefined, own)).toBe(false);
});
