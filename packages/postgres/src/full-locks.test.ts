import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "@heed/core";
import pg from "pg";
import { expect, it, onTestFinished } from "vitest";
import { startPostgres } from "../test/start-postgres.ts";
import { postgres } from "./postgres.ts";

it.skipIf(process.env["HEED_TEST_DATABASE_URL"] !== undefined)(
  "a transaction that finds the server's table of locks full is tried again",
  { timeout: 60_000 },
  async () => {
    const server = await startPostgres({ hasty: true });
    onTestFinished(() => server.stop());
    const storage = postgres({ connectionString: server.url, migrate: true });
    onTestFinished(() => storage.close());
    const lock = Array.from({ length: 2_000 }, (_, n) => `address:${n}`);
    const locked = () =>
      storage.transact({
        lock,
        read: {},
        clock: systemClock,
        decide: () => ({ writes: [], answer: "locked" }),
      });
    expect(await locked()).toBe("locked");
    const others = new pg.Client(server.url);
    await others.connect();
    onTestFinished(() => others.end());
    await others.query("BEGIN");
    for (let n = 0, isFull = false; !isFull; n += 1) {
      await others.query("SAVEPOINT before");
      const take = `SELECT count(pg_advisory_xact_lock(${n}, i)) FROM generate_series(1, 1000) AS i`;
      isFull = await others.query(take).then(
        () => false,
        () => true,
      );
    }
    await others.query("ROLLBACK TO before");
    const released = sleep(500).then(() => others.query("ROLLBACK"));
    expect(await locked()).toBe("locked");
    await released;
  },
);
