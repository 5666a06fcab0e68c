import { describe, expect, it } from "vitest";
import { letter, resolver, sign } from "../../test/letters.ts";
import { readMime } from "./read-mime.ts";
import { senderOf } from "./sender-of.ts";
import { isProven, type InboundEnvelope } from "./sender-proof.ts";

const us = "webmaster@acme.example";

async function proven(raw: Buffer, envelope: Partial<InboundEnvelope> = {}): Promise<boolean> {
  const mime = await readMime(raw);
  const sender = mime && senderOf(mime.fields);
  if (!mime || !sender) throw new Error("no mail from anybody");
  return isProven(
    { raw, fields: mime.fields, sender },
    { rcptTo: [us], ...envelope },
    { serves: (address) => address === us, resolver },
  );
}

const onTop = (field: string, raw: Buffer): Buffer => Buffer.concat([Buffer.from(`${field}\r\n`), raw]);
const authResults = "mx.provider.example; dmarc=pass header.from=sender.example";

describe("a genuine mail", () => {
  it("is proven, also where we are one of several that it was written to", async () => {
    expect(await proven(await sign(letter()))).toBe(true);
    const copied = letter({ to: "friend@else.example", head: `Cc: Friends <x@else.example>, <${us}>\n` });
    const signed = await sign(
      copied,
      undefined,
      "from:to:cc:subject:date:message-id:mime-version:content-type",
    );
    expect(await proven(signed)).toBe(true);
    const delivered = letter({ to: "friend@else.example", head: `Delivered-To: ${us}\n` });
    expect(await proven(await sign(delivered))).toBe(false);
    expect(await proven(await sign(letter({ to: "friend@else.example" })))).toBe(false);
  });

  it.each([
    "Date: Tue, 03 Nov 2026 10:00:00 +0000",
    "Content-Type: text/html",
    "MIME-Version: 1.0",
    "To: webmaster@acme.example",
    "Subject: another",
  ])("is not once it says something twice: %s", async (field) => {
    const raw = onTop(field, letter());
    expect(await proven(await sign(raw))).toBe(false);
    expect(await proven(raw, { authResults })).toBe(false);
    expect(await proven(letter(), { authResults })).toBe(true);
  });

  it("is not with a Cc that was not signed", async () => {
    expect(await proven(onTop(`Cc: ${us}`, await sign(letter())))).toBe(false);
  });

  it("is not by what a provider says of somebody else's domain", async () => {
    const raw = letter({ from: "mallory@stranger.example" });
    expect(await proven(raw, { authResults })).toBe(false);
    expect(await proven(raw, { authResults: authResults.replace("sender", "stranger") })).toBe(true);
  });

  it("is not under more signatures than anybody needs, whatever a provider says", async () => {
    const one = await sign(letter());
    const field = one.subarray(0, one.indexOf("From:"));
    const many = (count: number) => Buffer.concat([...Array.from({ length: count }, () => field), letter()]);
    expect(await proven(many(10), { authResults })).toBe(true);
    expect(await proven(many(11), { authResults })).toBe(false);
  });
});
