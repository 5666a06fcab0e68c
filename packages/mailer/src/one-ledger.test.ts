import { createHeed, definePolicy, ephemeralKeys, memory } from "@heed/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { keys } from "../test/setting.ts";
import { createMailer } from "./index.ts";
import { mailServer } from "./testing/index.ts";

const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  recipients: { app: { role: "own", country: "SE" } },
  purposes: { news: { basis: "consent" } },
  topics: { news: { class: "marketing", purpose: "news" } },
});

/** Two mailers, as in two workers, that share nothing but a ledger. */
async function twoMailers(server: Parameters<typeof mailServer>[0] = {}) {
  const post = await mailServer(server);
  const heed = createHeed({ policy, storage: memory(), keys: ephemeralKeys() });
  const mailers = [1, 2].map(() =>
    createMailer({
      permits: heed.permits,
      transport: { host: post.host, port: post.port },
      from: "news@acme.example",
      dkim: { domain: "acme.example", selector: "s1", privateKey: keys.privateKey },
      unsubscribe: { url: "https://acme.example/u" },
    }),
  );
  onTestFinished(async () => {
    await post.close();
    await Promise.all(mailers.map((mailer) => mailer.close()));
    await heed.close();
  });
  return { post, heed, mailers };
}

const people = Array.from({ length: 40 }, (_, index) => `p${index}@dest.example`);
const letter = (to: string) =>
  ({
    topic: "news",
    to,
    messageKey: "2026-11",
    message: { subject: "News", text: "{{unsubscribe}}" },
  }) as const;

describe("two workers with the same messages", () => {
  it("send each of them once", async () => {
    const { post, heed, mailers } = await twoMailers();
    const evidence = { noticeVersion: "1" };
    for (const email of people) await heed.consent.give({ subject: { email }, purpose: "news", evidence });
    const outcomes = await Promise.all(
      people.flatMap((to) => mailers.map((mailer) => mailer.send(letter(to)))),
    );
    const statuses = outcomes.map((outcome) => ("because" in outcome ? outcome.because : outcome.status));
    expect(statuses.toSorted()).toEqual([
      ...people.map(() => "accepted"),
      ...people.map(() => "already-sent"),
    ]);
    expect(post.messages).toHaveLength(people.length);
    expect(new Set(post.messages.map(({ envelope }) => envelope.to[0]))).toEqual(new Set(people));
  });

  it("send what one could not send by the other, and never what nobody knows of", async () => {
    const faults = [
      { at: "mail" as const, answer: "drop", times: 1 },
      { at: "final-dot" as const, answer: "drop", times: 1 },
    ];
    const { post, heed, mailers } = await twoMailers({ faults });
    const [to = ""] = people;
    await heed.consent.give({ subject: { email: to }, purpose: "news", evidence: { noticeVersion: "1" } });
    const told: unknown[] = [];
    for (const mailer of [...mailers, ...mailers]) {
      const outcome = await mailer.send(letter(to));
      told.push("because" in outcome ? outcome.because : outcome.status);
    }
    expect(told).toEqual(["connection", "unknown", "already-sent", "already-sent"]);
    expect(post.messages).toHaveLength(1);
  });
});
