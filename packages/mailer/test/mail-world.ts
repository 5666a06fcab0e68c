import { generateKeyPairSync } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { createHeed, definePolicy, ephemeralKeys, memory } from "@heed/core";
import { createMailer, mailProcessor, type MailOutcome } from "../src/index.ts";
import { mailServer } from "../src/testing/index.ts";

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

/** Marketing that nobody has to ask for, so that everybody can be written to, and mail of two other classes. */
export const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  recipients: { mail: { role: "own", country: "SE" } },
  purposes: { news: { basis: "legitimate-interest" }, account: { basis: "contract" } },
  topics: {
    "product-news": { class: "marketing", purpose: "news", via: ["mail"] },
    offers: { class: "marketing", purpose: "news", via: ["mail"] },
    outages: { class: "service", purpose: "account" },
    welcome: { class: "transactional", purpose: "account" },
  },
});

type Topic = "product-news" | "offers" | "outages" | "welcome";

/** A mail server that says nothing, a mailer whose only connection is lost in it, and a heed with both. */
export async function mailWorld() {
  const post = await mailServer({ faults: [{ at: "connect", answer: "stall" }] });
  const mail = mailProcessor({ policy });
  const heed = createHeed({ policy, storage: memory(), keys: ephemeralKeys(), processors: { mail } });
  const mailer = createMailer({
    permits: heed.permits,
    transport: { host: post.host, port: post.port, connections: 1 },
    from: "news@acme.example",
    dkim: { domain: "acme.example", selector: "s1", privateKey },
    unsubscribe: { url: "https://acme.example/u" },
  });
  mail.connect({ messages: heed.messages, mailer });
  let messages = 0;
  /** What was asked for, and what came of it; nothing while it waits. */
  const asked: { readonly email: string; readonly topic: Topic; outcome?: MailOutcome }[] = [];

  async function queue(email: string, topic: Topic): Promise<void> {
    messages += 1;
    const stop = topic === "product-news" || topic === "offers" ? " {{unsubscribe}}" : "";
    const message = { subject: "Hi", text: `Hi.${stop}` };
    const entry: (typeof asked)[number] = { email, topic };
    asked.push(entry);
    const sending = mailer.send({ topic, to: email, messageKey: `m${messages}`, message });
    // Whom this mailer cannot send to has nothing waiting.
    sending.then(
      (outcome) => (entry.outcome = outcome),
      () => asked.splice(asked.indexOf(entry), 1),
    );
    await setImmediate();
  }

  await mailer.preflight();
  await queue("first@acme.example", "welcome");
  return {
    heed,
    mail,
    mailer,
    post,
    asked,
    queue,
    /** As if it had been sent before. */
    async log(email: string, topic: Topic): Promise<void> {
      messages += 1;
      const permit = await heed.permits.take({ topic, email, messageKey: `m${messages}` });
      if (!permit.allowed) throw new Error(permit.because);
      await permit.handOver();
      await permit.settle("accepted");
    },
    /** Topics of what somebody is still to be sent. */
    async waiting(email: string): Promise<readonly Topic[]> {
      await setImmediate();
      return asked
        .filter((each) => each.email === email && each.outcome === undefined)
        .map(({ topic }) => topic);
    },
    async close(): Promise<void> {
      await post.close();
      await mailer.close();
      await heed.close();
    },
  };
}
