import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { newKey } from "@heed/core";
import { expect, it } from "vitest";
import { runCommand } from "../test/run-command.ts";

it("the configuration in the README works, and heed status prints what the README says", async () => {
  const config = new URL("../test/readme/heed.config.ts", import.meta.url);
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const [, example, printed] = /```ts\n(.*?)```.*?\n\n```\n(.*?)```/s.exec(readme) ?? [];
  expect(example).toBe(await readFile(config, "utf8"));
  const folder = await mkdtemp(join(tmpdir(), "heed-cli-readme-"));
  try {
    const args = ["status", "--config", fileURLToPath(config)];
    expect(await runCommand(folder, args, { HEED_KEYS: newKey() })).toEqual({
      status: 0,
      stdout: printed,
      stderr: "",
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});
