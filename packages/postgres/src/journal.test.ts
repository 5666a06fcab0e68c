import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHeed, definePolicy, fileJournal, keyring, newKey, systemClock, type Clock } from "@heed/core";
import { expect, inject, it, onTestFinished } from "vitest";
import { clientOn } from "../test/database.ts";
import { newPlace } from "../test/place.ts";

const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  purposes: { news: { basis: "consent" } },
  topics: { news: { class: "marketing", purpose: "news" } },
});

/** Processes that share a database and a journal, and a clock that can be put forward. */
async function journaled() {
  const place = await newPlace();
  const directory = mkdtempSync(join(tmpdir(), "heed-"));
  const keys = newKey();
  let aheadMs = 0;
  const clock: Clock = { ...systemClock, now: () => new Date(Date.now() + aheadMs) };
  const another = () => {
    const heed = createHeed({
      policy,
      clock,
      storage: place.another(),
      keys: keyring(keys),
      journal: fileJournal(join(directory, "journal")),
    });
    onTestFinished(() => heed.close());
    return heed;
  };
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return {
    another,
    application: await clientOn(inject("postgres").url),
    records: () => readFileSync(join(directory, "journal"), "utf8").split("\n").filter(Boolean).length - 1,
    pass: (ms: number) => (aheadMs += ms),
  };
}

const anna = { subject: { email: "anna@example.org" }, topic: "news" } as const;
const ben = { subject: { email: "ben@example.org" }, topic: "news" } as const;

it.each(["COMMIT", "ROLLBACK"])(
  "a choice of an application's transaction is in the journal after its %s, whoever looked before that",
  async (end) => {
    const { another, application, records, pass } = await journaled();
    const [web, worker] = [another(), another()];
    await web.subscriptions.unsubscribe(ben);
    await worker.work.drain();
    expect(records()).toBe(1);
    await application.query("BEGIN");
    await web.subscriptions.unsubscribe({ ...anna, within: application });
    // It cannot see the choice yet, and has nothing else to look for.
    await web.subscriptions.state(ben);
    await application.query(end);
    pass(25_000);
    await worker.work.drain();
    expect(records()).toBe(end === "COMMIT" ? 2 : 1);
    // Nobody else appends it again.
    pass(25_000);
    await Promise.all([web.subscriptions.state(ben), worker.work.drain(), another().work.drain()]);
    expect(records()).toBe(end === "COMMIT" ? 2 : 1);
  },
);
