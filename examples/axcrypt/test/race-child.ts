// One of two processes on one database: it sends newsletters, or records what people say, as it is told.
import { generateKeyPairSync } from "node:crypto";
import { createHeed, definePolicy, keyring } from "@heed/core";
import { createMailer } from "@heed/mailer";
import { sqlite } from "@heed/sqlite";
import type { Answer, Ask, Scene } from "./race-talk.ts";

const policy = definePolicy({
  controller: { name: "AxCrypt AB", country: "SE", contact: "support@axcrypt.net" },
  recipients: { app: { role: "own", country: "SE" } },
  purposes: { "direct-marketing": { basis: "consent" } },
  topics: { newsletter: { class: "marketing", purpose: "direct-marketing" } },
});

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

function begin({ file, keys, port }: Scene) {
  const heed = createHeed({ policy, storage: sqlite(file), keys: keyring(keys) });
  const mailer = createMailer({
    permits: heed.permits,
    transport: { host: "127.0.0.1", port, connections: 1 },
    from: "news@acme.example",
    dkim: { domain: "acme.example", selector: "s1", privateKey },
    unsubscribe: { url: "https://acme.example/u" },
  });
  return { heed, mailer };
}

let scene: ReturnType<typeof begin> | undefined;

async function answerTo(ask: Ask): Promise<unknown> {
  if (ask.what === "begin") {
    scene = begin(ask.scene);
    return undefined;
  }
  if (scene === undefined) throw new TypeError("A race begins with its scene.");
  const { heed, mailer } = scene;
  if (ask.what === "end") {
    await mailer.close();
    return heed.close();
  }
  const subject = { email: ask.email };
  if (ask.what === "opt-in") {
    return heed.consent.give({ subject, purpose: "direct-marketing", evidence: { noticeVersion: "1" } });
  }
  if (ask.what === "unsubscribe") return heed.subscriptions.unsubscribe({ subject, topic: "newsletter" });
  const message = { subject: "News", text: "Hi.\nStop: {{unsubscribe}}" };
  return mailer.send({ topic: "newsletter", to: ask.email, messageKey: "2026-11", message });
}

process.on("message", ({ id, ask }: { id: number; ask: Ask }) => {
  const tell = (answer: Answer): unknown => process.send?.(answer);
  answerTo(ask).then(
    (answer) => tell({ id, answer }),
    (error: unknown) => tell({ id, error: String(error) }),
  );
});
process.send?.({ id: 0 } satisfies Answer);
