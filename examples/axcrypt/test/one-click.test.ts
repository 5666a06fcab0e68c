import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { newKey } from "@heed/core";
import { expect, it, onTestFinished } from "vitest";

/** Starts a web process on a file; `lines` is what it prints. */
function startWeb(...args: readonly string[]) {
  const script = fileURLToPath(new URL("./one-click-process.ts", import.meta.url));
  const child = spawn(process.execPath, ["-C", "@heed/source", script, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return { child, line: async () => String((await lines.next()).value) };
}

const oneClick = (url: string) =>
  fetch(url, { method: "POST", body: new URLSearchParams({ "List-Unsubscribe": "One-Click" }) });

// RFC 8058: who gets no answer posts again.
it("a one-click opt-out whose process is killed before it answers is kept, and its repeat is answered", async () => {
  const folder = mkdtempSync(join(tmpdir(), "heed-one-click-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "heed.db");
  const keys = newKey();
  const dying = startWeb(file, keys, "dies");
  const token = await dying.line();
  const died = once(dying.child, "exit");
  await expect(oneClick(`${await dying.line()}/u/${token}`)).rejects.toThrow("fetch failed");
  expect(await died).toEqual([null, "SIGKILL"]);

  const optOuts = () => {
    const database = new DatabaseSync(file, { readOnly: true });
    const kinds = database.prepare("SELECT kind FROM heed_events ORDER BY recordedAt").all();
    database.close();
    return kinds.map(({ kind }) => kind);
  };
  expect(optOuts()).toEqual(["given", "withdrawn"]);
  const next = startWeb(file, keys, "lives");
  const response = await oneClick(`${await next.line()}/u/${token}`);
  expect(response.status).toBe(200);
  expect(optOuts()).toEqual(["given", "withdrawn"]);
}, 60_000);
