import { expect, it } from "vitest";
import { readMime } from "./read-mime.ts";

const head = "From: anna@sender.example\r\nSubject: Hi\r\n\r\n";

it("reads the beginning of a mail: so many lines, so many bytes", async () => {
  const lines = await readMime(Buffer.from(head + "x\r\n".repeat(50_000)));
  expect(lines?.text.split("\n").length).toBeLessThanOrEqual(20_000);
  expect(lines?.text.startsWith("x\nx")).toBe(true);
  const long = await readMime(
    Buffer.from(`${head}${"y".repeat(998)}\r\n`.repeat(1) + `${"y".repeat(998)}\r\n`.repeat(3000)),
  );
  expect(long?.text.length).toBeLessThanOrEqual(1024 * 1024);
  expect(long?.subject).toBe("Hi");
});

it("takes a mail within a mail for a part, and not for text", async () => {
  const inner = `${head}delete my data\r\n`;
  const raw = `From: ben@sender.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee below\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n${inner}\r\n--b--\r\n`;
  const mime = await readMime(Buffer.from(raw));
  expect(mime?.text.trim()).toBe("See below");
  expect(mime?.parts.map(({ type }) => type)).toEqual(["message/rfc822"]);
});

it.each([
  [
    "parts within parts",
    Array.from(
      { length: 50 },
      (_, n) => `Content-Type: multipart/mixed; boundary=b${n}\r\n\r\n--b${n}\r\n`,
    ).join(""),
  ],
  ["a header without end", `X-Long: ${"x\r\n ".repeat(10_000)}${"y".repeat(300_000)}\r\n\r\n`],
])("does not read %s", async (_, raw) => {
  expect(await readMime(Buffer.from(raw))).toBeUndefined();
});
