import { KeyObject } from "node:crypto";
import type { ConnectionOptions } from "node:tls";
import type { Clock, Permits } from "@heed/core/contract";
import { z } from "zod";
import { parse } from "./parse.ts";
import type { NoTemplates, Render } from "./render.ts";
import type { UnsubscribeOptions } from "./unsubscribe-link.ts";

/** The mail server to hand messages to. */
export interface SmtpOptions {
  readonly host: string;
  /** Default: 465 with `secure`, else 587. */
  readonly port?: number;
  /** TLS from the first byte. Default: false, which means STARTTLS. */
  readonly secure?: boolean;
  /** Refuse to go on without TLS. Default: true, except for a loopback host. */
  readonly requireTls?: boolean;
  readonly auth?: { readonly user: string; readonly pass: string };
  /** Options of `tls.connect`, for example `ca`. */
  readonly tls?: ConnectionOptions;
  /** The name to give in EHLO. Default: this machine's. */
  readonly name?: string;
  /** Connections at a time, and so messages in flight; the others wait in the mailer. Default 5. */
  readonly connections?: number;
  /** How long connecting may take, greeting and TLS included. Default 30,000. */
  readonly connectTimeoutMs?: number;
  /** How long the server may be silent. Default 600,000, as RFC 5321 4.5.3.2.6 asks after the final dot. */
  readonly replyTimeoutMs?: number;
}

/** Who a message is from: an address, or one with a name to show. */
export type From = string | { readonly name: string; readonly address: string };

/** How messages are signed (RFC 6376, rsa-sha256). */
export interface DkimOptions {
  /** The signing domain, `d=`. The From address must be in it, or it in the From domain. */
  readonly domain: string;
  /** `s=`: the key's record is at `<selector>._domainkey.<domain>`. */
  readonly selector: string;
  /** PEM or KeyObject of an RSA key, at least 2048 bits, as RFC 8301 3.2 recommends. */
  readonly privateKey: string | Buffer | KeyObject;
}

/**
 * One for all mail, or one for marketing and one for everything else, which mailbox providers ask for: spam
 * complaints about a newsletter then do not hold up receipts (support.google.com/a/answer/15263077).
 */
export type PerStream<T> = T | { readonly marketing: T; readonly other: T };

/** Where bounces come back to (VERP): the envelope's sender names the one message that bounced. */
export interface BounceOptions {
  /** Mail to it must arrive at your inbox. Give it an SPF record: servers check the envelope's sender. */
  readonly domain: string;
  /** The local part before `+<tag>`, letters, digits and `-`. Default `"b"`. */
  readonly prefix?: string;
}

/** How marketing mail names the list that it belongs to. */
export interface ListOptions<Topic extends string = string> {
  /** `List-Id` is `<topic.domain>` (RFC 2919). Choose one of your own, and keep it: filters go by it. */
  readonly domain: string;
  /** What a mail program shows of a topic's list. Default: nothing but the id. */
  readonly titles?: Readonly<Partial<Record<Topic, string>>>;
  /** An address that helps, for `List-Help` (RFC 2369 3.1). */
  readonly help?: string;
  /** An address that reaches a human, for `List-Owner` (RFC 2369 3.5). */
  readonly owner?: string;
  /** Says `Precedence: bulk`, which no standard knows and some old vacation responders obey. Default: not. */
  readonly precedence?: "bulk";
}

/** Is told about each message: topic, outcome, ids; nothing personal. Fits pino and its like. Must not throw. */
export interface MailerLogger {
  info(fields: Readonly<Record<string, string | number>>, message: string): void;
  warn(fields: Readonly<Record<string, string | number>>, message: string): void;
}

/** What {@link createMailer} needs. */
export interface MailerOptions<
  Topic extends string = string,
  Templates extends object = NoTemplates,
  Language extends string = string,
> {
  /** `heed.permits`, or anything else with that `take`. */
  readonly permits: Permits<Topic>;
  readonly transport: SmtpOptions;
  readonly from: PerStream<From>;
  readonly dkim: PerStream<DkimOptions>;
  readonly unsubscribe: UnsubscribeOptions;
  /** Makes a message of a template, for `send({ …, template })`. Default: `send` takes messages only. */
  readonly render?: Render<Templates, Language>;
  /** Default: bounces come back to the From address and name no message. */
  readonly bounces?: BounceOptions;
  /** Default: marketing mail has no `List-Id`. */
  readonly lists?: ListOptions<Topic>;
  /**
   * 5 to 15 of `[A-Za-z0-9._-]`: messages get `Feedback-ID: <topic>:<class>:<this>`, by which Gmail reports spam rates
   * (support.google.com/mail/answer/6254652). A message's own `Feedback-ID` wins. Default: none.
   */
  readonly feedbackSenderId?: string;
  /** For the Date header and the signature's time. Default: the machine's. */
  readonly clock?: Pick<Clock, "now">;
  readonly logger?: MailerLogger;
}

const durationMs = z.int().positive();
/** An A-label already, since it is written as it is. */
const domainSchema = z
  .string()
  .regex(
    /^(?=.{1,200}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+$/,
    "not a domain name in lower case",
  );
/** Nobody means to turn the direction of a text around in a header; whoever does hides something. */
const shown = z
  .string()
  .regex(/^(?!.*[\u202D\u202E])\P{Cc}{1,200}$/u, "1 to 200 characters, no control characters or overrides");

const perStream = <S extends z.ZodType>(schema: S) =>
  z.union([schema, z.strictObject({ marketing: schema, other: schema })]);

/** What the mailer and `gate()` both take. */
export const headerOptions = {
  unsubscribe: z.strictObject({
    url: z.union([z.string(), z.custom<(token: string) => string>((value) => typeof value === "function")]),
    mailto: z.string().optional(),
  }),
  bounces: z
    .strictObject({
      domain: domainSchema,
      prefix: z
        .string()
        .regex(/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,29}[A-Za-z0-9])?$/, "letters, digits and -")
        .optional(),
    })
    .optional(),
  lists: z
    .strictObject({
      domain: domainSchema,
      titles: z.record(z.string(), shown.optional()).optional(),
      help: z.string().optional(),
      owner: z.string().optional(),
      precedence: z.literal("bulk").optional(),
    })
    .optional(),
  feedbackSenderId: z
    .string()
    .regex(/^[\w.-]{5,15}$/, "5 to 15 characters of A-Z a-z 0-9 . _ -")
    .optional(),
};

const optionsSchema = z.strictObject({
  permits: z.custom<Permits>(),
  transport: z.strictObject({
    host: z.string().min(1),
    port: z.int().min(1).max(65_535).optional(),
    secure: z.boolean().optional(),
    requireTls: z.boolean().optional(),
    auth: z.strictObject({ user: z.string().min(1), pass: z.string().min(1) }).optional(),
    tls: z.custom<ConnectionOptions>((value) => typeof value === "object").optional(),
    name: z.string().min(1).optional(),
    connections: z.int().min(1).max(100).optional(),
    connectTimeoutMs: durationMs.optional(),
    replyTimeoutMs: durationMs.optional(),
  }),
  from: perStream(z.union([z.string(), z.strictObject({ name: shown, address: z.string() })])),
  dkim: perStream(
    z.strictObject({
      domain: z.string().min(1),
      selector: z.string().regex(/^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/, "not a DNS name"),
      privateKey: z.union([
        z.string(),
        z.instanceof(Buffer),
        z.custom<KeyObject>((value) => value instanceof KeyObject),
      ]),
    }),
  ),
  ...headerOptions,
  render: z.custom<Render<object>>((value) => typeof value === "function", "not a function").optional(),
  clock: z.custom<Pick<Clock, "now">>().optional(),
  logger: z.custom<MailerLogger>().optional(),
});

/** @throws TypeError without `permits.take`; InvalidInputError for anything else that is wrong */
export function parseOptions<Topic extends string, Templates extends object, Language extends string>(
  options: MailerOptions<Topic, Templates, Language>,
): MailerOptions<Topic, Templates, Language> {
  if (typeof options?.permits?.take !== "function") {
    throw new TypeError("createMailer() needs `permits` with a `take` function, for example heed.permits");
  }
  parse(optionsSchema, options, "mailer's options");
  return options;
}
