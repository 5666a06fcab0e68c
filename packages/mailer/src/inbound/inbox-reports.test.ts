import { describe, expect, it } from "vitest";
import { anna as recipient, arf, exim, postfix, returnPath, tag } from "../../test/bounces.ts";
import { anna, inboxSetting } from "../../test/inbox-setting.ts";
import { letter } from "../../test/letters.ts";

const bounce = { mailFrom: "" };

describe("a report that comes in", () => {
  it("stops the address of the message that it is about, and nobody else's", async () => {
    const setting = await inboxSetting();
    await setting.know("ben@sender.example");
    const permit = await setting.permit("news");
    const own = permit.allowed ? (permit.returnTag ?? "") : "";
    const groups = [{ recipient: "ben@sender.example" }, { recipient: anna }];
    const raw = Buffer.from(postfix({ groups }).toString().replaceAll(tag, own));
    expect(await setting.arrive(raw, `b+${own}@bounces.acme.example`, bounce)).toEqual({
      did: "reported",
      reports: [
        { kind: "hard", followed: "unknown" },
        { kind: "hard", followed: "stopped" },
      ],
    });
    expect(await setting.permit("news")).toMatchObject({ allowed: false, because: "undeliverable" });
    expect(await setting.gets("ben@sender.example")).toEqual(["news", "surveys"]);
  });

  it("of a complaint ends all marketing", async () => {
    const setting = await inboxSetting();
    const permit = await setting.permit("news");
    const own = permit.allowed ? (permit.returnTag ?? "") : "";
    const raw = Buffer.from(arf({ redacted: true }).toString().replaceAll(tag, own));
    expect(await setting.arrive(raw, "stop@acme.example")).toEqual({
      did: "reported",
      reports: [{ kind: "complaint", followed: "unsubscribed" }],
    });
    expect(await setting.gets()).toEqual([]);
    expect((await setting.permit("receipts")).allowed).toBe(true);
  });

  it("counts for the message whose return address it came to", async () => {
    const setting = await inboxSetting();
    const raw = Buffer.from(postfix().toString().replaceAll(tag, "z".repeat(26)));
    expect(await setting.arrive(raw, returnPath.toUpperCase(), bounce)).toEqual({
      did: "reported",
      reports: [{ kind: "hard", followed: "unknown" }],
    });
    expect(setting.reports).toEqual([{ tag, kind: "hard" }]);
  });

  it.each([
    ["the envelope's id", postfix({ envelopeId: tag, id: "<1@else.example>" }), "hard"],
    ["the Message-ID that came back", exim(), "hard"],
    ["a complaint", arf(), "complaint"],
    ["a complaint without addresses", arf({ redacted: true }), "complaint"],
  ])("counts for the message that it names: %s", async (_, raw, kind) => {
    const setting = await inboxSetting();
    expect(await setting.arrive(raw, "stop@acme.example", bounce)).toMatchObject({ did: "reported" });
    expect(setting.reports).toEqual([{ tag, kind }]);
  });

  it("of nobody's message does nothing, whichever address it names", async () => {
    const setting = await inboxSetting();
    const forged = postfix({ groups: [{ recipient: anna }] })
      .toString()
      .replaceAll(tag, "no-tag-of-ours");
    for (const to of [
      "stop@acme.example",
      "b+no-tag-of-ours@bounces.acme.example",
      `b+${tag}@else.example`,
    ]) {
      expect(await setting.arrive(Buffer.from(forged), to, bounce)).toEqual({
        did: "ignored",
        because: "no-tag",
      });
    }
    expect(setting.reports).toEqual([]);
    expect(await setting.gets()).toEqual(["news", "surveys"]);
  });

  it("names the recipient where it tells of several, so that only the message's own counts", async () => {
    const setting = await inboxSetting();
    const groups = [{ recipient }, { recipient: anna }];
    await setting.arrive(postfix({ groups }), returnPath, bounce);
    expect(setting.reports).toEqual([
      { tag, kind: "hard", recipient },
      { tag, kind: "hard", recipient: anna },
    ]);
  });

  it.each([
    ["delayed", postfix({ groups: [{ action: "delayed", status: "4.4.1" }] })],
    ["not-spam", arf({ type: "not-spam" })],
    ["an unknown reason", postfix({ groups: [{ status: "5.0.0", diagnostic: "No" }] })],
  ])("that is no reason to do anything does nothing: %s", async (_, raw) => {
    const setting = await inboxSetting();
    expect(await setting.arrive(raw, returnPath, bounce)).toEqual({
      did: "ignored",
      because: "nothing-to-report",
    });
    expect(setting.reports).toEqual([]);
  });

  it("about our own question is a report, and no wish", async () => {
    const setting = await inboxSetting();
    await setting.arrive(letter({ subject: "unsubscribe" }));
    const question = setting.post.messages[0]?.raw.toString() ?? "";
    const raw = postfix()
      .toString()
      .replace(/--4Rk[^]*--\r\n$/, (parts) =>
        parts.replace(
          /(rfc822-headers[^]*?\r\n\r\n)[^]*?(\r\n--4Rk)/,
          (_, head, end) => head + question + end,
        ),
      );
    expect(raw).toContain("acme.example/u/");
    expect(await setting.arrive(Buffer.from(raw), "stop@acme.example", bounce)).toEqual({
      did: "reported",
      reports: [{ kind: "hard", followed: "stopped" }],
    });
    expect(setting.post.messages).toHaveLength(1);
    expect(await setting.permit("news")).toMatchObject({ because: "undeliverable" });
    const subject = { email: anna };
    expect((await setting.heed.subscriptions.state({ subject, topic: "news" })).state).toBe("given");
  });

  it("is never answered, and never a request", async () => {
    const setting = await inboxSetting();
    const raw = Buffer.from(
      postfix().toString().replace("Undelivered Mail", "Delete my data: undelivered mail"),
    );
    await setting.arrive(raw, "data-protection@acme.example", bounce);
    expect(setting.post.messages).toEqual([]);
    expect(await setting.heed.requests.list()).toEqual([]);
  });

  it("as a vacation reply to the return address does nothing", async () => {
    const setting = await inboxSetting();
    const raw = letter({ to: returnPath, subject: "Re: News", head: "Auto-Submitted: auto-replied\n" });
    expect(await setting.arrive(raw, returnPath, bounce)).toEqual({ did: "ignored", because: "not-served" });
    expect(setting.reports).toEqual([]);
  });
});
