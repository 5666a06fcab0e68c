import { expect, it } from "vitest";
import { readWritten, type Written } from "./written.ts";

const read = (given: { subject?: string; text?: string; html?: string; reply?: boolean }): Written =>
  readWritten({
    fields: given.reply ? [["in-reply-to", "<q@acme.example>"]] : [],
    subject: "",
    text: "",
    html: "",
    ...given,
  });

it.each([
  ["Unsubscribe\n-- \nAnna", "Unsubscribe"],
  ["Hello,\n\nplease stop\nmore", "please stop"],
  ["Hej Anna!\nsluta", "sluta"],
  ["> what we said\nsluta", "sluta"],
  ["Hi\n-----Original Message-----\nunsubscribe", ""],
  ["Hej\n-------- Ursprungligt meddelande --------\navsluta", ""],
  ["Hi\n---------- Forwarded message ---------\nunsubscribe", ""],
  ["Hi\n________________\nunsubscribe", ""],
  ["Hi\nFrom: Acme\nunsubscribe", ""],
  ["Hej\nFrån: Acme\navsluta", ""],
  ["Hi\nSent from my phone\nunsubscribe", ""],
  ["Hej\nSkickat från min telefon\navsluta", ""],
  ["On Monday Acme wrote:\nunsubscribe", ""],
  ["Den 2 nov. skrev Acme <news@acme.example>:\navsluta", ""],
  ["On Monday I wrote that\nyou should stop", "On Monday I wrote that"],
  ["Den 2 nov. Acme skrev:\navsluta", ""],
])("reads of %j only what is its writer's own", (text, line) => {
  expect(read({ text }).line).toBe(line);
});

it.each([
  ["<p>Hi,</p><p>stop&nbsp;it</p>", "stop it"],
  ["<blockquote>unsubscribe</blockquote>", ""],
  ["<div>Hello</div><blockquote type=cite>unsubscribe</blockquote>", ""],
  ["<p>Hi,</p><blockquote><p>News</p><p>unsubscribe here</p></blockquote>", ""],
  ["<blockquote>a<BlockQuote class=x>b</blockquote><p>unsubscribe</p></blockquote><p>stop</p>", "stop"],
  ["</blockquote><p>stop</p><blockquote><p>unsubscribe</p>", "stop"],
  ["one<br>two", "one"],
])("reads html as people see it: %j", (html, line) => {
  expect(read({ html }).line).toBe(line);
});

it("takes the subject of a reply for somebody else's, and of a mail that only looks like one for its own", () => {
  expect(read({ subject: "Re: unsubscribe", reply: true }).subject).toBe("");
  expect(read({ subject: "Re: SV[2]: unsubscribe" }).subject).toBe("unsubscribe");
  expect(read({ subject: "unsubscribe", reply: true }).subject).toBe("unsubscribe");
});

it("knows a mail that says nothing", () => {
  expect(read({ text: " \n" }).isEmpty).toBe(true);
  for (const said of [{ subject: "x" }, { text: "x" }, { html: "x" }]) expect(read(said).isEmpty).toBe(false);
});
