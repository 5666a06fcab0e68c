import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { definePolicy, fileJournal, keyring, newKey } from "@heed/core";
import { createTestHeed, scriptedVendor, virtualClock } from "@heed/testing";
import { journalStandingStill, standingStill } from "@heed/testing/private";
import pg from "pg";
import { expect, inject, it, onTestFinished } from "vitest";
import { createDatabase } from "../test/database.ts";
import { postgres } from "./postgres.ts";

const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  recipients: { crm: { role: "processor", country: "SE" } },
  purposes: { news: { basis: "consent" } },
  topics: { newsletter: { class: "marketing", purpose: "news", via: ["crm"] } },
});
const topic = "newsletter";
const optIn = { topic, evidence: { noticeVersion: "2026-01" } } as const;

/** A journal in a file of its own, and processes on one database beside it. */
function company(url: string) {
  const journal = join(tmpdir(), `heed-${randomBytes(6).toString("hex")}.journal`);
  const crm = scriptedVendor({
    name: "crm",
    topics: [topic],
    operations: ["subscribe", "unsubscribe", "erase"],
  });
  const [clock, keys] = [virtualClock("2026-01-15T12:00:00.000Z", { autoAdvance: true }), newKey()];
  const process = () => {
    const { heed } = createTestHeed({
      policy,
      clock,
      keys: keyring(keys),
      storage: standingStill(postgres({ connectionString: url, migrate: true }), clock),
      journal: journalStandingStill(fileJournal(journal), clock),
      processors: { crm: crm.processor },
    });
    onTestFinished(() => heed.close());
    return heed;
  };
  onTestFinished(() => rmSync(journal, { force: true }));
  return { crm, process, clock };
}

it("a database that is put back while processes run is held by all of them, until it is restored", async () => {
  const url = await createDatabase();
  const name = new URL(url).pathname.slice(1);
  const server = new pg.Client({ connectionString: inject("postgres").url });
  await server.connect();
  onTestFinished(() => server.end());
  const alone = async (sql: string) => {
    await server.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", [name]);
    await server.query(sql);
  };
  const { crm, process, clock } = company(url);
  const [web, worker] = [process(), process()];
  const [anna, bert] = [{ email: "anna@example.org" }, { email: "bert@example.org" }];
  const mail = (subject: typeof anna, messageKey: string) => ({ ...subject, topic, messageKey }) as const;
  for (const subject of [anna, bert]) await web.subscriptions.subscribe({ ...optIn, subject });
  await worker.permits.take(mail(anna, "1"));
  await alone(`CREATE DATABASE ${name}_monday TEMPLATE ${name}`);
  await web.subscriptions.unsubscribe({ subject: anna, topic });
  await worker.work.drain();
  expect(await worker.permits.take(mail(anna, "2"))).toMatchObject({ because: "suppressed" });
  await web.subscriptions.unsubscribe({ subject: bert, topic });
  await alone(`ALTER DATABASE ${name} RENAME TO ${name}_gone`);
  await alone(`ALTER DATABASE ${name}_monday RENAME TO ${name}`);

  const calls = crm.calls.length;
  // A connection that was cut off may fail one call.
  await worker.work.drain().catch(() => {});
  await worker.work.drain();
  expect(crm.calls).toHaveLength(calls);
  for (const subject of [anna, bert])
    expect(await worker.permits.take(mail(subject, "3"))).toMatchObject({ because: "restore-needed" });
  await web.subscriptions.state({ subject: anna, topic }).catch(() => {});
  await expect(web.subscriptions.subscribe({ ...optIn, subject: anna })).rejects.toMatchObject({
    code: "restore-needed",
  });
  expect(await web.journal.state()).toEqual({ state: "restore-needed", lost: 2 });
  await web.restore();
  expect(await worker.journal.state()).toEqual({ state: "level", lost: 0 });
  for (const { email } of [anna, bert])
    expect(await worker.permits.take(mail({ email }, "4"))).toMatchObject({ because: "suppressed" });
  // What pg-boss says was put back as well.
  for (let round = 0; (await worker.work.drain()).open > 0 && round < 10; round += 1)
    await clock.advance(60_000);
  for (const { email } of [anna, bert]) expect([...(crm.optedOut.get(email) ?? [])]).toEqual([topic]);
});
