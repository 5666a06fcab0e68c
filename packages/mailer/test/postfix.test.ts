import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { noPostfix } from "./postfix.ts";

const program = fileURLToPath(new URL("start-and-wait.ts", import.meta.url));

/** Whether it greets. */
async function greets(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1").setEncoding("utf8");
  const [said] = await Promise.race([once(socket, "data"), once(socket, "close")]).catch(() => []);
  socket.destroy();
  return typeof said === "string" && said.startsWith("220 relay.example ESMTP Postfix");
}

it("a Postfix whose test is killed is gone, and so are its files", async (context) => {
  context.skip(noPostfix !== undefined, `Left out: ${noPostfix}`);
  const child = spawn(process.execPath, ["-C", "@heed/source", program]);
  onTestFinished(() => void child.kill("SIGKILL"));
  const [line] = await once(child.stdout.setEncoding("utf8"), "data");
  const { port, directory } = JSON.parse(String(line)) as { port: number; directory: string };
  expect([await greets(port), existsSync(directory)]).toEqual([true, true]);
  child.kill("SIGKILL");
  await expect
    .poll(async () => [await greets(port), existsSync(directory)], { timeout: 10_000 })
    .toEqual([false, false]);
});
