import type { Clock } from "@heed/core/contract";
import type { SmtpOptions } from "./options.ts";
import {
  openSession,
  type Answer,
  type Envelope,
  type SmtpFailure,
  type SmtpSession,
} from "./smtp-session.ts";

/** The right to send one message at a time, and the connection that goes with it. */
export interface Slot {
  /** Opens the connection and logs in, or takes the one from before where it still works. */
  open(): Promise<SmtpFailure | undefined>;
  /** Gives a message to the open connection. */
  give(envelope: Envelope, raw: Buffer): Promise<Answer>;
  close(): Promise<void>;
}

/** Servers end a connection after some hundred messages; opened anew before, no message meets that. */
const MESSAGES_PER_CONNECTION = 100;
/** A connection that rested longer is proved alive before a permit is spent on it. */
const REST_MS = 1000;

/** Makes a slot; its connection is opened when it is first needed. */
export function createSlot(transport: SmtpOptions, clock: Pick<Clock, "now">): Slot {
  let session: SmtpSession | undefined;
  let given = 0;
  let provedAt = 0;

  async function isUsable(): Promise<boolean> {
    if (!session?.isOpen() || given >= MESSAGES_PER_CONNECTION) return false;
    return clock.now().getTime() - provedAt <= REST_MS || (await session.reset()) === undefined;
  }

  async function open(): Promise<SmtpFailure | undefined> {
    if (await isUsable()) return undefined;
    await close();
    const opened = await openSession(transport);
    if ("kind" in opened) return opened;
    session = opened;
    given = 0;
    provedAt = clock.now().getTime();
    return undefined;
  }

  async function give(envelope: Envelope, raw: Buffer): Promise<Answer> {
    if (!session) throw new TypeError("a slot is opened before a message is given to it");
    given += 1;
    const answer = await session.give(envelope, raw);
    // After a refusal something of the message is left in the session, so it is reset before the next.
    provedAt = answer.taken ? clock.now().getTime() : 0;
    if (answer.taken && !answer.handedOver) await close();
    return answer;
  }

  async function close(): Promise<void> {
    await session?.close();
    session = undefined;
  }

  return { open, give, close };
}
