import { Readable } from "node:stream";
import SMTPConnection from "nodemailer/lib/smtp-connection";
import { z } from "zod";
import { isLoopback } from "./loopback.ts";
import type { SmtpOptions } from "./options.ts";

/** Why a step of the dialogue failed, in the server's codes and nodemailer's words, without its texts. */
export interface SmtpFailure {
  /** Nodemailer's error code, for example `ETIMEDOUT`, `ETLS`, `EAUTH`. */
  readonly kind: string;
  /** The command that was answered: `MAIL FROM`, `RCPT TO`, `DATA`; `CONN` when none was. */
  readonly command: string;
  readonly code?: number;
  readonly enhanced?: string;
}

/** How the server answered a message. `handedOver`: the last byte of it was given to the connection. */
export type Answer =
  | { readonly taken: true; readonly handedOver: boolean; readonly queueId?: string }
  | { readonly taken: false; readonly handedOver: boolean; readonly failure: SmtpFailure };

/** Sender and the one recipient, as they stand in MAIL FROM and RCPT TO. */
export interface Envelope {
  readonly from: string;
  readonly to: string;
  /** What a bounce names the message by, besides the sender: `ENVID` (RFC 3461 4.4). */
  readonly tag?: string;
}

/** A connection that is open, encrypted where asked, and logged in. */
export interface SmtpSession {
  isOpen(): boolean;
  /** Ends what an earlier message left behind, and proves that the server is still there. */
  reset(): Promise<SmtpFailure | undefined>;
  give(envelope: Envelope, raw: Buffer): Promise<Answer>;
  close(): Promise<void>;
}

/** How long a server may take to answer QUIT before the connection is simply closed. */
const QUIT_TIMEOUT_MS = 1000;

/** Connects and logs in. Answers with the failure when that does not work; it never throws the server's text. */
export async function openSession(transport: SmtpOptions): Promise<SmtpSession | SmtpFailure> {
  const connection = new SMTPConnection(connectionOptions(transport));
  // An "error" event without a listener would end the process.
  connection.on("error", () => {});
  const { auth } = transport;
  const failure =
    (await step(connection, (done) => connection.connect(done))) ??
    // A copy: nodemailer writes into it.
    (auth && (await step(connection, (done) => connection.login({ ...auth }, done))));
  if (failure) {
    connection.close();
    return failure;
  }
  return {
    isOpen: () => !connection.destroyed,
    reset: () => step(connection, (done) => connection.reset(done)),
    give: (envelope, raw) => give(connection, envelope, raw),
    close: () => quit(connection),
  };
}

function connectionOptions(transport: SmtpOptions): ConstructorParameters<typeof SMTPConnection>[0] {
  const {
    host,
    port,
    secure = false,
    tls,
    name,
    connectTimeoutMs = 30_000,
    replyTimeoutMs = 600_000,
  } = transport;
  return {
    host,
    port: port ?? (secure ? 465 : 587),
    secure,
    requireTLS: transport.requireTls ?? !isLoopback(host),
    tls,
    name,
    connectionTimeout: connectTimeoutMs,
    greetingTimeout: connectTimeoutMs,
    dnsTimeout: connectTimeoutMs,
    socketTimeout: replyTimeoutMs,
    // Its log lines quote addresses.
    logger: false,
  };
}

type Done = (error?: unknown) => void;

/** Runs one step. A connection that breaks fires "error" or "end" and may forget the callback. */
function step(connection: SMTPConnection, start: (done: Done) => void): Promise<SmtpFailure | undefined> {
  return new Promise((resolve) => {
    const settle = (error?: unknown): void => {
      connection.off("error", settle);
      connection.off("end", onEnd);
      resolve(error ? failureOf(error) : undefined);
    };
    // A 421 ends the connection first and tells its code in the callback right after.
    const onEnd = (): unknown => setImmediate(settle, { code: "ECONNECTION", command: "CONN" });
    connection.once("error", settle);
    connection.once("end", onEnd);
    start(settle);
  });
}

async function give(connection: SMTPConnection, envelope: Envelope, raw: Buffer): Promise<Answer> {
  let handedOver = false;
  let reply = "";
  // The stream ends before the final dot is written: not ended means that the server has no whole message.
  const message = Readable.from(slices(raw), { objectMode: false }).once("end", () => (handedOver = true));
  const failure = await step(connection, (done) =>
    connection.send(withDsn(envelope), message, (error, sent) => {
      if (!error) reply = sent.response;
      done(error);
    }),
  );
  if (failure) return { taken: false, handedOver, failure };
  const queueId = /\b(?:queued as|id=)\s*([A-Za-z0-9][A-Za-z0-9.-]{0,63})/i.exec(reply)?.[1];
  return { taken: true, handedOver, ...(queueId !== undefined && { queueId }) };
}

/**
 * Asks for a bounce that has the headers and not the letter, where the server offers to be asked (RFC 3461):
 * the connection leaves `dsn` away where it does not.
 */
export function withDsn({ from, to, tag }: Envelope) {
  return {
    from,
    to: [to],
    dsn: { ret: "HDRS", notify: "FAILURE", ...(tag !== undefined && { envid: tag }) },
  };
}

function* slices(raw: Buffer): Generator<Buffer> {
  const size = 64 * 1024;
  for (let start = 0; start < raw.length; start += size) yield raw.subarray(start, start + size);
}

async function quit(connection: SMTPConnection): Promise<void> {
  if (connection.destroyed) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, QUIT_TIMEOUT_MS);
    connection.once("end", () => {
      clearTimeout(timer);
      resolve();
    });
    connection.quit();
  });
  connection.close();
}

/** A certificate or handshake that failed is told as a socket's error, with OpenSSL's code in `originalCode`. */
const tlsCode = /^(?:ERR_TLS|ERR_SSL|EPROTO$)|CERT|UNABLE_TO/;

/** What nodemailer says of a failure. Its message and response quote the server, which quotes addresses. */
const errorSchema = z.looseObject({
  code: z.string().catch("unknown"),
  originalCode: z.string().catch(""),
  command: z.string().catch("CONN"),
  responseCode: z.number().optional().catch(undefined),
  response: z.string().catch(""),
});

/** Takes the codes out of an error, and leaves the texts behind. */
export function failureOf(error: unknown): SmtpFailure {
  const { code, originalCode, command, responseCode, response } = errorSchema.parse(error);
  const enhanced = /^\d{3}[ -]([245]\.\d{1,3}\.\d{1,3})\b/.exec(response)?.[1];
  return {
    kind: tlsCode.test(originalCode) ? "ETLS" : code,
    command,
    ...(responseCode !== undefined && { code: responseCode }),
    ...(enhanced !== undefined && { enhanced }),
  };
}
