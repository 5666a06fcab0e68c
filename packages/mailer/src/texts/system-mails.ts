import { z } from "zod";
import { parseAddress } from "../address.ts";
import { isLoopback } from "../loopback.ts";
import type { Catalogue, Right } from "./catalogue.ts";

/** Who writes: of every mail. Words are 1 to 200 characters, in the language of the mail. */
export interface Sender {
  /** The company, by its name. */
  readonly controller: string;
  /** Where a person writes to: an e-mail address, or a link. */
  readonly contact: string;
}

/** What is kept after a request, until when where that is known, and by which law. */
export interface Kept {
  /** In words, for example `"invoices"`. */
  readonly what: string;
  /** Civil date `YYYY-MM-DD`. */
  readonly untilOn?: string | undefined;
  /** Citation, for example `"SFS 1999:1078 7:2"`. */
  readonly law?: string | undefined;
}

/**
 * The mails that heed has texts for, and what each has to be told. Links are https, or http on a loopback host.
 * What ends in `At` is an instant, RFC 3339; what ends in `On` a civil date, `YYYY-MM-DD`.
 */
export interface SystemMails {
  /** Double opt-in: does the owner of this address want that topic? */
  "confirm-subscription": Sender & {
    readonly topic: string;
    readonly link: string;
    readonly expiresAt: string;
  };
  /** Notice of a changed privacy policy, and of a choice to make anew. Silence means no. */
  "policy-changed": Sender & {
    readonly effectiveOn: string;
    /** What changes, a sentence each; 1 to 20. */
    readonly changes: readonly string[];
    /** The new policy. */
    readonly noticeLink: string;
    /** What the choice is about, for example `"personal offers"`. */
    readonly purpose: string;
    /** Where to choose. */
    readonly link: string;
    readonly expiresAt?: string | undefined;
  };
  /** A mail in somebody's name asked to unsubscribe, and nothing shows that it was them. */
  "confirm-unsubscribe": Sender & {
    /** Default: every list. */
    readonly topic?: string | undefined;
    readonly link: string;
  };
  /** Acknowledges a request (GDPR Art. 12(3)). Quotes nothing of it, as anybody may have written it. */
  "request-received": Sender & {
    readonly right: Right;
    readonly receivedAt: string;
    readonly dueOn: string;
    /** Where the person shows that it was them. Absent: that is known. */
    readonly link?: string | undefined;
    readonly expiresAt?: string | undefined;
  };
  /** A request was carried out. For an erasure `farewell` says it. */
  "request-done": Sender & {
    readonly right: Right;
    readonly receivedAt: string;
    readonly closedAt: string;
    /** At most 20. */
    readonly kept: readonly Kept[];
  };
  /** The person's data is erased, and this is the last message. */
  farewell: Sender & {
    readonly closedAt: string;
    /** At most 20. */
    readonly kept: readonly Kept[];
  };
  /** Acknowledges a message that a human has to read. Quotes nothing of it. */
  "inquiry-received": Sender & {
    readonly receivedAt: string;
    readonly dueOn: string;
  };
}

export type SystemMailName = keyof SystemMails;

/** A piece of a mail: a text by its key, a link with its text, or a list. */
type Block<Name extends SystemMailName> =
  | TextKey<Name>
  | { readonly link: string; readonly text: TextKey<Name> }
  | { readonly list: readonly Item<Name>[] };
/** A line as it is, or a text with values of its own. */
type Item<Name extends SystemMailName> = string | { readonly text: TextKey<Name>; readonly values: object };
type TextKey<Name extends SystemMailName> = keyof Catalogue["mails"][Name] & string;

// No control characters, no line separators, and nothing that turns the direction of what stands around it.
const words = z
  .string()
  .regex(/^[^\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]{1,200}$/u, "1 to 200 characters, on one line");
const link = z.string().refine(isLink, "not an https link of at most 900 printable ASCII characters");
const instant = z.iso.datetime({ offset: true });
const civilDate = z.iso.date();
const sender = {
  controller: words,
  contact: z.string().refine((to) => isLink(to) || isAddress(to), "not an address"),
};
const kept = z
  .array(z.strictObject({ what: words, untilOn: civilDate.optional(), law: words.optional() }))
  .max(20)
  .readonly();
const right = z.enum([
  "access",
  "rectification",
  "erasure",
  "restriction",
  "portability",
  "objection",
  "withdrawal",
  "forget-tokens",
]);

/** What each mail takes, and what it says in which order. */
export const systemMails: {
  readonly [Name in SystemMailName]: {
    readonly data: z.ZodType<SystemMails[Name]>;
    blocks(data: SystemMails[Name]): readonly Block<Name>[];
  };
} = {
  "confirm-subscription": {
    data: z.strictObject({ ...sender, topic: words, link, expiresAt: instant }),
    blocks: ({ link }) => ["asked", { link, text: "button" }, "expires", "otherwise"],
  },
  "policy-changed": {
    data: z.strictObject({
      ...sender,
      effectiveOn: civilDate,
      changes: z.array(words).min(1).max(20).readonly(),
      noticeLink: link,
      purpose: words,
      link,
      expiresAt: instant.optional(),
    }),
    blocks: ({ changes, noticeLink, link, expiresAt }) => [
      "changes",
      { list: changes },
      { link: noticeLink, text: "whole" },
      "choice",
      { link, text: "button" },
      "silence",
      ...(expiresAt === undefined ? [] : (["expires"] as const)),
    ],
  },
  "confirm-unsubscribe": {
    data: z.strictObject({ ...sender, topic: words.optional(), link }),
    blocks: ({ topic, link }) => [
      topic === undefined ? "askedAll" : "asked",
      "unsure",
      { link, text: "button" },
      "otherwise",
    ],
  },
  "request-received": {
    data: z.strictObject({
      ...sender,
      right,
      receivedAt: instant,
      dueOn: civilDate,
      link: link.optional(),
      expiresAt: instant.optional(),
    }),
    blocks: ({ link, expiresAt }) => [
      "received",
      "due",
      ...(link === undefined ? [] : (["prove", { link, text: "button" }] as const)),
      ...(link === undefined || expiresAt === undefined ? [] : (["expires"] as const)),
      ...(link === undefined ? [] : (["otherwise"] as const)),
    ],
  },
  "request-done": {
    data: z.strictObject({ ...sender, right, receivedAt: instant, closedAt: instant, kept }),
    blocks: ({ kept }) => ["done", ...keptBlocks(kept)],
  },
  farewell: {
    data: z.strictObject({ ...sender, closedAt: instant, kept }),
    blocks: ({ kept }) => ["erased", ...keptBlocks(kept), "mark", "last"],
  },
  "inquiry-received": {
    data: z.strictObject({ ...sender, receivedAt: instant, dueOn: civilDate }),
    blocks: () => ["received", "due"],
  },
};

function keptBlocks(kept: readonly Kept[]) {
  if (kept.length === 0) return ["nothingKept"] as const;
  const list = kept.map((values) => {
    const { what, untilOn, law } = values;
    if (untilOn === undefined) return law ? `${what} (${law})` : what;
    return { text: law ? "keptByLaw" : "kept", values } as const;
  });
  return ["keptIntroduction", { list }] as const;
}

function isLink(value: string): boolean {
  if (!/^[!-~]{1,900}$/.test(value) || /[<>"]/.test(value) || !URL.canParse(value)) return false;
  const { protocol, hostname, username } = new URL(value);
  // A name before the host looks like the host.
  if (username !== "") return false;
  return protocol === "https:" || (protocol === "http:" && isLoopback(hostname));
}

function isAddress(value: string): boolean {
  try {
    return parseAddress("mail's data", "contact", value) !== "";
  } catch {
    // Said by the schema, with its path.
    return false;
  }
}
