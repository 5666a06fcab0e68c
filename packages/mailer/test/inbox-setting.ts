import { generateKeyPairSync } from "node:crypto";
import { createHeed, definePolicy, ephemeralKeys, memory, ownData } from "@heed/core";
import type { DeliveryReport, Reported } from "@heed/core/contract";
import { onTestFinished } from "vitest";
import {
  createInbox,
  createMailer,
  type InboundEnvelope,
  type InboundResult,
  type Inbox,
  type InboxHeed,
  type InboxOptions,
  type KeptAbout,
} from "../src/index.ts";
import { mailServer, type Fault, type MailServer } from "../src/testing/index.ts";
import { resolver } from "./letters.ts";

const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  recipients: { app: { role: "own", country: "SE" }, crm: { role: "own", country: "SE" } },
  purposes: {
    news: { basis: "consent" },
    surveys: { basis: "consent" },
    profiling: { basis: "consent" },
    account: { basis: "contract" },
  },
  topics: {
    news: { class: "marketing", purpose: "news" },
    surveys: { class: "marketing", purpose: "surveys" },
    receipts: { class: "transactional", purpose: "account" },
    answers: { class: "transactional", purpose: "account" },
  },
});

export type Topic = "news" | "surveys" | "receipts" | "answers";
type Purpose = "news" | "surveys" | "profiling" | "account";
type Recipient = "app" | "crm";

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

/** How the inbox answers. */
export const answers = {
  topic: "answers",
  controller: "Acme",
  contact: "privacy@acme.example",
  unsubscribeUrl: "https://acme.example/u",
  invitationUrl: "https://acme.example/i",
} as const;

/** Somebody whom heed knows, who gets everything. */
export const anna = "anna.canary@sender.example";
/** Where Anna's mail server sends from. */
export const annasServer = "198.51.100.7";

/** Where each mail of the tests goes, and what it is for. */
export const addresses = {
  "webmaster@acme.example": "unsubscribe-all",
  "stop@acme.example": "unsubscribe",
  "stop-news@acme.example": { unsubscribe: "news" },
  "consent@acme.example": { withdraw: "profiling" },
  "data-protection@acme.example": "rights",
  "business@acme.example": { right: "objection", recipient: "crm" },
} as const satisfies InboxOptions<Topic, Purpose, Recipient>["addresses"];

/** A real heed, a real mailer, a mail server, and an inbox between them. */
export async function inboxSetting(
  options: Partial<Omit<InboxOptions<Topic, Purpose, Recipient>, "heed" | "mailer">> & {
    readonly faults?: readonly Fault[];
  } = {},
) {
  const { faults = [], ...inboxOptions } = options;
  let now = Date.parse("2026-11-02T10:00:00Z");
  const sleepers = new Set<() => void>();
  const clock = {
    now: () => new Date(now),
    sleep: (ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        const wakesAt = now + ms;
        const look = (): void => {
          if (now < wakesAt) return;
          sleepers.delete(look);
          resolve();
        };
        signal?.addEventListener("abort", () => reject(signal.reason as Error));
        sleepers.add(look);
      }),
  };
  const pass = (ms: number): void => {
    now += ms;
    for (const look of sleepers) look();
  };
  const people = new Set<string>();
  const data = ownData({
    by: "email",
    erase: async (email) => people.delete(email),
    holds: async (email) => people.has(email),
  });
  const heed = createHeed({
    policy,
    storage: memory(),
    keys: ephemeralKeys(),
    clock,
    processors: { app: data, crm: data },
  });
  const post: MailServer = await mailServer({ faults });
  const mailer = createMailer<Topic>({
    permits: heed.permits,
    transport: { host: post.host, port: post.port, replyTimeoutMs: 400, connectTimeoutMs: 400 },
    from: { name: "Acme", address: "privacy@acme.example" },
    dkim: { domain: "acme.example", selector: "s1", privateKey },
    unsubscribe: { url: "https://acme.example/u" },
    clock,
  });
  onTestFinished(async () => {
    await post.close();
    await mailer.close();
  });

  let messages = 0;
  const permit = async (topic: Topic, email = anna) => {
    messages += 1;
    return heed.permits.take({ topic, email, messageKey: `permit ${messages}` });
  };
  const reports: DeliveryReport[] = [];
  /** What heed has not yet: as its contract says, and no kinder. */
  const port: InboxHeed<Topic, Purpose, Recipient> = {
    ...heed,
    requests: {
      open: async (ask) => {
        if (ask.right !== "inquiry") return heed.requests.open(ask);
        const id = `inquiry-${ask.about ?? "unclear"}-${ask.subject.email}`;
        const changed = !inquiries.has(id);
        inquiries.set(id, ask.receivedAt);
        return { id, state: "awaiting_manual", dueOn: "2026-12-02", changed };
      },
      invite: (id) => heed.requests.invite(id),
    },
    messages: {
      report: (report): Promise<Reported> => {
        reports.push(report);
        return heed.messages.report(report);
      },
    },
  };
  const inquiries = new Map<string, string>();
  const kept: { raw: Uint8Array; about: KeptAbout }[] = [];
  const told: string[] = [];
  const inbox: Inbox = createInbox<Topic, Purpose, Recipient>({
    addresses,
    keep: async (raw, about) => void kept.push({ raw, about }),
    answers,
    bounces: { domain: "bounces.acme.example" },
    lists: [
      { topic: "news", called: ["news", "nyheter"] },
      { topic: "surveys", called: ["surveys"] },
    ],
    purposes: ["profiling"],
    resolver,
    clock,
    logger: {
      info: (fields, message) => void told.push(JSON.stringify([fields, message])),
      warn: (fields, message) => void told.push(JSON.stringify([fields, message])),
    },
    ...inboxOptions,
    heed: port,
    mailer,
  });

  /** Makes a person known, who wants everything. */
  async function know(email: string): Promise<void> {
    people.add(email);
    const subject = { email };
    for (const purpose of ["news", "surveys", "profiling"] as const)
      await heed.consent.give({ subject, purpose, evidence: { none: true } });
    pass(60_000);
  }
  await know(anna);

  return {
    heed,
    post,
    inbox,
    kept,
    told,
    reports,
    inquiries,
    people,
    know,
    permit,
    pass,
    /** Which of the marketing topics a person still gets. */
    gets: async (email = anna): Promise<Topic[]> => {
      const got: Topic[] = [];
      for (const topic of ["news", "surveys"] as const)
        if ((await permit(topic, email)).allowed) got.push(topic);
      return got;
    },
    /** A mail arrives, from Anna's own server unless said otherwise. */
    arrive: (
      raw: Uint8Array,
      to = "webmaster@acme.example",
      envelope: Partial<InboundEnvelope> = {},
    ): Promise<InboundResult> =>
      inbox.handleInbound(raw, {
        mailFrom: anna,
        rcptTo: [to],
        remoteIp: "192.0.2.66",
        helo: "mx.elsewhere.example",
        ...envelope,
      }),
  };
}
