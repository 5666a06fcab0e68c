// Does what it is told on standard input, one line of JSON each, and answers with one line. Arguments: file, keys.
import { createInterface } from "node:readline";
import { createHeed, definePolicy, keyring, type Permit } from "@heed/core";
import { sqlite } from "../src/sqlite.ts";

/** What an actor can be told. `message` names a permit that it took. */
export type Told =
  | { readonly act: "take"; readonly message: string; readonly email: string }
  | { readonly act: "hand-over" | "settle"; readonly message: string }
  | { readonly act: "unsubscribe"; readonly email: string; readonly topic: "news" | "all" };

const [file = "", keys = ""] = process.argv.slice(2);
const heed = createHeed({
  policy: definePolicy({
    controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
    purposes: { news: { basis: "consent" } },
    topics: { news: { class: "marketing", purpose: "news" } },
  }),
  storage: sqlite(file),
  keys: keyring(keys),
});
const permits = new Map<string, Permit>();

async function act(told: Told): Promise<unknown> {
  if (told.act === "unsubscribe")
    return heed.subscriptions.unsubscribe({ subject: { email: told.email }, topic: told.topic });
  if (told.act === "take") {
    const permit = await heed.permits.take({ topic: "news", email: told.email, messageKey: told.message });
    if (permit.allowed) permits.set(told.message, permit);
    return permit.allowed ? { allowed: true } : permit;
  }
  const permit = permits.get(told.message);
  if (permit === undefined) return { skipped: true };
  if (told.act === "hand-over") return { handedOver: await permit.handOver() };
  await permit.settle("accepted");
  return { settled: true };
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await act(JSON.parse(line) as Told)));
}
