import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { newsletter, receipt, setting } from "../test/setting.ts";

const reset = "https://acme.example/reset?t=abc";

describe("a password reset (ASE-11: no tracking, no promotion)", () => {
  it.each([
    ["a pixel", { html: `<p>Reset</p><img src="https://t.acme.example/o.gif?canary" width="1" height="1">` }],
    ["a pixel without a scheme", { html: `<img alt='' src='//t.acme.example/o.gif'>` }],
    ["a pixel without quotes", { html: `<IMG SRC=http://t.acme.example/o.gif>` }],
    ["an image", { html: `<img src="https://acme.example/logo.png" alt="Acme">` }],
    [
      "an image for sharp screens",
      { html: `<img src="cid:a" srcset="cid:a 1x, https://acme.example/2x.png 2x">` },
    ],
    ["a background", { html: `<td background="https://acme.example/b.png">` }],
    ["a background in a style", { html: `<p style="background: url('https://acme.example/b.png')">` }],
    ["a style sheet", { html: `<link rel="stylesheet" href="https://acme.example/a.css">` }],
    ["an import", { html: `<style>@import "https://acme.example/a.css";</style>` }],
    ["a link that tells who clicked, in the text", { text: `${reset}&utm_source=reset&canary=1` }],
    ["one in the html", { html: `<a href="${reset}&amp;utm_campaign=canary">` }],
    ["Mailchimp's", { text: `${reset}&mc_eid=canary` }],
    ["HubSpot's", { text: `${reset}&_hsenc=canary` }],
    ["HubSpot's, first", { text: "https://acme.example/reset?_hsmi=canary" }],
  ])("may not carry %s", async (_what, part) => {
    const { post, book, mailer } = await setting();
    const message = { ...receipt.message, ...part };
    const error: unknown = await mailer.send({ ...receipt, message }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "InvalidInputError", code: "tracking" });
    expect(inspect(error)).not.toContain("canary");
    expect([post.connections, book.entries.map(({ outcome }) => outcome)]).toEqual([0, ["not-sent"]]);
  });

  it("carries its link, and pictures that come with it", async () => {
    const { post, mailer } = await setting();
    const html = `<p>The query ?utm is no link. <a href="${reset}&amp;lang=sv">Reset</a> <img src="cid:logo"><img src="data:image/png;base64,AA==">
      <a href="https://acme.example/src=x">help</a></p>`;
    const message = { subject: "Reset", text: `Reset: ${reset}&lang=sv\nsrc="https://acme.example"`, html };
    expect(await mailer.send({ ...receipt, message })).toMatchObject({ status: "accepted" });
    expect(post.messages).toHaveLength(1);
  });

  it("can be sent under its key once it is mended", async () => {
    const { mailer } = await setting();
    await expect(
      mailer.send({ ...receipt, message: { subject: "Reset", text: `${reset}&utm_source=a` } }),
    ).rejects.toMatchObject({ code: "tracking" });
    expect(await mailer.send(receipt)).toMatchObject({ status: "accepted" });
  });

  it("is read in time that grows with its length alone", async () => {
    const { mailer } = await setting();
    const html = `${"<a ".repeat(100_000)}${"<".repeat(100_000)}${" src=".repeat(50_000)}`;
    const message = { ...receipt.message, html };
    expect(await mailer.send({ ...receipt, message })).toMatchObject({ status: "accepted" });
  });
});

describe("a newsletter", () => {
  it("is for its topic's promise to judge", async () => {
    const { mailer } = await setting();
    const message = {
      ...newsletter.message,
      html: `<a href="{{unsubscribe}}">Stop</a><img src="https://acme.example/a.png">`,
    };
    expect(await mailer.send({ ...newsletter, message })).toMatchObject({ status: "accepted" });
  });
});
