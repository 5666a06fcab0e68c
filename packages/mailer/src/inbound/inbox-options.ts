import type { Clock } from "@heed/core/contract";
import { z } from "zod";
import type { Mailer } from "../create-mailer.ts";
import type { MailerLogger } from "../options.ts";
import { parse, refuse } from "../parse.ts";
import type { UnsubscribeOptions } from "../unsubscribe-link.ts";
import type { Catalogue } from "../texts/catalogue.ts";
import type { Language } from "../texts/system-mail.ts";
import { englishWords, swedishWords, type Words } from "./words.ts";
import type { InboxHeed, MailedRight } from "./inbox-heed.ts";
import { readAddress } from "./sender-of.ts";
import type { DnsResolver } from "./sender-proof.ts";

/** What an address is for. Where it is an object, whatever a person writes there means that. */
export type Duty<
  Topic extends string = string,
  Purpose extends string = string,
  Recipient extends string = string,
> =
  /** Unsubscribing, from the list that the mail names or else from all. Other wishes are understood as well. */
  | "unsubscribe"
  /** Unsubscribing from all lists, whichever the mail names. Other wishes are understood as well. */
  | "unsubscribe-all"
  /** Rights and questions. What cannot be told opens an inquiry, whose clock runs. */
  | "rights"
  | { readonly unsubscribe: Topic | "all" }
  | { readonly withdraw: Purpose }
  | MailedRight<Recipient>;

/** What is known of a mail that is given to whoever reads it. */
export interface KeptAbout {
  /** The same for the same mail, however often it comes. Nothing personal. */
  readonly id: string;
  /** RFC 3339: when it came. The deadline of what it asks for counts from the first time. */
  readonly receivedAt: string;
  /** The requests that were opened for it, or that it says more about. */
  readonly requests: readonly {
    readonly id: string;
    readonly right: MailedRight["right"];
    readonly about?: string;
  }[];
  /** Why nothing else was done, where nothing was. */
  readonly because?: KeptReason;
}

/** Why a mail is left to people. */
export type KeptReason =
  /** A person wrote, and no wish could be told. */
  | "no-wish"
  /** A machine wrote to an address where people ask for their rights, or a person who sent a machine's report along. */
  | "automatic"
  /** Nobody, or more than one, is named as its sender. */
  | "no-sender"
  | "unreadable"
  | "too-large"
  /** Something else is being done for this person that it would get in the way of. */
  | "conflict";

/** What {@link createInbox} needs. */
export interface InboxOptions<
  Topic extends string = string,
  Purpose extends string = string,
  Recipient extends string = string,
> {
  readonly heed: InboxHeed<Topic, Purpose, Recipient>;
  readonly mailer: Pick<Mailer<Topic>, "send">;
  /** The addresses that mail is taken for, and what each is for. `stop+anything@…` is `stop@…`. */
  readonly addresses: Readonly<Record<string, Duty<Topic, Purpose, Recipient>>>;
  /**
   * Gives a mail to the people who answer: their help desk, a mailbox. heed keeps no mail. It must be durable when this
   * resolves; a mail may come again, with the same `id`.
   */
  readonly keep: (raw: Uint8Array, about: KeptAbout) => Promise<void>;
  /** How people are answered. */
  readonly answers: {
    /** A topic of class transactional or legal. One of class legal also answers whoever was erased and asks again. */
    readonly topic: Topic;
    /** The company's name, as people know it. */
    readonly controller: string;
    /** Where people write to: an e-mail address, or a link. */
    readonly contact: string;
    /** Of the unsubscribe page: as in the mailer's own options. */
    readonly unsubscribeUrl: UnsubscribeOptions["url"];
    /** Of the page where a person shows that an address is theirs. A base, or a function of the token, https. */
    readonly invitationUrl: UnsubscribeOptions["url"];
    /** Of answers to a mail that does not tell its own. Default `"en"`. */
    readonly language?: Language | Catalogue;
  };
  /** Where bounces return to, as in the mailer's own options: `b+<tag>@<domain>`. */
  readonly bounces?: { readonly domain: string; readonly prefix?: string };
  /** What people call the lists, for who names one. Without it they are unsubscribed from all. */
  readonly lists?: readonly { readonly topic: Topic; readonly called: readonly string[] }[];
  /** Purposes that "I withdraw my consent" ends, besides all marketing. Default: none. */
  readonly purposes?: readonly Purpose[];
  /** What people say, by language. Default: {@link englishWords} as `en`, {@link swedishWords} as `sv`. */
  readonly words?: Readonly<Record<string, Partial<Words>>>;
  /**
   * What is done when somebody writes "unsubscribe" and DMARC does not show who it was. `"confirm"`, the default: the
   * address on file is asked, once a day. `"unsubscribe"`: it counts, whoever wrote it. No other wish ever does.
   */
  readonly unverified?: "confirm" | "unsubscribe";
  /** Looks up DNS records for DMARC. Default: the machine's own. */
  readonly resolver?: DnsResolver;
  /** Largest mail in octets that is read. Default 10,485,760. */
  readonly maxBytes?: number;
  /** Default: the machine's. */
  readonly clock?: Pick<Clock, "now">;
  /** Is told of each mail: what was done and why, nothing personal. Must not throw. */
  readonly logger?: MailerLogger;
}

const isFunction = (value: unknown): boolean => typeof value === "function";
const url = z.union([z.string(), z.custom<(token: string) => string>(isFunction)]);
const slug = z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, "use a slug");
const phrases = z.array(z.string().min(1)).readonly();

const dutySchema = z.union([
  z.enum(["unsubscribe", "unsubscribe-all", "rights"]),
  z.strictObject({ unsubscribe: z.string().min(1) }),
  z.strictObject({ withdraw: z.string().min(1) }),
  z.strictObject({ right: z.enum(["erasure", "forget-tokens"]) }),
  z.strictObject({ right: z.literal("objection"), recipient: z.string().min(1) }),
  z.strictObject({ right: z.literal("inquiry"), about: slug.optional() }),
]);

const optionsSchema = z.strictObject({
  heed: z.custom<object>((value) => typeof value === "object" && value !== null, "pass `heed`"),
  mailer: z.custom<object>((value) => typeof value === "object" && value !== null, "pass a mailer"),
  addresses: z.record(z.string(), dutySchema),
  keep: z.custom<InboxOptions["keep"]>(isFunction, "pass a function: heed keeps no mail"),
  answers: z.strictObject({
    topic: z.string().min(1),
    controller: z.string().regex(/^\P{Cc}{1,200}$/u, "1 to 200 characters, no control characters"),
    unsubscribeUrl: url,
    invitationUrl: url,
    contact: z.string().min(1),
    language: z
      .union([z.enum(["en", "sv"]), z.custom<Catalogue>((value) => typeof value === "object")])
      .optional(),
  }),
  bounces: z
    .strictObject({
      domain: z.string().min(1),
      prefix: z
        .string()
        .regex(/^[a-z0-9-]{1,16}$/i)
        .optional(),
    })
    .optional(),
  lists: z
    .array(z.strictObject({ topic: z.string().min(1), called: phrases }))
    .readonly()
    .optional(),
  purposes: phrases.optional(),
  words: z.record(z.string(), z.record(z.string(), phrases.optional())).optional(),
  unverified: z.enum(["confirm", "unsubscribe"]).optional(),
  resolver: z.custom<DnsResolver>(isFunction).optional(),
  maxBytes: z.int().min(1024).optional(),
  clock: z.custom<Pick<Clock, "now">>().optional(),
  logger: z.custom<MailerLogger>().optional(),
});

/** Options with their defaults, and the addresses as they compare. */
export function parseInboxOptions<T extends string, P extends string, R extends string>(
  options: InboxOptions<T, P, R>,
) {
  parse(optionsSchema, options, "inbox's options");
  const duties = new Map<string, Duty<T, P, R>>();
  for (const [address, duty] of Object.entries(options.addresses)) {
    const read = readAddress(address);
    if (read === undefined) throw refuse("inbox's options", "addresses", "one of them is not an address");
    duties.set(read.canonical, duty);
  }
  return {
    ...options,
    duties,
    words: options.words ?? { en: englishWords, sv: swedishWords },
    purposes: options.purposes ?? [],
    unverified: options.unverified ?? "confirm",
    maxBytes: options.maxBytes ?? 10 * 1024 * 1024,
    clock: options.clock ?? { now: () => new Date() },
  };
}

/** {@link InboxOptions}, parsed. */
export type Settings<T extends string, P extends string, R extends string> = ReturnType<
  typeof parseInboxOptions<T, P, R>
>;
