import { generateKeyPairSync } from "node:crypto";
import { keyring, newKey } from "@heed/core";
import { createMailer } from "@heed/mailer";
import { createTransport } from "nodemailer";
import { startChild } from "./child.ts";
import { addressOf, company } from "./company.ts";
import { median, timed, type Figure } from "./figure.ts";
import { openStorage, type Place } from "./places.ts";

const messages = 2_000;
const rounds = 5;
const connections = 5;
/** Before them, so that both are measured as in a process that has run for some seconds. */
const warmUp = 500;

const paragraph = "The quick brown fox jumps over the lazy dog, and nobody minds. ".repeat(11);
const unsubscribe = "https://acme.example/u";
const message = {
  subject: "News of November",
  text: `${paragraph}\n\nStop: {{unsubscribe}}\n`,
  html: `<html><body><p>${paragraph.repeat(2)}</p><p><a href="{{unsubscribe}}">Stop</a></p></body></html>`,
};
const from = "news@acme.example";
const names = { domain: "acme.example", selector: "s1" };
const privateKey = generateKeyPairSync("rsa", { modulusLength: 2048 })
  .privateKey.export({ type: "pkcs8", format: "pem" })
  .toString();

const everybody = (count: number) => Array.from({ length: count }, (_, index) => addressOf(index));

/** Nodemailer alone: its pool, its DKIM, the same headers, and nobody asked. */
function rawSender(port: number) {
  const transporter = createTransport({
    host: "127.0.0.1",
    port,
    pool: true,
    maxConnections: connections,
    dkim: { domainName: names.domain, keySelector: names.selector, privateKey },
  });
  const url = `${unsubscribe}/${"t".repeat(43)}`;
  const fill = (part: string) => part.replaceAll("{{unsubscribe}}", url);
  return {
    async send(people: readonly string[]) {
      await Promise.all(
        people.map((to) =>
          transporter.sendMail({
            from,
            to,
            subject: message.subject,
            text: fill(message.text),
            html: fill(message.html),
            headers: {
              "List-Unsubscribe": `<${url}>`,
              "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            },
          }),
        ),
      );
    },
    close: () => transporter.close(),
  };
}

/** A message each, with a permit in a durable ledger and an oversigned signature. */
function heedSender(heed: ReturnType<typeof company>, port: number) {
  const mailer = createMailer({
    permits: heed.permits,
    transport: { host: "127.0.0.1", port, connections },
    from,
    dkim: { ...names, privateKey },
    unsubscribe: { url: unsubscribe },
  });
  return {
    async send(people: readonly string[], messageKey: string) {
      const outcomes = await Promise.all(
        people.map((to) => mailer.send({ topic: "news", to, messageKey, message })),
      );
      if (outcomes.some(({ status }) => status !== "accepted")) throw new Error("A message was not sent.");
    },
    close: () => mailer.close(),
  };
}

/** Messages a second, beside nodemailer's, in turn; the server is a process of its own. */
export async function sendThroughput(place: Place): Promise<readonly Figure[]> {
  const heed = company(openStorage(place), keyring(newKey()), "");
  const evidence = { noticeVersion: "1" };
  for (const email of everybody(messages))
    await heed.consent.give({ subject: { email }, purpose: "news", evidence });
  const sink = startChild("smtp-sink.ts");
  const port = await sink.next<number>();
  const raw = rawSender(port);
  const ours = heedSender(heed, port);

  const rawTimes: number[] = [];
  const ourTimes: number[] = [];
  for (let round = -1; round < rounds; round += 1) {
    const people = everybody(round < 0 ? warmUp : messages);
    const rawMs = await timed(() => raw.send(people));
    const ourMs = await timed(() => ours.send(people, `round-${round}`));
    if (round < 0) continue;
    rawTimes.push(rawMs);
    ourTimes.push(ourMs);
  }
  raw.close();
  await ours.close();
  await sink.end();
  await heed.close();
  const rate = (times: readonly number[]) => (messages * 1000) / median(times);
  return [
    {
      name: "mailer.send.throughput",
      value: rate(ourTimes) / rate(rawTimes),
      goal: 1,
      better: "higher",
      of: `${Math.round(rate(ourTimes))}/s over nodemailer's ${Math.round(rate(rawTimes))}/s`,
    },
  ];
}
