// A worker process: carries out what is due, and says so on standard output, one line of JSON per step.
import { keyring } from "@heed/core";
import { sqlite } from "@heed/sqlite";
import { openApplication } from "./application.ts";
import { createAxcrypt, type Vendors } from "./axcrypt.ts";

/** What the demo tells its worker, as JSON in the environment. */
export interface WorkerConfig {
  readonly heedFile: string;
  readonly applicationFile: string;
  readonly vendors: Vendors;
  readonly settlingMs?: number;
  readonly leaseMs: number;
}

const config = JSON.parse(process.env["AXCRYPT_WORKER"] ?? "") as WorkerConfig;
const application = openApplication(config.applicationFile);
const heed = createAxcrypt({
  storage: sqlite(config.heedFile),
  keys: keyring(process.env["HEED_KEYS"]),
  application,
  vendors: config.vendors,
  ...(config.settlingMs === undefined ? {} : { settlingMs: config.settlingMs }),
  work: { leaseMs: config.leaseMs, callTimeoutMs: 10_000, pollMs: 50, batchesPerProcessor: 1 },
});
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);

heed.on("step.settled", (event) => say(event));
heed.on("work.failed", ({ error }) => say({ failed: error instanceof Error ? error.name : "unknown" }));
heed.work.start();
process.once("SIGTERM", () => {
  void heed.close().then(() => application.close());
});
