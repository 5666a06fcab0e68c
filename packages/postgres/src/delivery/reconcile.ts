import { identifier, sqlName } from "../schema.ts";
import type { Session } from "../session.ts";
import { jobId, jobIdSql, jobNow } from "./jobs.ts";
import { deadQueue } from "./queue-names.ts";
import type { Queues } from "./queues.ts";

/** The queues of some processors of a namespace, by processor. */
export type QueuesByProcessor = ReadonlyMap<string, string>;

/** Steps put back in one pass: the most urgent first, the others in the next one. */
const mostAtOnce = 1_000;

/**
 * Steps whose time has come by `$2`, and that no fetch would bring: their job is gone, has died, waits for a
 * later time, or is held by a worker whose lease has run out. A job that shows no life since it was lent was
 * never claimed: whoever has it may be about to. (One that was claimed in a transaction which began before it was lent
 * looks the same, for pg-boss dates a heartbeat by that beginning: its missed heartbeats bring it back.)
 */
function strandedSql(schema: string, delivery: string): string {
  const columns = `s."id", s."processor", s."lane", s."state", s."dueAt", s."leaseUntil"`;
  const steps = (state: string, at: string) =>
    `SELECT ${columns} FROM ${sqlName(schema, "steps")} AS s` +
    ` WHERE s."namespace" = $1 AND s."state" = '${state}' AND s."${at}" <= $2 AND s."processor" = ANY ($3::text[])`;
  return `
    SELECT s."id", s."processor", s."lane", s."dueAt", j.state::text AS job
    FROM (${steps("due", "dueAt")} UNION ALL ${steps("running", "leaseUntil")}) AS s
    JOIN unnest($3::text[], $4::text[]) AS q (processor, queue) ON q.processor = s."processor"
    LEFT JOIN ${identifier(delivery)}.job AS j ON j.name = q.queue AND j.id = ${jobIdSql(`s."id"`)}
    WHERE CASE j.state::text
      WHEN 'created' THEN j.start_after > now()
      WHEN 'retry' THEN false
      WHEN 'active' THEN s."state" = 'running' AND j.heartbeat_on > j.started_on
      ELSE true END
    ORDER BY s."lane", s."dueAt", s."id"
    LIMIT ${mostAtOnce}`;
}

/**
 * Enqueues again what was stranded, in the open transaction of the session.
 * @returns how many steps
 */
export async function reconcile(
  session: Session,
  queues: Queues,
  schemas: { readonly schema: string; readonly delivery: string },
  { namespace, now, byProcessor }: { namespace: string; now: string; byProcessor: QueuesByProcessor },
): Promise<number> {
  const { rows } = await session.run(strandedSql(schemas.schema, schemas.delivery), [
    namespace,
    now,
    [...byProcessor.keys()],
    [...byProcessor.values()],
  ]);
  const stranded = rows.map((row) => ({
    id: String(row["id"]),
    queue: byProcessor.get(String(row["processor"])) ?? "",
    lane: Number(row["lane"]),
    dueAt: typeof row["dueAt"] === "string" ? row["dueAt"] : now,
    job: row["job"],
  }));
  // Its workers died before they could even claim it.
  const suspects = stranded.filter(({ job }) => job === "failed").map(({ id }) => id);
  if (suspects.length > 0) await runAlone(session, schemas.schema, suspects);
  for (const [queue, steps] of Map.groupBy(stranded, (step) => step.queue)) {
    const old = steps.filter(({ job }) => job !== null).map(({ id }) => jobId(id));
    if (old.length > 0) await queues.remove(queue, old, session.db);
    const jobs = steps.map(({ id, lane, dueAt }) => jobNow({ id, lane, at: dueAt }));
    await queues.insert(queue, jobs, session.db);
  }
  return stranded.length;
}

/** Steps that may have killed their worker take no other with them. */
async function runAlone(session: Session, schema: string, ids: readonly string[]): Promise<void> {
  await session.run(`UPDATE ${sqlName(schema, "steps")} SET "alone" = 1 WHERE "id" = ANY ($1::text[])`, [
    ids,
  ]);
}

/** Takes what is in the queue of the dead: their steps run alone from now on, and {@link reconcile} finds them. */
export async function buryDead(session: Session, queues: Queues, schema: string): Promise<void> {
  const dead = await queues.fetch(deadQueue, { max: 100 }, session.db);
  if (dead.length === 0) return;
  await runAlone(
    session,
    schema,
    dead.map(({ data }) => data.s),
  );
  await queues.takeBack(deadQueue, dead, session.db);
}
