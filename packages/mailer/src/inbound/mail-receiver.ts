import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { HeedError, isHeedError } from "@heed/core/contract";
import type * as SmtpServer from "smtp-server";
import type { SMTPServerDataStream, SMTPServerOptions, SMTPServerSession } from "smtp-server";
import type { MailerLogger } from "../options.ts";
import { parse } from "../parse.ts";
import { z } from "zod";
import type { Inbox } from "./create-inbox.ts";
import { loadMailauth } from "./sender-proof.ts";

/** What {@link mailReceiver} needs. */
export interface MailReceiverOptions {
  readonly inbox: Inbox;
  /** Default 25; 0 for any that is free. */
  readonly port?: number;
  /** The address to listen at. Default: all of this machine's. */
  readonly host?: string;
  /** The name that the server gives itself: the one in the MX record. Default: this machine's. */
  readonly name?: string;
  /** PEM of key and certificate for STARTTLS. Without it none is offered, and mail crosses the network unencrypted. */
  readonly tls?: { readonly key: string | Buffer; readonly cert: string | Buffer };
  /** Default 20. Each may hold a mail of the inbox's `maxBytes` in memory. */
  readonly connections?: number;
  /** Recipients of one mail. Default 10. */
  readonly recipients?: number;
  /** How long a client may be silent. Default 60,000. */
  readonly idleTimeoutMs?: number;
  /** How long a mail may take to arrive, from the connection or the mail before it, however busy its client is. Default 300,000. */
  readonly mailTimeoutMs?: number;
  /** Is told of failures: an error's name and code, nothing personal. Must not throw. */
  readonly logger?: MailerLogger;
}

/** A mail server that takes what is for an inbox, and nothing else. */
export interface MailReceiver {
  readonly port: number;
  /** Lets mail that is being handled end, and closes the connections. */
  close(): Promise<void>;
}

const ms = z.int().positive();
const pem = z.union([z.string().min(1), z.instanceof(Buffer)]);
const optionsSchema = z.strictObject({
  inbox: z.custom<Inbox>((value) => typeof value === "object" && value !== null, "pass an inbox"),
  port: z.int().min(0).max(65_535).optional(),
  host: z.string().min(1).optional(),
  name: z.string().min(1).optional(),
  tls: z.strictObject({ key: pem, cert: pem }).optional(),
  connections: z.int().min(1).max(1000).optional(),
  recipients: z.int().min(1).max(1000).optional(),
  idleTimeoutMs: ms.optional(),
  mailTimeoutMs: ms.optional(),
  logger: z.custom<MailerLogger>().optional(),
});

/**
 * Starts an SMTP server in front of an inbox.
 *
 * It takes mail for the inbox's addresses and for nobody else (550 5.1.1), answers 250 only when the mail was handled
 * for good, and 451 when it could not be: the sender's server tries again then, and nothing is lost.
 *
 * @throws InvalidInputError; HeedError `peer-missing` without the packages smtp-server and mailauth; the system's own error when the
 *   port cannot be had
 */
export async function mailReceiver(options: MailReceiverOptions): Promise<MailReceiver> {
  parse(optionsSchema, options, "receiver's options");
  const { inbox, port = 25, host, name, tls, logger } = options;
  const { connections = 20, recipients = 10, idleTimeoutMs = 60_000, mailTimeoutMs = 300_000 } = options;
  const { SMTPServer } = await loadSmtpServer();
  // Needed by the first mail whose writer has to be known: without it that would be told to come again, for days.
  await loadMailauth();

  const waits = new Map<string, NodeJS.Timeout>();
  function stopWaiting({ id }: SMTPServerSession): void {
    clearTimeout(waits.get(id));
    waits.delete(id);
  }
  /** For a whole mail: there are few connections, and whoever holds them all lets nobody else's mail in. */
  function waitForMail(session: SMTPServerSession): void {
    stopWaiting(session);
    const end = (): void => {
      waits.delete(session.id);
      for (const connection of server.connections) if (connection.id === session.id) connection.close();
    };
    waits.set(session.id, setTimeout(end, mailTimeoutMs).unref());
  }

  async function receive(
    stream: SMTPServerDataStream,
    session: SMTPServerSession,
  ): Promise<Reply | undefined> {
    const raw = await read(stream, inbox.maxBytes).finally(() => stopWaiting(session));
    if (raw === undefined) return replies.tooLarge;
    const { mailFrom, rcptTo } = session.envelope;
    await inbox.handleInbound(raw, {
      mailFrom: mailFrom === false ? "" : mailFrom.address,
      rcptTo: rcptTo.map(({ address }) => address),
      remoteIp: session.remoteAddress,
      ...(session.hostNameAppearsAs && { helo: session.hostNameAppearsAs }),
    });
    return undefined;
  }

  async function answer(
    stream: SMTPServerDataStream,
    session: SMTPServerSession,
    done: (error: Error | null, message?: string) => void,
  ): Promise<void> {
    const reply = await receive(stream, session).catch((error: unknown) => {
      const fields = isHeedError(error) ? { name: error.name, code: error.code } : { name: "Error" };
      logger?.warn(fields, "an inbound mail could not be handled");
      return replies.later;
    });
    waitForMail(session);
    if (reply === undefined) done(null, "2.0.0 Ok");
    else done(failure(reply));
  }

  const serverOptions: SMTPServerOptions = {
    // Nobody logs in to a server that takes mail for its own addresses only.
    disabledCommands: tls ? ["AUTH"] : ["AUTH", "STARTTLS"],
    ...(tls && { key: tls.key, cert: tls.cert }),
    ...(name !== undefined && { name }),
    banner: "heed",
    size: inbox.maxBytes,
    maxClients: connections,
    maxRecipients: recipients,
    socketTimeout: idleTimeoutMs,
    disableReverseLookup: true,
    // It knows one code for each reply, and 552 is not always a full mailbox.
    hideENHANCEDSTATUSCODES: true,
    logger: false,
    onConnect: (session, done) => {
      waitForMail(session);
      done();
    },
    onClose: stopWaiting,
    onRcptTo: ({ address }, _session, done) =>
      done(inbox.serves(address) ? null : failure(replies.notServed)),
    onData: (stream, session, done) => void answer(stream, session, done),
  };
  const server = new SMTPServer(serverOptions);
  // Clients that break off are everyday life; that it cannot listen, its own socket says as well.
  server.on("error", () => {});
  const listening = once(server.server, "listening");
  server.listen(port, host);
  await listening;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a server that listens at a port has an AddressInfo
  const bound = server.server.address() as AddressInfo;
  return { port: bound.port, close: () => new Promise((resolve) => server.close(() => resolve())) };
}

interface Reply {
  readonly code: number;
  readonly text: string;
}

const replies = {
  notServed: { code: 550, text: "5.1.1 No such address here" },
  tooLarge: { code: 552, text: "5.3.4 Message too large" },
  later: { code: 451, text: "4.3.0 Try again later" },
} as const satisfies Record<string, Reply>;

const failure = ({ code, text }: Reply): Error => Object.assign(new Error(text), { responseCode: code });

/** Reads to the end, since the client listens only then; keeps no more than may be. */
async function read(stream: SMTPServerDataStream, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= maxBytes) chunks.push(chunk);
    else chunks.length = 0;
  }
  return size <= maxBytes ? Buffer.concat(chunks) : undefined;
}

async function loadSmtpServer(): Promise<typeof SmtpServer> {
  try {
    return await import("smtp-server");
  } catch (cause) {
    throw new HeedError(
      "A receiver needs the package smtp-server, which is not installed: `npm install smtp-server`.",
      {
        code: "peer-missing",
        cause,
      },
    );
  }
}
