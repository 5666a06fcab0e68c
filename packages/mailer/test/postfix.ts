import { spawn, spawnSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A real Postfix on this machine, which nobody else uses. */
export interface Postfix {
  readonly host: string;
  readonly port: number;
  /** Where all its files are. */
  readonly directory: string;
  /** What it says in its log so far. */
  log(): Promise<string>;
  /** Ends it, and takes its files away. */
  close(): Promise<void>;
}

/** Why no Postfix can be started here; undefined where one can. */
export const noPostfix: string | undefined =
  process.getuid?.() !== 0
    ? "only root can start a Postfix"
    : spawnSync("postconf", ["-d", "mail_version"]).status !== 0
      ? "Postfix is not installed (Debian: apt-get install postfix)"
      : undefined;

/**
 * Starts a Postfix that takes any mail on loopback, and tries once to hand it to the port of the recipient's
 * domain. What it cannot hand over it reports to the envelope sender. Mail to any other domain bounces: none
 * leaves this machine.
 *
 * All that it has is in a folder of its own. Folder and processes are gone with the process that started it,
 * even if that is killed.
 *
 * @param ports a port on this machine for each domain
 */
export async function startPostfix(ports: Readonly<Record<string, number>>): Promise<Postfix> {
  const directory = await mkdtemp(join(tmpdir(), "heed-postfix-"));
  // Postfix gives up root, and still has to reach its folders.
  await chmod(directory, 0o755);
  for (const name of ["etc", "queue", "data"]) await mkdir(join(directory, name));
  const port = await freePort();
  const settings = join(directory, "etc/main.cf");
  await writeFile(settings, mainCf(directory, ports));
  // Postfix waits until its settings are two seconds old, lest somebody is still writing them.
  await utimes(settings, 0, 0);
  await writeFile(join(directory, "etc/master.cf"), masterCf(port));
  const log = (): Promise<string> => readFile(join(directory, "log"), "utf8");

  // A group of its own: an interrupt from the keyboard must not end it before it has tidied up.
  const guard = spawn("sh", ["-c", guardScript, "sh", directory], {
    detached: true,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = new Promise<void>((resolve) => guard.once("close", () => resolve()));
  const started = await createInterface({ input: guard.stdout })[Symbol.asyncIterator]().next();
  const close = async (): Promise<void> => {
    guard.stdin.end();
    await ended;
  };
  if (started.value !== "started") {
    const said = await log().catch(() => "");
    await close();
    throw new Error(`Postfix did not start. ${said}`);
  }
  return { host: "127.0.0.1", port, directory, log, close };
}

/** Its input ends when whoever started it is done or dead. */
const guardScript = `
  chown postfix "$1/data"
  if postfix -c "$1/etc" start; then echo started; else echo failed; fi
  cat > /dev/null
  postfix -c "$1/etc" stop
  rm -rf "$1"
`;

function mainCf(directory: string, ports: Readonly<Record<string, number>>): string {
  const routes = Object.entries(ports).map(([domain, port]) => `{ ${domain} = smtp:[127.0.0.1]:${port} }`);
  const settings = {
    compatibility_level: "3.6",
    queue_directory: join(directory, "queue"),
    data_directory: join(directory, "data"),
    maillog_file: join(directory, "log"),
    maillog_file_prefixes: directory,
    myhostname: "relay.example",
    inet_interfaces: "127.0.0.1",
    inet_protocols: "ipv4",
    mynetworks: "127.0.0.0/8",
    transport_maps: `inline:{ ${routes.join(", ")} }`,
    default_transport: "error:5.1.2 No route",
    // Nothing is of this machine, and no name is asked for.
    mydestination: "",
    local_recipient_maps: "",
    alias_maps: "",
    smtp_dns_support_level: "disabled",
    smtpd_peername_lookup: "no",
    // One attempt, and whatever fails is told at once.
    maximal_queue_lifetime: "0",
    bounce_queue_lifetime: "0",
    notify_classes: "",
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join("");
}

/** No service but those that a message from SMTP to SMTP, its bounce, and the log need; none in a chroot. */
function masterCf(port: number): string {
  return `
127.0.0.1:${port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
rewrite unix - - n - - trivial-rewrite
qmgr unix n - n 300 1 qmgr
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
`;
}

/** Below the ports that systems give to whoever asks for any, so that nobody gets this one in between. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true));
    });
    await new Promise((done) => server.close(done));
    if (isFree) return port;
  }
}
