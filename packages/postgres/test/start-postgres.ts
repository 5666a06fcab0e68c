import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A PostgreSQL server that tests may use as they like. */
export interface TestServer {
  /** Connection string of a superuser to the database `postgres`. */
  readonly url: string;
  /** Where the server keeps its files; undefined where the server is somebody else's. */
  readonly directory: string | undefined;
  /** Ends the server without any chance to tidy up, and starts it again. */
  crash(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts a PostgreSQL server with nothing installed but this repository, as root or not. It ends, and leaves
 * nothing behind, with the process that started it, even if that is killed.
 *
 * @param hasty writes without waiting for the disk: for tests, which lose no power, and never for measuring
 *
 * `HEED_TEST_DATABASE_URL` names a server to use instead, by a role that may create databases.
 */
export async function startPostgres({ hasty = false } = {}): Promise<TestServer> {
  const url = process.env["HEED_TEST_DATABASE_URL"];
  if (url !== undefined && url !== "") {
    const crash = () => Promise.reject(new Error("A server that is somebody else's is not to be crashed."));
    return { url, directory: undefined, crash, stop: async () => {} };
  }
  const guard = fileURLToPath(new URL("guard.ts", import.meta.url));
  const child = spawn(process.execPath, [guard, ...(hasty ? ["hasty"] : [])], {
    detached: true,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const next = async (): Promise<string> => {
    const line = await lines.next();
    if (line.done === true) throw new Error("The guard of the PostgreSQL server has ended.");
    return line.value;
  };
  const { port, databaseDir } = JSON.parse(await next()) as { port: number; databaseDir: string };
  return {
    url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
    directory: databaseDir,
    async crash() {
      child.stdin.write("crash\n");
      await next();
    },
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}
