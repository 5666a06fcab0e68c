import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import PostalMime from "postal-mime";
import { SMTPServer } from "smtp-server";
import { countFaults, isSilent, type Fault } from "./fault.ts";
import { proxySession } from "./session-proxy.ts";

/** A message that the server took. */
export interface ReceivedMessage {
  /** The server's own name for it, as told in its reply. */
  readonly queueId: string;
  readonly envelope: { readonly from: string; readonly to: readonly string[] };
  /** The message as it arrived, octet by octet. */
  readonly raw: Buffer;
  /** Every header field in its order; names in lower case, values unfolded. */
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly subject: string | undefined;
  readonly text: string | undefined;
  readonly html: string | undefined;
  /** RFC 3339: when the server had all of it. */
  readonly receivedAt: string;
}

/** A mail server on this machine that says what it got. */
export interface MailServer {
  readonly host: string;
  readonly port: number;
  /** What it took responsibility for, in order. Told "lost" by a fault, a message is here all the same. */
  readonly messages: readonly ReceivedMessage[];
  /** How many connections were made. */
  readonly connections: number;
  /**
   * Every place where a text occurs, whatever its case, in all that clients ever said: commands, octets of
   * messages, decoded parts. A TLS session's commands cannot be heard.
   */
  search(text: string): readonly string[];
  /** Ends every connection. */
  close(): Promise<void>;
}

/**
 * Starts a real SMTP server on loopback, for tests and demos.
 *
 * @param options.faults what goes wrong, and when. Default: nothing
 * @param options.auth the only login that is let in. Default: everybody may send
 * @param options.startTls offer STARTTLS, with a certificate that no client trusts. Default: false
 * @param options.dsn offer to be told what bounces shall be like (RFC 3461). Default: false
 */
export async function mailServer(
  options: {
    readonly faults?: readonly Fault[];
    readonly auth?: { readonly user: string; readonly pass: string };
    readonly startTls?: boolean;
    readonly dsn?: boolean;
  } = {},
): Promise<MailServer> {
  const { faults = [], auth, startTls = false, dsn = false } = options;
  let passed = 0;
  const take = countFaults(faults, () => passed);
  const messages: ReceivedMessage[] = [];
  const heard: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;

  const backend = new SMTPServer({
    disabledCommands: [...(auth ? [] : ["AUTH"]), ...(startTls ? [] : ["STARTTLS"])],
    allowInsecureAuth: true,
    disableReverseLookup: true,
    hideDSN: !dsn,
    logger: false,
    onAuth: ({ username, password }, _session, done) => {
      if (username === auth?.user && password === auth?.pass) done(null, { user: username });
      else done(Object.assign(new Error("5.7.8 Authentication failed"), { responseCode: 535 }));
    },
    onData: (stream, session, done) => void receive(stream, session, done),
  });

  /** Takes a message, unless a fault says no. */
  async function receive(...[stream, session, done]: Parameters<SMTPServer["onData"]>): Promise<void> {
    const raw = await buffer(stream).catch(() => undefined);
    // The client broke off: nobody waits for an answer.
    if (!raw) return;
    const refusal = await take("final-dot", (answer) => answer !== undefined && !isSilent(answer));
    if (refusal !== undefined) {
      done(Object.assign(new Error(refusal.slice(4)), { responseCode: Number(refusal.slice(0, 3)) }));
      return;
    }
    const receivedAt = new Date().toISOString();
    const { mailFrom, rcptTo } = session.envelope;
    const { headers, subject, text, html } = await PostalMime.parse(raw);
    const queueId = randomBytes(6).toString("hex");
    messages.push({
      queueId,
      envelope: { from: mailFrom ? mailFrom.address : "", to: rcptTo.map(({ address }) => address) },
      raw,
      headers: headers.map(({ key, value }) => ({ name: key, value })),
      subject,
      text,
      html,
      receivedAt,
    });
    done(null, `2.0.0 Ok: queued as ${queueId}`);
  }

  // A client that breaks off is what this server is for.
  backend.on("error", () => {});
  const backendPort = await listen(backend.server);
  const front = createServer((client) => {
    connections += 1;
    const server = connect(backendPort, "127.0.0.1");
    for (const socket of [client, server]) {
      sockets.add(socket.setNoDelay(true));
      socket.once("close", () => sockets.delete(socket)).on("error", () => {});
    }
    proxySession(client, server, {
      take,
      heard: (line) => heard.push(line),
      passed: () => (passed += 1),
    }).catch(() => {});
  });
  const port = await listen(front);

  function search(text: string): string[] {
    const wanted = text.toLowerCase();
    const places = messages.flatMap((message, index) =>
      (["subject", "text", "html"] as const).map(
        (part) => [`message ${index}: ${part}`, message[part] ?? ""] as const,
      ),
    );
    const raw = messages.map(
      (message, index) => [`message ${index}: raw`, message.raw.toString("latin1")] as const,
    );
    return [["session", heard.join("\n")] as const, ...places, ...raw]
      .filter(([, content]) => content.toLowerCase().includes(wanted))
      .map(([place]) => place);
  }

  async function close(): Promise<void> {
    const closed = Promise.all(
      [front, backend.server].map((server) => new Promise((done) => server.close(done))),
    );
    for (const socket of sockets) socket.destroy();
    await closed;
  }

  return {
    host: "127.0.0.1",
    port,
    messages,
    get connections() {
      return connections;
    },
    search,
    close,
  };
}

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server listens on no port");
  return address.port;
}
