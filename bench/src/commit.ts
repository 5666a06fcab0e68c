import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { keyring, newKey } from "@heed/core";
import { addressOf, company } from "./company.ts";
import { median, timed, type Figure } from "./figure.ts";
import { openStorage } from "./places.ts";

const rounds = 1_000;
const page = Buffer.alloc(4096, 7);

/** One `unsubscribe()` beside one bare write of a page with fdatasync on the same disk, in turn. */
export async function unsubscribeCommit(folder: string): Promise<readonly Figure[]> {
  const heed = company(openStorage({ kind: "sqlite", at: join(folder, "commit.db") }), keyring(newKey()), "");
  const file = openSync(join(folder, "bare"), "w");
  const bare: number[] = [];
  const commits: number[] = [];
  for (let round = -50; round < rounds; round += 1) {
    const written = await timed(() => {
      writeSync(file, page);
      fdatasyncSync(file);
    });
    const subject = { email: addressOf(round) };
    const committed = await timed(() => heed.subscriptions.unsubscribe({ subject, topic: "news" }));
    if (round < 0) continue;
    bare.push(written);
    commits.push(committed);
  }
  closeSync(file);
  await heed.close();
  return [
    {
      name: "unsubscribe.sqlite.commit",
      value: median(commits) / median(bare),
      goal: 3,
      better: "lower",
      of: `${micros(median(commits))} over ${micros(median(bare))}`,
    },
  ];
}

const micros = (ms: number): string => `${Math.round(ms * 1000)} µs`;
