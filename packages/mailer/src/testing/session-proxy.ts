import type { Socket } from "node:net";
import { isSilent, type Stage, type TakeFault } from "./fault.ts";

const stages: Readonly<Record<string, Stage>> = {
  EHLO: "ehlo",
  HELO: "ehlo",
  STARTTLS: "starttls",
  AUTH: "auth",
  MAIL: "mail",
  RCPT: "rcpt",
  RSET: "rset",
  DATA: "data",
};

/**
 * Stands between a client and the server, passes each command and its reply on, writes down what the client
 * said, and lets faults happen. One command at a time, so that pipelined commands get their replies in order.
 */
export async function proxySession(
  client: Socket,
  server: Socket,
  session: {
    readonly take: TakeFault;
    readonly heard: (line: string) => void;
    /** A message was taken, and its client is told so. */
    readonly passed: () => void;
  },
): Promise<void> {
  const { take, heard, passed } = session;
  const fromClient = readLines(client);
  const fromServer = readLines(server);

  /** Answers true when the session cannot go on. */
  function strike(answer: string): boolean {
    if (answer === "drop") client.destroy();
    else if (answer !== "stall") client.write(`${answer}\r\n`);
    return isSilent(answer);
  }

  async function readReply(): Promise<string> {
    let reply = "";
    for (;;) {
      const line = await fromServer.line();
      if (line === undefined) return reply;
      reply += `${line}\r\n`;
      if (/^\d{3} /.test(line)) return reply;
    }
  }

  const refused = await take("connect");
  if (refused !== undefined) {
    if (!strike(refused)) client.end();
    return;
  }
  client.write(await readReply());

  for (;;) {
    const command = await fromClient.line();
    if (command === undefined) return void server.end();
    heard(command);
    const verb = command.slice(0, 9).split(" ")[0]?.toUpperCase() ?? "";
    const stage = stages[verb];
    const fault = stage && (await take(stage));
    if (fault !== undefined) {
      if (strike(fault)) return;
      continue;
    }
    server.write(`${command}\r\n`, "latin1");
    const reply = await readReply();
    client.write(reply);
    if (verb === "QUIT" || reply === "") return void client.end();
    if (verb === "STARTTLS" && reply.startsWith("220")) {
      await Promise.all([fromClient.pour(server), fromServer.pour(client)]);
      return;
    }
    if (!reply.startsWith("354")) continue;

    const lines: string[] = [];
    for (let line = await fromClient.line(); line !== "."; line = await fromClient.line()) {
      if (line === undefined) return;
      heard(line);
      lines.push(line);
      const broken = await take("content");
      if (broken !== undefined) {
        if (!strike(broken)) client.end();
        return;
      }
    }
    server.write([...lines, ".", ""].join("\r\n"), "latin1");
    const verdict = await readReply();
    const lost = await take("final-dot", (answer) => answer === undefined || isSilent(answer));
    if (lost !== undefined) {
      strike(lost);
      return;
    }
    if (verdict.startsWith("250")) passed();
    client.write(verdict);
  }
}

/** Reads a socket line by line; latin1, so that every octet stays what it is. */
function readLines(socket: Socket): {
  line(): Promise<string | undefined>;
  pour(target: Socket): Promise<void>;
} {
  const chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
  let buffer = "";
  return {
    async line() {
      for (;;) {
        const end = buffer.indexOf("\r\n");
        if (end >= 0) {
          const line = buffer.slice(0, end);
          buffer = buffer.slice(end + 2);
          return line;
        }
        const next = await chunks.next();
        if (next.done) return undefined;
        buffer += next.value.toString("latin1");
      }
    },
    async pour(target) {
      target.write(buffer, "latin1");
      for (let next = await chunks.next(); !next.done; next = await chunks.next()) target.write(next.value);
      target.end();
    },
  };
}
