import { describe, expect, it } from "vitest";
import { anna, answers, inboxSetting } from "../../test/inbox-setting.ts";
import { letter } from "../../test/letters.ts";
import type { MailOutcome } from "../outcome.ts";
import { inboxAnswers } from "./inbox-answers.ts";

const clock = { now: () => new Date("2026-11-02T10:00:00Z") };

/** What a person is told, where sending ends like this. */
function after(outcome: unknown): Promise<boolean> {
  return inboxAnswers<"answers", never, never>({
    clock,
    mailer: { send: async () => outcome as MailOutcome },
    answers,
  }).confirm({ to: anna, language: "en", inReplyTo: undefined, token: "token", list: undefined });
}

describe("an answer", () => {
  it.each([
    [true, { status: "accepted" }],
    // It may have arrived; a second one would be one too many.
    [true, { status: "unknown" }],
    [true, { status: "blocked", because: "already-sent" }],
    [false, { status: "blocked", because: "undeliverable" }],
    [false, { status: "blocked", because: "erased" }],
    [false, { status: "rejected" }],
  ])("was given (%s) after %j", async (told, outcome) => {
    expect(await after(outcome)).toBe(told);
  });

  it.each([
    { status: "blocked", because: "restore-needed" },
    { status: "deferred" },
    { status: "notSent", because: "closed" },
  ])("is to be given again after %j", async (outcome) => {
    await expect(after(outcome)).rejects.toMatchObject({ code: "answer-not-sent" });
  });

  it("with the link to an erasure comes also on the day of an answer to a question", async () => {
    const setting = await inboxSetting();
    const to = "data-protection@acme.example";
    for (const subject of ["A question", "Delete my data", "A copy of my data", "Delete my data"])
      expect(await setting.arrive(letter({ to, subject }), to)).toMatchObject({
        did: expect.stringMatching(/^(?:case|opened-request)$/),
      });
    const links = setting.post.messages.map(({ text = "" }) => text.includes("https://acme.example/i/"));
    expect(links).toEqual([false, true]);
  });
});
