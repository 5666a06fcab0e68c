import { keyring, newKey } from "@heed/core";
import { addressOf, company } from "./company.ts";
import { openStorage } from "./places.ts";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { readFileSync } from "node:fs";
const dir = mkdtempSync("/tmp/h3/mem-");
const heed = company(openStorage({ kind: "sqlite", file: dir + "/h.db" }), keyring(newKey()), "");
const N = Number(process.argv[2]);
function* people() {
  for (let i = 0; i < N; i++)
    yield { subject: { email: addressOf(i) }, topic: "news" as const, id: `file-${i}` };
}
const MB = (n: number) => (n / 2 ** 20).toFixed(0);
let next = 10000;
let max = 0;
await heed.subscriptions.unsubscribeMany(people(), {
  onProgress: ({ position }) => {
    max = Math.max(max, process.memoryUsage.rss());
    if (position >= next) {
      next += 20000;
      const m = process.memoryUsage();
      const st = readFileSync("/proc/self/status", "utf8");
      const g = (k: string) => Number(new RegExp(k + ":\\s+(\\d+)").exec(st)?.[1]) / 1024;
      console.log(
        position,
        "rss",
        MB(m.rss),
        "max",
        MB(max),
        "anon",
        g("RssAnon").toFixed(0),
        "file",
        g("RssFile").toFixed(0),
        "shmem",
        g("RssShmem").toFixed(0),
        "heapTotal",
        MB(m.heapTotal),
        "used",
        MB(m.heapUsed),
        "ext",
        MB(m.external),
        "ab",
        MB(m.arrayBuffers),
        "wal",
        MB(statSync(dir + "/h.db-wal").size),
        "shm",
        MB(statSync(dir + "/h.db-shm").size),
      );
    }
  },
});
await heed.close();
rmSync(dir, { recursive: true });
