import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { dkimVerify } from "mailauth/lib/dkim/verify.js";
import { onTestFinished } from "vitest";
import { createTransport, type SentMessageInfo, type Transporter } from "nodemailer";
import {
  createMailer,
  gate,
  type GateOptions,
  type Mailer,
  type MailerOptions,
  type SmtpOptions,
} from "../src/index.ts";
import { mailServer, type MailServer } from "../src/testing/index.ts";
import { PermitBook, type Topic } from "./permit-book.ts";

export const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });

const pem = keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString();

/** A person who must not be found where nobody has business with them. */
export const anna = "Anna.Canary+x@dest.example";

export const newsletter = {
  topic: "news",
  to: anna,
  messageKey: "2026-11",
  message: {
    subject: "News",
    text: "Hi.\nStop: {{unsubscribe}}\n",
    html: '<p><a href="{{unsubscribe}}">Stop</a></p>',
  },
} as const;

export const receipt = {
  topic: "receipts",
  to: anna,
  messageKey: "receipt-1",
  message: { subject: "Receipt", text: "Thanks." },
} as const;

/** Short only where a server stalls on purpose: a busy machine is slow, too. */
const patienceMs = ({ faults = [] }: Parameters<typeof mailServer>[0] = {}): number =>
  faults.some(({ answer }) => answer === "stall") ? 400 : 10_000;

/** A mail server, a book of permits and a mailer between them; ended with the test. */
export async function setting(
  server: Parameters<typeof mailServer>[0] = {},
  options: Partial<Omit<MailerOptions<Topic>, "transport">> & { transport?: Partial<SmtpOptions> } = {},
): Promise<{ post: MailServer; book: PermitBook; mailer: Mailer<Topic> }> {
  const post = await mailServer(server);
  const book = new PermitBook();
  const mailer = createMailer<Topic>({
    permits: book,
    from: { name: "Acme", address: "news@acme.example" },
    dkim: { domain: "acme.example", selector: "s1", privateKey: keys.privateKey },
    unsubscribe: { url: "https://acme.example/u", mailto: "stop@acme.example" },
    ...options,
    transport: {
      host: post.host,
      port: post.port,
      replyTimeoutMs: patienceMs(server),
      connectTimeoutMs: patienceMs(server),
      ...options.transport,
    },
  });
  onTestFinished(async () => {
    await post.close();
    await mailer.close();
  });
  return { post, book, mailer };
}

/** Nodemailer as people have it, with a gate put into it afterwards; ended with the test. */
export async function gatedSetting(
  server: Parameters<typeof mailServer>[0] = {},
  options: Partial<GateOptions<Topic>> = {},
  transport: { readonly pool?: boolean; readonly maxConnections?: number; readonly signed?: boolean } = {},
) {
  const post = await mailServer(server);
  const book = new PermitBook();
  const { pool = false, maxConnections = 5, signed = true } = transport;
  const { host, port } = post;
  const wait = patienceMs(server);
  const timeouts = { socketTimeout: wait, greetingTimeout: wait, connectionTimeout: wait };
  const dkim = signed ? { domainName: "acme.example", keySelector: "s1", privateKey: pem } : undefined;
  const common = { host, port, ignoreTLS: true, dkim, ...timeouts };
  const transporter: Transporter = pool
    ? createTransport({ ...common, pool: true, maxConnections })
    : createTransport(common);
  const gated = gate<SentMessageInfo, Topic>(transporter, {
    permits: book,
    unsubscribe: { url: "https://acme.example/u", mailto: "stop@acme.example" },
    ...options,
  });
  onTestFinished(async () => {
    transporter.close();
    await post.close();
  });
  return { post, book, transporter, gated };
}

/** What another implementation says of a message's signature. */
export async function judge(raw: Buffer | string, publicKey: KeyObject = keys.publicKey): Promise<string> {
  const p = publicKey.export({ type: "spki", format: "der" }).toString("base64");
  const resolver = async (): Promise<string[][]> => [[`v=DKIM1; k=rsa; p=${p}`]];
  const { results } = await dkimVerify(typeof raw === "string" ? Buffer.from(raw, "latin1") : raw, {
    resolver,
  });
  return results[0]?.status?.result ?? "none";
}
