import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { newKey } from "@heed/core";
import { durableCompany, type Sharing } from "./durable/company.ts";
import { runCommand, type Ended } from "./run-command.ts";

const directory = fileURLToPath(new URL("./durable/", import.meta.url));

/** A folder with a company's files, the commands run on it, and everything that they said. */
export function durableHome(keys: string = newKey()) {
  const home = mkdtempSync(join(tmpdir(), "heed-cli-"));
  let said = "";
  return {
    home,
    file: (name: string) => join(home, name),
    /** The application's own table. */
    hold: (...emails: readonly string[]) => writeFileSync(join(home, "people.json"), JSON.stringify(emails)),
    /** The application at work in this process, and then gone. */
    async live(work: (heed: ReturnType<typeof durableCompany>) => Promise<unknown>, sharing?: Sharing) {
      const heed = durableCompany(home, keys, sharing);
      try {
        await work(heed);
      } finally {
        await heed.close();
      }
    },
    async heed(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
      const ended = await runCommand(directory, args, { HEED_HOME: home, HEED_KEYS: keys, ...env });
      said += ended.stdout + ended.stderr;
      return ended;
    },
    said: () => said,
    remove: () => rmSync(home, { recursive: true }),
  };
}
