import type { DueAsk, DueStep } from "@heed/core/storage";
import type { Connection, SqlRow } from "./connection.ts";

const columns = `"id", "subjectId", "processor", "operation", "phase", "alone", "lane", "dueAt"`;

// Each of the first two reads a few entries of the index on due steps, however many steps wait.
export const nextLane = `SELECT min("lane") AS "lane" FROM "heed_steps" WHERE "state" = 'due' AND "namespace" = ? AND "lane" > ?`;
export const dueInLane =
  `SELECT ${columns} FROM "heed_steps" WHERE "state" = 'due' AND "namespace" = ? AND "lane" = ? AND "dueAt" <= ?` +
  ` ORDER BY "dueAt", "id" LIMIT ?`;
const abandoned =
  `SELECT ${columns} FROM "heed_steps" WHERE "state" = 'running' AND "leaseUntil" <= ? AND "namespace" = ?` +
  ` ORDER BY "lane", "dueAt", "id" LIMIT ?`;

function byUrgency(one: SqlRow, other: SqlRow): number {
  const lanes = Number(one["lane"]) - Number(other["lane"]);
  if (lanes !== 0) return lanes;
  const [first, second] = [one, other].map((row) => `${String(row["dueAt"] ?? "")} ${String(row["id"])}`);
  return (first ?? "") < (second ?? "") ? -1 : 1;
}

/** Steps that are due, and running ones whose lease ran out: by lane, then due time, at most `max`. */
export function dueSteps(connection: Connection, { namespace, now, max }: DueAsk): readonly DueStep[] {
  const after = (lane: unknown): unknown =>
    connection.all({ sql: nextLane, parameters: [namespace, Number(lane)] })[0]?.["lane"] ?? null;
  const found: SqlRow[] = [];
  for (let lane = after(Number.MIN_SAFE_INTEGER); lane !== null && found.length < max; lane = after(lane)) {
    const parameters = [namespace, Number(lane), now, max - found.length];
    found.push(...connection.all({ sql: dueInLane, parameters }));
  }
  found.push(...connection.all({ sql: abandoned, parameters: [now, namespace, max] }));
  return found
    .toSorted(byUrgency)
    .slice(0, max)
    .map((row) => ({
      id: String(row["id"]),
      subjectId: String(row["subjectId"]),
      processor: String(row["processor"]),
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the engine wrote it
      operation: row["operation"] as DueStep["operation"],
      phase: String(row["phase"]),
      alone: row["alone"] === 1,
    }));
}
