import { PgBoss } from "pg-boss";
import { inject } from "vitest";
import type { Place } from "./place.ts";

/** Makes pg-boss believe that so much time has passed, and lets it look after its jobs once. */
export async function superviseAfter({ client, schema }: Place, interval: string): Promise<void> {
  const boss = `"${schema}_boss"`;
  const columns = ["created_on", "start_after", "started_on", "heartbeat_on", "keep_until", "completed_on"];
  const aged = columns.map((column) => `${column} = ${column} - interval '${interval}'`);
  await client.query(`UPDATE ${boss}.job SET ${aged.join(", ")}`);
  await client.query(`UPDATE ${boss}.queue SET monitor_claim_on = NULL, maintain_on = NULL`);
  const supervisor = new PgBoss({
    connectionString: inject("postgres").url,
    schema: `${schema}_boss`,
    migrate: false,
    schedule: false,
    supervise: false,
  });
  supervisor.on("error", () => {});
  await supervisor.start();
  await supervisor.supervise();
  await supervisor.stop({ graceful: false });
  // Another supervisor may have taken the turn: it is done when no heartbeat is overdue.
  for (let overdue = true; overdue;) {
    const { rowCount } = await client.query(
      `SELECT 1 FROM ${boss}.job WHERE state = 'active' AND heartbeat_on + heartbeat_seconds * interval '1 s' < now()`,
    );
    overdue = (rowCount ?? 0) > 0;
  }
}
