import { execFile } from "node:child_process";
import { once } from "node:events";
import { connect as connectSocket, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { promisify } from "node:util";
import SmtpConnection from "nodemailer/lib/smtp-connection";
import { describe, expect, it, onTestFinished } from "vitest";
import { postfix, returnPath, tag } from "../../test/bounces.ts";
import { certificate } from "../../test/certificate.ts";
import { anna, inboxSetting } from "../../test/inbox-setting.ts";
import { letter } from "../../test/letters.ts";
import { mailReceiver, type MailReceiverOptions } from "./mail-receiver.ts";

/** An inbox behind a real server. */
async function receiving(
  receiver: Partial<MailReceiverOptions> = {},
  inboxOptions: Parameters<typeof inboxSetting>[0] = {},
) {
  const setting = await inboxSetting(inboxOptions);
  const warned: string[] = [];
  const logger = { info: () => {}, warn: (...all: unknown[]) => void warned.push(JSON.stringify(all)) };
  const server = await mailReceiver({
    inbox: setting.inbox,
    port: 0,
    host: "127.0.0.1",
    logger,
    ...receiver,
  });
  onTestFinished(() => server.close());
  return { ...setting, server, warned };
}

/** Hands a mail over; the server's last reply code, and its words. */
async function deliver(port: number, from: string, to: string | string[], raw: Buffer): Promise<string> {
  const client = new SmtpConnection({ host: "127.0.0.1", port, tls: { rejectUnauthorized: false } });
  client.on("error", () => {});
  await new Promise<void>((resolve) => client.connect(() => resolve()));
  return new Promise((resolve) => {
    client.send({ from, to }, raw, (error, info) => {
      client.quit();
      resolve(error ? (error.response ?? error.message) : info.response);
    });
  });
}

/** Says one line after another, each when the last was answered. */
async function converse(
  port: number,
  lines: readonly string[],
): Promise<{ replies: string[]; socket: Socket }> {
  const socket = connectSocket(port, "127.0.0.1").setEncoding("utf8");
  const hear = async (): Promise<string> => String((await once(socket, "data"))[0]);
  const replies = [await hear()];
  for (const line of lines) {
    socket.write(`${line}\r\n`);
    replies.push(await hear());
  }
  return { replies, socket };
}

const rights = "data-protection@acme.example";

describe("mailReceiver", () => {
  it("takes a mail for the inbox, and says so when it was handled", async () => {
    const { server, kept, heed } = await receiving();
    const raw = letter({ to: rights, subject: "Delete my data" });
    expect(await deliver(server.port, anna, rights, raw)).toMatch(/^250 /);
    expect(await heed.requests.list()).toHaveLength(1);
    expect(Buffer.from(kept[0]?.raw ?? []).toString()).toContain("Delete my data");
  });

  it("takes what returns, with no sender", async () => {
    const { server, reports } = await receiving();
    expect(await deliver(server.port, "", returnPath, postfix())).toMatch(/^250 /);
    expect(reports).toEqual([{ tag, kind: "hard" }]);
  });

  it.each(["other@acme.example", "anna@else.example", "stop@else.example", "b+guess@bounces.acme.example"])(
    "takes nothing for %s, and relays nothing",
    async (to) => {
      const { server, kept } = await receiving();
      expect(await deliver(server.port, anna, to, letter({ to }))).toMatch(/^550 5\.1\.1 /);
      expect(kept).toEqual([]);
    },
  );

  it("says try again when it could not be handled, and takes it then", async () => {
    let isBroken = true;
    const keep = async (): Promise<void> => {
      if (isBroken) throw new Error(`cannot keep the mail of ${anna}`);
    };
    const { server, warned, heed } = await receiving({}, { keep });
    const raw = letter({ to: rights, subject: "Delete my data" });
    expect(await deliver(server.port, anna, rights, raw)).toMatch(/^451 4\.3\.0 /);
    expect(warned).toHaveLength(1);
    expect(warned.join()).not.toContain("canary");
    isBroken = false;
    expect(await deliver(server.port, anna, rights, raw)).toMatch(/^250 /);
    expect(await heed.requests.list()).toHaveLength(1);
  });

  it("refuses what is larger than the inbox reads, announced or not", async () => {
    const { server, kept } = await receiving({}, { maxBytes: 4096 });
    const large = letter({ to: rights, text: "x\n".repeat(4000) });
    const announced = await deliver(server.port, anna, rights, large);
    expect(announced).toMatch(/^552 /);
    // That is a full mailbox, and there is none.
    expect(announced).not.toContain("5.2.2");
    const { replies, socket } = await converse(server.port, [
      "EHLO client.example",
      `MAIL FROM:<${anna}>`,
      `RCPT TO:<${rights}>`,
      "DATA",
      `${large.toString()}\r\n.`,
    ]);
    socket.destroy();
    expect(replies.at(-1)).toMatch(/^552 5\.3\.4 /);
    expect(kept).toEqual([]);
  });

  it("takes no more recipients, and no more connections, than it is told to", async () => {
    const { server } = await receiving({ recipients: 2, connections: 1 });
    const { replies, socket } = await converse(server.port, [
      "EHLO client.example",
      `MAIL FROM:<${anna}>`,
      "RCPT TO:<stop@acme.example>",
      `RCPT TO:<${rights}>`,
      "RCPT TO:<webmaster@acme.example>",
    ]);
    expect(replies.slice(-3).map((reply) => reply.slice(0, 3))).toEqual(["250", "250", "452"]);
    const other = await converse(server.port, []);
    expect(other.replies[0]).toMatch(/^421 /);
    socket.destroy();
    other.socket.destroy();
  });

  it("does not wait for a silent client", async () => {
    const silent = await receiving({ idleTimeoutMs: 300 });
    const waiting = await converse(silent.server.port, ["EHLO client.example"]);
    expect(String((await once(waiting.socket, "data"))[0])).toMatch(/^421 /);
    waiting.socket.destroy();
  });

  it("does not wait for a mail without end", async () => {
    const slow = await receiving({ mailTimeoutMs: 200, idleTimeoutMs: 500 });
    const { socket } = await converse(slow.server.port, [
      "EHLO client.example",
      `MAIL FROM:<${anna}>`,
      `RCPT TO:<${rights}>`,
      "DATA",
    ]);
    socket.on("error", () => {}).resume();
    const drip = setInterval(() => socket.write("x\r\n"), 20);
    await once(socket, "close");
    clearInterval(drip);
    await expect.poll(() => slow.warned.length).toBe(1);
    expect(slow.kept).toEqual([]);
  });

  it("does not wait for a client that keeps talking and sends no mail", async () => {
    const { server } = await receiving({ mailTimeoutMs: 300, idleTimeoutMs: 500, connections: 1 });
    const { socket } = await converse(server.port, ["EHLO client.example"]);
    socket.on("error", () => {}).resume();
    const talk = setInterval(() => socket.write("NOOP\r\n"), 50);
    await once(socket, "close");
    clearInterval(talk);
    expect(await deliver(server.port, anna, rights, letter({ to: rights }))).toMatch(/^250/);
  });

  it("lets a client send one mail after another", async () => {
    const { server, kept } = await receiving({ mailTimeoutMs: 400 });
    const { socket } = await converse(server.port, ["EHLO client.example"]);
    for (let mail = 0; mail < 6; mail += 1) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      for (const line of [`MAIL FROM:<${anna}>`, `RCPT TO:<${rights}>`, "DATA"]) {
        socket.write(`${line}\r\n`);
        await once(socket, "data");
      }
      const raw = letter({ to: rights, subject: `Question ${mail}` }).toString();
      socket.write(`${raw}\r\n.\r\n`);
      await once(socket, "data");
    }
    socket.destroy();
    expect(kept).toHaveLength(6);
  });

  it("tells the inbox who handed the mail over, to whom, and from where", async () => {
    const envelopes: unknown[] = [];
    const { inbox } = await inboxSetting();
    const server = await mailReceiver({
      inbox: {
        ...inbox,
        handleInbound: async (raw, envelope) => {
          envelopes.push(envelope);
          return inbox.handleInbound(raw, envelope);
        },
      },
      port: 0,
      host: "127.0.0.1",
    });
    onTestFinished(() => server.close());
    for (const from of ["", anna]) {
      const { socket } = await converse(server.port, [
        "EHLO client.example",
        `MAIL FROM:<${from}>`,
        `RCPT TO:<${rights}>`,
        "RCPT TO:<stop+x@acme.example>",
        "DATA",
        `${letter({ to: rights }).toString()}\r\n.`,
      ]);
      socket.destroy();
    }
    const rest = {
      rcptTo: [rights, "stop+x@acme.example"],
      remoteIp: "127.0.0.1",
      helo: "client.example",
    };
    expect(envelopes).toEqual([
      { mailFrom: "", ...rest },
      { mailFrom: anna, ...rest },
    ]);
  });

  it("handles nothing that was not sent to its end", async () => {
    const { server, kept, heed, warned } = await receiving();
    const { socket } = await converse(server.port, [
      "EHLO client.example",
      `MAIL FROM:<${anna}>`,
      `RCPT TO:<${rights}>`,
      "DATA",
    ]);
    socket.write(letter({ to: rights, subject: "Delete my data" }));
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    await expect.poll(() => warned.length).toBe(1);
    expect(kept).toEqual([]);
    expect(await heed.requests.list()).toEqual([]);
  });

  it("offers STARTTLS with a key that it was given and never without, and no login", async () => {
    const plain = await receiving();
    const { replies, socket } = await converse(plain.server.port, ["EHLO client.example"]);
    socket.destroy();
    expect(replies[1]).not.toMatch(/STARTTLS|AUTH/);

    const { server } = await receiving({ tls: certificate });
    const secure = await converse(server.port, ["EHLO client.example", "STARTTLS"]);
    expect(secure.replies[1]).toMatch(/STARTTLS/);
    const tls = connectTls({ socket: secure.socket, ca: certificate.cert, servername: "mx.acme.example" });
    await once(tls, "secureConnect");
    expect(tls.authorized).toBe(true);
    tls.destroy();
    const raw = letter({ to: rights, subject: "Delete my data" });
    expect(await deliver(server.port, anna, rights, raw)).toMatch(/^250 /);
  });

  it.each([[{ port: -1 }], [{ inbox: undefined }], [{ tls: { key: "x" } }], [{ prot: 25 }]])(
    "refuses options that cannot be used: %j",
    async (wrong) => {
      const { inbox } = await inboxSetting();
      await expect(mailReceiver({ inbox, port: 0, ...wrong } as never)).rejects.toThrow(/receiver's options/);
    },
  );

  it.each(["smtp-server", "mailauth"])("says at once that %s is not installed", async (missing) => {
    const resolve = `(name, context, next) => { if (name === "${missing}") throw new Error(name); return next(name, context); }`;
    const program = `
      import { registerHooks } from "node:module";
      registerHooks({ resolve: ${resolve} });
      const { mailReceiver } = await import("@heed/mailer");
      await mailReceiver({ inbox: {}, port: 0 }).catch(({ code, message }) => console.log(code, message));`;
    const flags = ["-C", "@heed/source", "--input-type=module", "-e", program];
    const { stdout } = await promisify(execFile)(process.execPath, flags, {
      cwd: import.meta.dirname,
      timeout: 15_000,
    });
    expect(stdout).toMatch(/^peer-missing /);
    expect(stdout).toContain(`npm install ${missing}`);
  });

  it("says when the port cannot be had", async () => {
    const { server, inbox } = await receiving();
    await expect(mailReceiver({ inbox, port: server.port, host: "127.0.0.1" })).rejects.toThrow(/EADDRINUSE/);
  });
});
