import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { startChild } from "@heed/testing/private";
import pg from "pg";
import { expect, it } from "vitest";

const program = fileURLToPath(new URL("start-and-wait.ts", import.meta.url));

it.skipIf(process.env["HEED_TEST_DATABASE_URL"] !== undefined)(
  "the server of a test that is killed is gone, and so are its files",
  { timeout: 60_000 },
  async () => {
    const child = startChild(program);
    await child.printed(1);
    const { url, directory } = JSON.parse(child.lines[0] ?? "") as { url: string; directory: string };
    const reaches = async () => {
      const client = new pg.Client(url);
      client.on("error", () => {});
      const isThere = await client.connect().then(
        () => true,
        () => false,
      );
      await client.end().catch(() => {});
      return isThere;
    };
    expect([await reaches(), existsSync(directory)]).toEqual([true, true]);
    await child.kill();
    await expect
      .poll(async () => [await reaches(), existsSync(directory)], { timeout: 20_000 })
      .toEqual([false, false]);
  },
);
