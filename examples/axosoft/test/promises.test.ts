import { openStage, type Stage } from "heed-example-stage";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAxosoft } from "../src/axosoft.ts";

const anna = { email: "anna.canary@example.org" };
const team = "team@axosoft.example";
const promotional = ["product-updates", "promotions"] as const;
const important = {
  topic: "important-announcements",
  to: anna.email,
  message: { subject: "Maintenance on Sunday", text: "The service rests from 2 to 4." },
} as const;
const promotion = {
  subject: "A promotion",
  text: "Twenty percent off.\n\nNo more of these: {{unsubscribe}}",
};

let axosoft: Stage<ReturnType<typeof createAxosoft>>;
beforeEach(async () => {
  axosoft = await openStage("Axosoft", createAxosoft);
  await axosoft.heed.subjects.record({ subject: anna });
});
afterEach(async () => {
  await axosoft.close();
});

const promote = (topic: (typeof promotional)[number], issue: string) =>
  axosoft.mailer.send({ topic, to: anna.email, messageKey: `${topic}-${issue}`, message: promotion });

describe("AXO-10: You may choose to opt out of these promotional announcements", () => {
  it("ends promotions by the link in any of them, and important announcements still come", async () => {
    for (const topic of promotional) expect(await promote(topic, "1")).toMatchObject({ status: "accepted" });
    const response = await fetch(axosoft.linkTo(anna.email), {
      method: "POST",
      body: new URLSearchParams({ action: "stop-all" }),
    });
    expect(response.status).toBe(200);
    for (const topic of promotional)
      expect(await promote(topic, "2")).toEqual({ status: "blocked", because: "suppressed" });
    expect(await axosoft.mailer.send({ ...important, messageKey: "1" })).toMatchObject({
      status: "accepted",
    });
    expect(axosoft.lettersTo(anna.email).map(({ subject }) => subject)).toEqual([
      "A promotion",
      "A promotion",
      "Maintenance on Sunday",
    ]);
  });

  it("lets no sender call a promotion a service message: the class is the topic's", async () => {
    await axosoft.heed.subscriptions.unsubscribe({ subject: anna, topic: "all" });
    const disguised = { topic: "promotions", to: anna.email, messageKey: "3", message: promotion } as const;
    // @ts-expect-error nobody passes a class
    await expect(axosoft.mailer.send({ ...disguised, class: "service" })).rejects.toMatchObject({
      code: "invalid-input",
    });
    expect(await axosoft.mailer.send(disguised)).toEqual({ status: "blocked", because: "suppressed" });
    expect(axosoft.post.messages).toEqual([]);
  });

  it("offers no way out of important announcements, in the mail or on the page, and says that they still come", async () => {
    await axosoft.mailer.send({ ...important, messageKey: "2" });
    expect(axosoft.lettersTo(anna.email)[0]?.raw.toString()).not.toMatch(/^list-unsubscribe|\/u\//im);
    await promote("promotions", "4");
    const page = await (await fetch(axosoft.linkTo(anna.email))).text();
    const buttons = [...page.matchAll(/<button[^>]*>([^<]*)</g)].map(([, text]) => text).join("|");
    expect(buttons).toContain("promotions related to our services");
    expect(buttons).not.toContain("important announcements");
    expect(page).toContain("important announcements");
  });
});

describe("AXO-11: If you have questions or concerns about Axosoft, our service and your privacy, please contact", () => {
  const question = {
    from: anna.email,
    to: team,
    subject: "A question about my privacy",
    text: "Who sees what I type in?",
    messageId: "<question-1@example.org>",
    // What a mail says of its own date moves no deadline.
    headers: { Date: "Thu, 01 Jan 2015 00:00:00 +0000" },
  };

  it("opens a case as of when the mail came, which somebody has to answer in time", async () => {
    const before = axosoft.clock.now().toISOString();
    expect(await axosoft.write(question)).toMatch(/^250 /);
    const [request] = await axosoft.heed.requests.list();
    expect(request).toMatchObject({ right: "inquiry", state: "awaiting_manual" });
    const { receivedAt } = await axosoft.heed.requests.get(request?.id ?? "");
    expect(receivedAt >= before && receivedAt <= axosoft.clock.now().toISOString()).toBe(true);
    expect(axosoft.desk.map(({ text }) => text.includes("Who sees what I type in?"))).toEqual([true]);
  });

  it("takes no mail that it could not keep: the sender's server is told to come again", async () => {
    await axosoft.close();
    let isDown = true;
    axosoft = await openStage("Axosoft", (place) =>
      createAxosoft({
        ...place,
        keep: async (raw, about) => {
          if (isDown) throw new Error("the help desk is down");
          await place.keep(raw, about);
        },
      }),
    );
    await expect(axosoft.write(question)).rejects.toMatchObject({ responseCode: 451 });
    isDown = false;
    expect(await axosoft.write(question)).toMatch(/^250 /);
    expect(axosoft.desk).toHaveLength(1);
  });

  it("makes one case of a mail that comes twice", async () => {
    await axosoft.write(question);
    await axosoft.write(question);
    expect(await axosoft.heed.requests.list()).toHaveLength(1);
    expect(new Set(axosoft.desk.map(({ about }) => about.id)).size).toBe(1);
    expect(axosoft.lettersTo(anna.email)).toHaveLength(1);
  });

  it("makes none of a vacation reply", async () => {
    await axosoft.write({ ...question, headers: { "Auto-Submitted": "auto-replied" } });
    expect(await axosoft.heed.requests.list()).toEqual([]);
    expect(axosoft.post.messages).toEqual([]);
  });
});
