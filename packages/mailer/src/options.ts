import { KeyObject } from "node:crypto";
import type { ConnectionOptions } from "node:tls";
import type { Clock, Permits } from "@heed/core/contract";
import { z } from "zod";
import { parse } from "./parse.ts";
import type { NoTemplates, Render } from "./render.ts";

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
  /** PEM or KeyObject of an RSA key, at least 1024 bits; 2048 is recommended (RFC 8301 3.2). */
  readonly privateKey: string | Buffer | KeyObject;
}

/** Where marketing mail is unsubscribed from. */
export interface UnsubscribeOptions {
  /**
   * A base, to which `/<token>` is appended, or a function of the token. https; http only on a loopback
   * host. At most 900 characters with the token: past about 970 a mail server cuts the header line.
   */
  readonly url: string | ((token: string) => string);
  /** An address that takes the token as the subject of a mail, offered second (RFC 2369). */
  readonly mailto?: string;
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
  readonly from: From;
  readonly dkim: DkimOptions;
  readonly unsubscribe: UnsubscribeOptions;
  /** Makes a message of a template, for `send({ …, template })`. Default: `send` takes messages only. */
  readonly render?: Render<Templates, Language>;
  /** For the Date header and the signature's time. Default: the machine's. */
  readonly clock?: Pick<Clock, "now">;
  readonly logger?: MailerLogger;
}

const durationMs = z.int().positive();

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
  from: z.union([
    z.string(),
    z.strictObject({
      name: z.string().regex(/^\P{Cc}{1,200}$/u, "no control characters"),
      address: z.string(),
    }),
  ]),
  dkim: z.strictObject({
    domain: z.string().min(1),
    selector: z.string().regex(/^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/, "not a DNS name"),
    privateKey: z.union([
      z.string(),
      z.instanceof(Buffer),
      z.custom<KeyObject>((value) => value instanceof KeyObject),
    ]),
  }),
  unsubscribe: z.strictObject({
    url: z.union([z.string(), z.custom<(token: string) => string>((value) => typeof value === "function")]),
    mailto: z.string().optional(),
  }),
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
