import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { journaledCompanyAt, journaledEvidence as evidence } from "@heed/testing/private";
import { expect, it, onTestFinished } from "vitest";
import { clientOn, copyDatabase, createDatabase, databaseUrl } from "../test/database.ts";
import { postgres } from "./postgres.ts";

it("a back-up without data keys brings nobody back whom the keys of today do not name", async () => {
  const directory = mkdtempSync(join(tmpdir(), "heed-postgres-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const base = `heed_${randomBytes(6).toString("hex")}`;
  await createDatabase(base);
  const company = journaledCompanyAt({
    base,
    journal: join(directory, "journal"),
    open: (name) => postgres({ connectionString: databaseUrl(name), migrate: true }),
  });
  const [anna, bert] = [company.person("anna.canary@example.org"), company.person("bert@example.org")];
  const monday = company.on(base);
  for (const subject of [anna, bert])
    await monday.heed.subscriptions.subscribe({ subject, topic: "newsletter", evidence });
  await monday.settle();
  await monday.heed.close();

  // As `pg_dump --exclude-table-data='heed."dataKeys"'` keeps it.
  const old = `${base}_old`;
  await copyDatabase(base, old);
  const backUp = await clientOn(databaseUrl(old));
  await backUp.query(`TRUNCATE heed."dataKeys"`);

  const live = company.on(base);
  const clara = company.person("clara@example.org");
  await live.heed.subscriptions.subscribe({ subject: clara, topic: "newsletter", evidence });
  await live.heed.requests.open({ right: "erasure", identity: "signed-in", subject: anna });
  await live.settle();
  await live.heed.close();
  const today = await clientOn(databaseUrl(base));
  const { rows: keys } = await today.query(`SELECT * FROM heed."dataKeys"`);
  expect(keys).toHaveLength(2);
  for (const key of keys)
    await backUp.query(
      `INSERT INTO heed."dataKeys" SELECT * FROM json_populate_record(NULL::heed."dataKeys", $1)`,
      [JSON.stringify({ ...key, wrapped: `\\x${Buffer.from(key.wrapped).toString("hex")}` })],
    );

  const { heed, settle, rows } = company.on(old);
  await heed.restore();
  await settle();
  expect(await rows("subjects")).toHaveLength(2);
  expect(await rows("identifiers")).toHaveLength(2);
  expect((await rows("requests")).every((row) => row.closedAt !== null)).toBe(true);
  const mail = (email: string) => ({ topic: "newsletter", email, messageKey: "after" }) as const;
  for (const { email } of [bert, clara])
    expect(await heed.permits.take(mail(email))).toMatchObject({ allowed: true });
  expect(await heed.permits.take(mail(anna.email))).toMatchObject({ because: "erased" });
});
