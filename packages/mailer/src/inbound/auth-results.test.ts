import { expect, it } from "vitest";
import { authResultsSay } from "./auth-results.ts";

const passes = "dmarc=pass header.from=sender.example";

it.each([
  [`mx.example; ${passes}`, "sender.example"],
  [
    `mx.example; spf=fail smtp.mailfrom=x; DMARC = Pass (p=none) header.from=Anna@Sender.Example`,
    "sender.example",
  ],
  // The organisation's domain stands for those within it.
  [`mx.example; ${passes}`, "mail.sender.example"],
])("says that DMARC passed: %s for %s", (value, domain) => {
  expect(authResultsSay(value, domain)).toBe(true);
});

it.each([
  [`mx.example; ${passes}`, "example"],
  [`mx.example; ${passes}`, "evilsender.example"],
  [`mx.example; dmarc=pass header.from=mail.sender.example`, "sender.example"],
  [`mx.example; ${passes}; dmarc=fail header.from=sender.example`, "sender.example"],
  [`mx.example; ${passes}; ${passes}`, "sender.example"],
  [`mx.example; dmarc=pass header.from=stranger.example header.from=sender.example`, "sender.example"],
  [`mx.example; ${passes} header.from=stranger.example`, "sender.example"],
  [`mx.example; dmarc=pass header.from=example`, "sender.example"],
  // A quote within quotes, and an end of a comment that is none.
  [`mx.example; x="a\\"; ${passes}; y=\\"b"`, "sender.example"],
  [`mx.example; x=y (a\\); ${passes} (b) c)`, "sender.example"],
  [`mx.example; x=y (a (b) ${passes}; ${passes})`, "sender.example"],
  [`mx.example; ${passes} "`, "sender.example"],
  ["", "sender.example"],
])("does not say it: %s for %s", (value, domain) => {
  expect(authResultsSay(value, domain)).toBe(false);
});
