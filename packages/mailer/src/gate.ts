import type { Permit, Permits } from "@heed/core/contract";
import type {
  MailMessage,
  NodemailerError,
  SendMailOptions,
  SentMessageInfo,
  Transport,
  Transporter,
} from "nodemailer";
import { z } from "zod";
import { createDress, type Dress } from "./dress.ts";
import { coveredFields } from "./dkim-sign.ts";
import { readMail, type GatedMail } from "./gate-mail.ts";
import { MailBlockedError } from "./mail-blocked-error.ts";
import { headerOptions, type BounceOptions, type ListOptions } from "./options.ts";
import type { MailOutcome } from "./outcome.ts";
import { parse, refuse } from "./parse.ts";
import { readKey } from "./preflight.ts";
import { outcomeOf } from "./smtp-outcome.ts";
import { failureOf, withDsn, type Answer } from "./smtp-session.ts";
import { refuseTracking } from "./tracking.ts";
import { underPermit } from "./under-permit.ts";
import { fillPart, refuseLink, sampleToken, type UnsubscribeOptions } from "./unsubscribe-link.ts";

/** What {@link gate} needs besides the transporter. */
export interface GateOptions<Topic extends string = string> {
  /** `heed.permits`, or anything else with that `take`. */
  readonly permits: Permits<Topic>;
  readonly unsubscribe: UnsubscribeOptions;
  readonly bounces?: BounceOptions;
  readonly lists?: ListOptions<Topic>;
  readonly feedbackSenderId?: string;
}

/** Fields of nodemailer's that a gated message may not have. */
type Forbidden = "raw" | "envelope" | "cc" | "bcc" | "list" | "dkim" | "_dkim" | "auth" | "otp";

/** Nodemailer's message, and which of heed's topics it is of. */
export type GatedMailOptions<Topic extends string = string> = Omit<SendMailOptions, Forbidden> & {
  readonly heed: { readonly topic: Topic; readonly messageKey: string };
};

/** The same transporter, which sends only what it has a permit for. */
export interface GatedTransporter<Info, Topic extends string> extends Omit<Transporter<Info>, "sendMail"> {
  /**
   * @throws InvalidInputError for a message that cannot be gated, MailBlockedError when the person does not
   * want it: nothing left. UnrecordedOutcomeError when what became of it could not be recorded. Else nodemailer's own
   */
  sendMail(mail: GatedMailOptions<Topic>): Promise<Info>;
  sendMail(
    mail: GatedMailOptions<Topic>,
    callback: (error: NodemailerError | null, info: Info) => void,
  ): void;
}

const optionsSchema = z.strictObject({ permits: z.custom<Permits>(), ...headerOptions });
const gated = new WeakSet<object>();

/**
 * Puts a gate into a nodemailer transporter that is there already: from now on it sends only what a permit
 * allows, whoever calls it, with the unsubscribe headers and link that belong to it.
 *
 * Its promise is weaker than that of `createMailer`: leave is asked for when the message is handed to the
 * transport, and what then waits in nodemailer's pool, for a connection or a rate limit, leaves even if the
 * person says no meanwhile. That no is reported with it in flight. Outcomes are told by nodemailer, whose DKIM
 * covers the unsubscribe headers then, but not against being added once more.
 *
 * @throws InvalidInputError for options or a DKIM key that cannot be used; TypeError without `permits`, or for
 * a transporter that has a gate
 */
export function gate<Info, Topic extends string>(
  transporter: Transporter<Info>,
  options: GateOptions<Topic>,
): GatedTransporter<Info, Topic>;
export function gate(
  transporter: Transporter,
  options: GateOptions,
): GatedTransporter<SentMessageInfo, string> {
  if (typeof options?.permits?.take !== "function")
    throw new TypeError("gate() needs `permits` with a `take` function, for example heed.permits");
  if (gated.has(transporter)) throw new TypeError("this transporter has a gate already");
  const { permits, ...rest } = options;
  parse(optionsSchema, options, "gate's options");
  const dress = createDress(rest);
  dress.link(sampleToken);
  coverHeaders(transporter);

  const { transporter: transport } = transporter;
  const give = transport.send.bind(transport);

  async function pass(mail: MailMessage): Promise<SentMessageInfo | undefined> {
    const asked = readMail(mail);
    const permit = await permits.take({ topic: asked.topic, email: asked.to, messageKey: asked.messageKey });
    if (!permit.allowed) throw new MailBlockedError(permit.because);
    let given: Given | undefined;
    const outcome = await underPermit(permit, async (): Promise<MailOutcome> => {
      const messageId = dressUp(mail, asked, permit, dress);
      if (!(await permit.handOver())) return { status: "blocked", because: "suppressed" };
      given = await giveTo(transport.name, give, mail);
      return outcomeOf(given.answer, messageId);
    });
    if (outcome.status === "blocked") throw new MailBlockedError(outcome.because);
    if (given && "error" in given) throw given.error;
    return given?.info;
  }

  transport.send = (mail, callback) => {
    // Told outside the promise, so that what the callback throws is the caller's own.
    pass(mail).then(
      (info) => setImmediate(() => callback(null, info)),
      (error: unknown) =>
        setImmediate(() => callback(error instanceof Error ? error : new Error("not sent"))),
    );
  };
  gated.add(transporter);
  return transporter;
}

/** Writes into the message what the permit makes of it. Answers with its Message-ID. */
function dressUp({ data, message }: MailMessage, asked: GatedMail, permit: Permit, dress: Dress): string {
  const { own, url } = dress.dress(permit, { topic: asked.topic });
  if (url === undefined) {
    for (const { content } of asked.parts) {
      refuseLink({ text: content });
      refuseTracking({ text: content, html: content });
    }
  } else {
    if (asked.parts.length === 0) fillPart("", false, url);
    for (const { node, content, isHtml } of asked.parts) node.setContent(fillPart(content, isHtml, url));
  }
  for (const [name, value] of Object.entries(own)) {
    if (message.getHeader(name) === undefined) message.setHeader(name, value);
  }
  const { messageId, ...envelope } = dress.address(permit, asked.from, asked.to);
  if (!asked.hasMessageId) message.setHeader("message-id", messageId);
  message.setEnvelope({ from: envelope.from, to: envelope.to });
  data.dsn ??= withDsn(envelope).dsn;
  return message.messageId();
}

/** What the transport said, in its own words for the caller, and in ours. */
type Given =
  | { readonly info: SentMessageInfo | undefined; readonly answer: Answer }
  | { readonly error: unknown; readonly answer: Answer };

async function giveTo(name: string, give: Transport["send"], mail: MailMessage): Promise<Given> {
  let hasEnded = false;
  const { message } = mail;
  const open = message.createReadStream.bind(message);
  message.createReadStream = (options) => open(options).once("end", () => (hasEnded = true));
  return new Promise((resolve) => {
    give(mail, (error, info) => {
      if (!error) return resolve({ info, answer: { taken: true, handedOver: true } });
      // SMTP's transports tell what they did; what another did before it failed, nobody knows.
      const handedOver = hasEnded || !name.startsWith("SMTP");
      resolve({ error, answer: { taken: false, handedOver, failure: failureOf(error) } });
    });
  });
}

/**
 * Nodemailer's DKIM leaves `List-Unsubscribe-Post` uncovered (RFC 8058 3.1 wants it), and sends unsigned
 * where a key cannot be used, without a word.
 */
function coverHeaders({ dkim }: Pick<Transporter, "dkim">): void {
  if (dkim === false) return;
  for (const { privateKey } of dkim.keys) readKey(privateKey);
  const { headerFieldNames = coveredFields.join(":"), skipFields = "" } = dkim.options;
  const listed = headerFieldNames.toLowerCase().split(":");
  const skipped = skipFields.toLowerCase().split(":");
  const isCovered = ["from", "list-unsubscribe", "list-unsubscribe-post"].every(
    (name) => listed.includes(name) && !skipped.includes(name),
  );
  if (!isCovered) {
    throw refuse(
      "transporter",
      "dkim.headerFieldNames",
      "it leaves the unsubscribe headers uncovered (RFC 8058 3.1)",
    );
  }
  dkim.options = { ...dkim.options, headerFieldNames };
}
