import { createHash } from "node:crypto";
import { isHeedError, type ParsedIdentifier } from "@heed/core/contract";
import { z } from "zod";
import { parse } from "../parse.ts";
import { valueOf } from "./fields.ts";
import type { MailedRight } from "./inbox-heed.ts";
import type { InboundResult } from "./inbound-result.ts";
import { inboxAnswers } from "./inbox-answers.ts";
import { parseInboxOptions, type Duty, type InboxOptions, type KeptReason } from "./inbox-options.ts";
import { isAutomatic } from "./is-automatic.ts";
import { readMime, type Mime } from "./read-mime.ts";
import { reportsIn, type Report } from "./read-report.ts";
import { senderOf } from "./sender-of.ts";
import { isProven, type InboundEnvelope } from "./sender-proof.ts";
import { servedAddresses } from "./served-addresses.ts";
import { tokensIn } from "./tokens-in.ts";
import { wishesOf, type Wishes } from "./wishes-of.ts";
import { readWritten } from "./written.ts";

/** Reads the mail that people, their mail programs and other mail servers write to a company. */
export interface Inbox {
  /**
   * Does what a mail asks for, as far as whoever wrote it may ask for it. It is durable when this resolves. When it
   * rejects, give the same mail again later: nothing is done twice.
   *
   * @throws InvalidInputError for an envelope that is none; whatever heed, the mailer and `keep` throw
   */
  handleInbound(raw: Uint8Array, envelope: InboundEnvelope): Promise<InboundResult>;
  /** Whether mail to an address is for this inbox. */
  serves(address: string): boolean;
  /** Larger mail is not read. */
  readonly maxBytes: number;
}

const envelopeSchema = z.strictObject({
  mailFrom: z.string().optional(),
  rcptTo: z.array(z.string()).readonly(),
  remoteIp: z.string().optional(),
  helo: z.string().optional(),
  authResults: z.string().optional(),
});

/**
 * Makes an inbox. It does no I/O before the first mail.
 *
 * A mail acts by a token of ours that it brings; by who sent it, where DMARC shows that; by nothing else. A report acts
 * by the tag of the message that it is about. A request for a right is opened and never carried out by a mail alone.
 *
 * @throws InvalidInputError for options that cannot be used
 */
export function createInbox<Topic extends string, Purpose extends string, Recipient extends string>(
  options: InboxOptions<Topic, Purpose, Recipient>,
): Inbox {
  type D = Duty<Topic, Purpose, Recipient>;
  const settings = parseInboxOptions(options);
  const { heed, keep, clock, duties, maxBytes, resolver, logger, unverified } = settings;
  const served = servedAddresses<D>(duties, options.bounces);
  const answers = inboxAnswers(settings);
  const nameOf = (topic: Topic): string | undefined =>
    options.lists?.find((list) => list.topic === topic)?.called[0];
  const isDuty = (address: string): boolean => served.dutyOf(address) !== undefined;

  /** A mail on its way through the inbox. */
  interface Mail {
    readonly raw: Uint8Array;
    readonly envelope: InboundEnvelope;
    readonly duties: readonly D[];
    readonly receivedAt: string;
  }
  /** A mail that a person wrote. */
  interface Letter extends Mail {
    readonly mime: Mime;
    readonly sender: ParsedIdentifier;
    readonly wishes: Wishes<Topic, Purpose, Recipient>;
    /** The same for the same mail. */
    readonly id: string;
  }

  async function take(raw: Uint8Array, envelope: InboundEnvelope): Promise<InboundResult> {
    const duties = envelope.rcptTo
      .map((address) => served.dutyOf(address))
      .filter((duty) => duty !== undefined);
    const mail = { raw, envelope, duties, receivedAt: clock.now().toISOString() };
    if (raw.length > maxBytes) return leave(mail, "too-large");
    const mime = await readMime(raw);
    if (mime === undefined) return leave(mail, "unreadable");
    const reports = reportsIn(mime);
    if (reports !== undefined) {
      const result = await report(reports, envelope);
      // A person may have sent a bounce along with what they ask for.
      return result.did === "ignored" && isForRights(mail) ? leave(mail, "automatic") : result;
    }
    if (isAutomatic(mime.fields, envelope.mailFrom, served.domains)) return leave(mail, "automatic");
    if (await actByToken(mime, mail)) return { did: "unsubscribed", by: "token" };
    if (duties.length === 0) return { did: "ignored", because: "not-served" };
    const sender = senderOf(mime.fields);
    if (sender === undefined) return leave(mail, "no-sender");
    // Whoever writes in our own name is a loop, or worse.
    if (isDuty(sender.canonical)) return leave(mail, "automatic");
    const wishes = wishesOf(readWritten(mime), duties, settings);
    return answer({ ...mail, mime, sender, wishes, id: idOf(raw, mime, sender) });
  }

  /** Reports act by their tag alone: that of the address that they returned to, else the one that they name. */
  async function report(reports: readonly Report[], { rcptTo }: InboundEnvelope): Promise<InboundResult> {
    if (reports.length === 0) return { did: "ignored", because: "nothing-to-report" };
    const returned = rcptTo.map((address) => served.tagOf(address)).find((tag) => tag !== undefined);
    const told = [];
    for (const { kind, recipient, tag: named } of reports) {
      const tag = returned ?? named;
      if (tag === undefined) continue;
      const about = { tag, kind, ...(recipient !== undefined && { recipient }) };
      const { did } = await heed.messages.report(about);
      told.push({ kind, followed: did });
    }
    return told.length === 0 ? { did: "ignored", because: "no-tag" } : { did: "reported", reports: told };
  }

  async function actByToken(mime: Mime, { envelope, duties }: Mail): Promise<boolean> {
    const scope = duties.includes("unsubscribe-all") ? "all" : "topic";
    for (const token of tokensIn(mime.fields, envelope.rcptTo)) {
      try {
        await heed.links.unsubscribe({ token, scope });
        return true;
      } catch (error) {
        if (!isHeedError(error) || error.code !== "tampered-token") throw error;
      }
    }
    return false;
  }

  async function answer(letter: Letter): Promise<InboundResult> {
    const { unsubscribe, withdraw, exercise } = letter.wishes;
    const isLess = unsubscribe.length > 0 || withdraw.length > 0;
    if (!isLess && exercise.length === 0) return leave(letter, "no-wish");
    const proven = await isProven(
      { raw: letter.raw, fields: letter.mime.fields, sender: letter.sender },
      letter.envelope,
      { serves: isDuty, resolver },
    );
    // A link that ends mail ends no other purpose: where nothing shows who asks, people see to that.
    const left = proven || withdraw.length === 0 ? [] : [{ right: "inquiry", about: "withdrawal" } as const];
    const less = unsubscribe.length > 0 || (proven && isLess) ? await reduce(letter, proven) : undefined;
    const rights = [...exercise, ...left];
    const opened = rights.length > 0 ? await openRequests(letter, rights, proven) : undefined;
    return opened ?? less ?? { did: "ignored", because: "not-served" };
  }

  /** Less mail, at once where it is sure who asks; else whoever has the address is asked. */
  async function reduce(letter: Letter, proven: boolean): Promise<InboundResult> {
    const { unsubscribe, withdraw, language } = letter.wishes;
    const email = letter.sender.value;
    const inReplyTo = valueOf(letter.mime.fields, "message-id")?.trim();
    if (!proven && unverified === "confirm") {
      const [topic = "all"] = unsubscribe.length === 1 ? unsubscribe : [];
      const link = await heed.links.issue({ email, topic });
      if (link === undefined) return { did: "ignored", because: "unknown-sender" };
      const list = topic === "all" ? undefined : (nameOf(topic) ?? topic);
      const asked = await answers.confirm({ to: link.email, language, inReplyTo, token: link.token, list });
      return asked ? { did: "asked-to-confirm" } : { did: "ignored", because: "unreachable" };
    }
    const how = {
      subject: { email },
      channel: "email",
      method: proven ? "dmarc-aligned" : "unverified-sender",
    } as const;
    for (const topic of unsubscribe) {
      await heed.subscriptions.unsubscribe({ ...how, topic, id: eventId(letter, `topic ${topic}`) });
    }
    if (proven) {
      for (const purpose of withdraw) {
        await heed.consent.withdraw({ ...how, purpose, id: eventId(letter, `purpose ${purpose}`) });
      }
      if (withdraw.length > 0) return { did: "withdrew", by: "sender" };
    }
    const [topic] = unsubscribe.length === 1 ? unsubscribe : [];
    return {
      did: "unsubscribed",
      ...(topic !== undefined && { topic }),
      by: proven ? "sender" : "unverified",
    };
  }

  /** A mail opens what it asks for, once; who asks is shown elsewhere. It is kept before anything says that it was taken. */
  async function openRequests(
    letter: Letter,
    rights: readonly MailedRight<Recipient>[],
    proven: boolean,
  ): Promise<InboundResult> {
    const { receivedAt, raw, id } = letter;
    const email = letter.sender.value;
    // Asked first: a request makes its asker known.
    const onFile = await heed.subjects.addressOnFile({ email });
    const opened = [];
    try {
      for (const right of rights) {
        const request = await heed.requests.open({
          ...right,
          subject: { email },
          identity: "unverified",
          receivedAt,
        });
        opened.push({ ...request, right: right.right, ...("about" in right && { about: right.about }) });
      }
    } catch (error) {
      if (!isConflict(error)) throw error;
      if (opened.length === 0) return leave(letter, "conflict");
    }
    const requests = opened.map(({ id, right, about }) => ({
      id,
      right,
      ...(about !== undefined && { about }),
    }));
    await keep(raw, { id, receivedAt, requests });

    const main = opened.find(({ state }) => state === "awaiting_verification") ?? opened[0];
    if (main === undefined) return leave(letter, "conflict");
    // Written again in somebody's name, it is no reason to write to them again.
    const to = proven || main.changed ? (onFile ?? (proven ? email : undefined)) : undefined;
    const acknowledged = to !== undefined && (await acknowledge({ ...main, receivedAt }, to, letter));
    const { right, about } = main;
    return right === "inquiry"
      ? { did: "case", requestId: main.id, ...(about !== undefined && { about }), acknowledged }
      : { did: "opened-request", requestId: main.id, right, acknowledged };
  }

  async function acknowledge(request: Opened, to: string, { mime, wishes }: Letter): Promise<boolean> {
    const { id, state, right, receivedAt, dueOn } = request;
    const invitation = state === "awaiting_verification" ? await invite(id) : undefined;
    const inReplyTo = valueOf(mime.fields, "message-id")?.trim();
    return answers.acknowledge({
      to,
      language: wishes.language,
      inReplyTo,
      right,
      receivedAt,
      dueOn,
      invitation,
    });
  }

  /** Undefined where the address alone would not show who asks: then people have to. */
  async function invite(id: string): Promise<{ token: string; expiresAt: string } | undefined> {
    try {
      return await heed.requests.invite(id);
    } catch (error) {
      if (isConflict(error)) return undefined;
      throw error;
    }
  }

  const isForRights = (mail: Mail): boolean =>
    mail.duties.some((duty) => duty === "rights" || (typeof duty === "object" && "right" in duty));

  /** Nothing can be done with it. What a person may have written is given to people; the rest has no reader. */
  async function leave(mail: Mail, because: KeptReason): Promise<InboundResult> {
    const { raw, receivedAt } = mail;
    if (mail.duties.length === 0) return { did: "ignored", because: "not-served" };
    if (because === "automatic" && !isForRights(mail)) return { did: "ignored", because };
    await keep(raw, { id: digest(raw), receivedAt, requests: [], because });
    return { did: "kept", because };
  }

  return {
    async handleInbound(raw, envelope) {
      const result = await take(raw, parse(envelopeSchema, envelope, "envelope"));
      const because = "because" in result ? { because: result.because } : {};
      logger?.info({ did: result.did, ...because }, `inbound mail: ${result.did}`);
      return result;
    },
    serves: (address) => isDuty(address) || served.tagOf(address) !== undefined,
    maxBytes,
  };
}

interface Opened {
  readonly id: string;
  readonly state: string;
  readonly right: MailedRight["right"];
  readonly receivedAt: string;
  readonly dueOn: string;
}

/** Something else is under way for this person; trying again would change nothing. */
const isConflict = (error: unknown): boolean => isHeedError(error) && error.name === "ConflictError";

/** Of the Message-ID and who wrote it: the same mail again, by whatever way, is the same. Without one, of all of it. */
function idOf(raw: Uint8Array, { fields }: Mime, sender: ParsedIdentifier): string {
  const messageId = valueOf(fields, "message-id")?.trim() ?? "";
  return digest(messageId === "" ? raw : `${messageId}\0${sender.canonical}`);
}

/** A replay of an old mail is an old event, and does nothing to what its writer wanted since. */
function eventId({ id }: { readonly id: string }, about: string): string {
  return `mail-${digest(`${id}\0${about}`)}`;
}

const digest = (content: string | Uint8Array): string =>
  createHash("sha256").update("heed inbound\0").update(content).digest("base64url").slice(0, 32);
