// A server whose disk runs full and is given room again; prints as JSON what was seen. Runs where TMPDIR is a small disk.
import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHeed, definePolicy, isHeedError, keyring, newKey } from "@heed/core";
import pg from "pg";
import { postgres } from "../src/postgres.ts";
import { startPostgres } from "./start-postgres.ts";

const server = await startPostgres();
const heed = createHeed({
  policy: definePolicy({
    controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
    purposes: { news: { basis: "consent" } },
    topics: { news: { class: "marketing", purpose: "news" } },
  }),
  storage: postgres({ connectionString: server.url, migrate: true, giveUpAfterMs: 500 }),
  keys: keyring(newKey()),
});

const choice = (n: number | string) =>
  ({ subject: { email: `person${n}.canary@example.org` }, topic: "news" }) as const;
const optOut = async (n: number | string): Promise<unknown> => {
  try {
    return (await heed.subscriptions.unsubscribe(choice(n))).changed;
  } catch (error) {
    return isHeedError(error) ? { code: error.code, message: error.message } : String(error);
  }
};
const stateOf = async (n: number | string) => (await heed.subscriptions.state(choice(n))).state;

await optOut("before");
const balloon = join(tmpdir(), "balloon");
const { bavail, bsize } = statfsSync(tmpdir());
writeFileSync(balloon, Buffer.alloc(bavail * bsize));
let acknowledged = 0;
let refusal: unknown = true;
while (refusal === true) {
  refusal = await optOut(acknowledged);
  if (refusal === true) acknowledged += 1;
}
const whileFull = [await stateOf("before"), await stateOf(acknowledged)];
rmSync(balloon);
const mended = await optOut(acknowledged);
const states = new Set<string>();
for (let n = 0; n <= acknowledged; n += 1) states.add(await stateOf(n));
await heed.close();

const client = new pg.Client(server.url);
await client.connect();
const { rows } = await client.query("SELECT count(*)::int AS events FROM heed.events");
await client.end();
await server.stop();
console.log(JSON.stringify({ acknowledged, refusal, whileFull, mended, states: [...states], ...rows[0] }));
