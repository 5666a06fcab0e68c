import type { Permit } from "@heed/core/contract";
import { parseAddress } from "./address.ts";
import { compose } from "./compose.ts";
import { createDress } from "./dress.ts";
import type { MailQueue } from "./mail-queue.ts";
import { parseOptions, type From, type MailerOptions } from "./options.ts";
import type { MailOutcome } from "./outcome.ts";
import { parseSendAsk, type Message, type SendAsk } from "./outgoing.ts";
import { checkRecord, preflight, type PreflightReport, type ResolveTxt } from "./preflight.ts";
import { notSent, outcomeOf } from "./smtp-outcome.ts";
import { createRenderer, isWritten, type NoTemplates, type SendTemplateAsk } from "./render.ts";
import { createPool, type LentSlot } from "./smtp-pool.ts";
import type { Slot } from "./smtp-slot.ts";
import { eachStream, streamOf } from "./streams.ts";
import { refuseTracking } from "./tracking.ts";
import { fillLink, refuseLink } from "./unsubscribe-link.ts";
import { underPermit } from "./under-permit.ts";

/** Sends mail to people who still want it. */
export interface Mailer<
  Topic extends string = string,
  Templates extends object = NoTemplates,
  Language extends string = string,
> {
  /**
   * Sends one message to one person, if a permit allows it until the very moment it leaves.
   *
   * Resolves with what became of it, whatever the server did. Tries once: when to try again is the caller's
   * to decide, and is safe after `notSent` and `deferred`.
   *
   * @throws InvalidInputError when the ask, the message or the mailer's configuration cannot be used;
   * UnrecordedOutcomeError when the outcome could not be recorded; whatever `permits` and `render` throw. Except
   * for UnrecordedOutcomeError nothing has left then.
   */
  send(ask: SendAsk<Topic> | SendTemplateAsk<Topic, Templates, Language>): Promise<MailOutcome>;
  /**
   * Signs a sample, verifies it, and checks key, domain and unsubscribe URL, without a connection. Runs by
   * itself before the first message; call it at start-up to learn of a bad key there.
   *
   * @param options.resolveTxt looks as well whether the DNS has each key: pass `resolveTxt` of node:dns/promises
   * @throws InvalidInputError when a message would go out badly signed or without a usable way out
   */
  preflight(options?: { readonly resolveTxt?: ResolveTxt }): Promise<PreflightReport>;
  /**
   * Lets the messages in flight end, turns those waiting into `notSent`, and closes the connections, which
   * keep the process alive until then.
   */
  close(): Promise<void>;
  /** What waits in this mailer, for {@link mailProcessor}. */
  readonly queue: MailQueue;
}

/**
 * Makes a mailer. It does no I/O before the first message.
 *
 * @throws TypeError without `permits`; InvalidInputError for other options that cannot be used
 */
export function createMailer<
  Topic extends string,
  Templates extends object = NoTemplates,
  Language extends string = string,
>(options: MailerOptions<Topic, Templates, Language>): Mailer<Topic, Templates, Language> {
  const {
    permits,
    transport,
    clock = { now: () => new Date() },
    logger,
    render,
    ...rest
  } = parseOptions(options);
  const froms = eachStream(rest.from);
  const dkim = eachStream(rest.dkim);
  const senders = {
    marketing: { from: parseFrom(froms.marketing), dkim: dkim.marketing },
    other: { from: parseFrom(froms.other), dkim: dkim.other },
  };
  const { link, dress, address } = createDress(rest);
  const write = createRenderer<Topic, Templates, Language>(render);
  const pool = createPool(transport, clock);
  const unsettled = new Set<Promise<MailOutcome>>();
  let prepared: ReturnType<typeof preflight> | undefined;
  const prepare = (): ReturnType<typeof preflight> =>
    (prepared ??= preflight({ senders, link, now: clock.now() }));

  async function send(
    ask: SendAsk<Topic> | SendTemplateAsk<Topic, Templates, Language>,
  ): Promise<MailOutcome> {
    // A message is read before anything is waited for: the caller may use the same object for the next one.
    const asked = parseSendAsk(isWritten(ask) ? ask : await write(ask));
    await prepare();
    const slot = await pool.borrow(asked);
    if (slot === "closed") return { status: "notSent", because: "closed" };
    if (slot === "dropped") return { status: "blocked", because: "suppressed" };
    const sending = sendOver(slot, asked).finally(slot.giveBack);
    unsettled.add(sending);
    const outcome = await sending.finally(() => unsettled.delete(sending));
    tell(asked.topic, outcome);
    return outcome;
  }

  async function sendOver(slot: LentSlot, ask: SendAsk<Topic>): Promise<MailOutcome> {
    const { topic, to, messageKey } = ask;
    const permit = await permits.take({ topic, email: to, messageKey });
    if (!permit.allowed) return { status: "blocked", because: permit.because };
    // What is recorded once the server has answered needs no connection: the next message has it meanwhile.
    return underPermit(permit, () => deliver(slot, permit, ask).finally(slot.giveBack));
  }

  /** Every throw comes before the message is given to the connection. */
  async function deliver(slot: Slot, permit: Permit, ask: SendAsk<Topic>): Promise<MailOutcome> {
    const stream = streamOf(permit.class);
    const { from } = senders[stream];
    const sign = (await prepare()).signers[stream];
    const at = clock.now();
    const { messageId, ...envelope } = address(permit, from.address, ask.to);
    const { own, url } = dress(permit, ask);
    const message = fill(ask.message, url);
    const raw = await sign(compose({ from, to: ask.to, message, messageId, at, own }), at);

    const failure = await slot.open();
    if (failure) return notSent(failure);
    if (!(await permit.handOver())) return { status: "blocked", because: "suppressed" };
    return outcomeOf(await slot.give(envelope, raw), messageId);
  }

  async function check({ resolveTxt }: { readonly resolveTxt?: ResolveTxt } = {}): Promise<PreflightReport> {
    const { report } = await prepare();
    for (const stream of ["marketing", "other"] as const) {
      if (resolveTxt) await checkRecord(report.streams[stream], senders[stream].dkim.privateKey, resolveTxt);
    }
    return report;
  }

  async function close(): Promise<void> {
    await pool.close();
    await Promise.allSettled(unsettled);
  }

  function tell(topic: string, outcome: MailOutcome): void {
    const level = outcome.status === "accepted" || outcome.status === "blocked" ? "info" : "warn";
    // A topic that the policy does not know may be any text.
    const isKnown = outcome.status !== "blocked" || outcome.because !== "topic-not-covered";
    logger?.[level]({ ...(isKnown && { topic }), ...outcome }, `mail ${outcome.status}`);
  }

  return { send, preflight: check, close, queue: pool.queue };
}

/** Marketing gets its way out; nothing else may have one, and what nobody can say no to does not watch them. */
function fill(message: Message, url: string | undefined): Message {
  if (url !== undefined) return fillLink(message, url);
  refuseLink(message);
  refuseTracking(message);
  return message;
}

function parseFrom(from: From): Exclude<From, string> {
  const { name, address } = typeof from === "string" ? { name: "", address: from } : from;
  return { name, address: parseAddress("mailer's options", "from", address) };
}
