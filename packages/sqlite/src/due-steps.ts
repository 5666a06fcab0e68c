import { dueStep, type DueAsk, type DueRow, type DueStep } from "@heed/core/storage";
import type { SQLInputValue } from "node:sqlite";
import type { Connection, SqlRow } from "./connection.ts";

const columns = `"id", "subjectId", "requestId", "processor", "operation", "phase", "alone", "state", "lane", "dueAt"`;

// Each of the first three reads a few entries of the index on due steps, however many steps wait.
const dueOf = `FROM "heed_steps" INDEXED BY "heed_steps_due" WHERE "state" = 'due' AND "namespace" = ?`;
export const nextProcessor = `SELECT min("processor") AS "next" ${dueOf} AND "processor" > ?`;
export const nextLane = `SELECT min("lane") AS "next" ${dueOf} AND "processor" = ? AND "lane" > ?`;
const inLane = `SELECT ${columns} ${dueOf} AND "processor" = ? AND "lane" = ? AND "dueAt" <= ?`;
const earliest = ` ORDER BY "dueAt", "id" LIMIT ?`;
const besides = ` AND "id" NOT IN (SELECT value FROM json_each(?))`;
export const dueInLane = inLane + earliest;
const dueBesides = inLane + besides + earliest;
const abandoned =
  `SELECT ${columns} FROM "heed_steps" WHERE "state" = 'running' AND "leaseUntil" <= ? AND "namespace" = ?` +
  ` AND "processor" = coalesce(?, "processor") AND "processor" NOT IN (SELECT value FROM json_each(?)) AND "lane" <= ?` +
  `${besides} ORDER BY "lane", "dueAt", "id" LIMIT ?`;

function byUrgency(one: SqlRow, other: SqlRow): number {
  const lanes = Number(one["lane"]) - Number(other["lane"]);
  if (lanes !== 0) return lanes;
  const [first, second] = [one, other].map((row) => `${String(row["dueAt"] ?? "")} ${String(row["id"])}`);
  return (first ?? "") < (second ?? "") ? -1 : 1;
}

/** Steps that are due, and running ones whose lease ran out: by lane, then due time, at most `max`. */
export function dueSteps(connection: Connection, ask: DueAsk): readonly DueStep[] {
  const { namespace, now, max, processor: only, mostLane = Number.MAX_SAFE_INTEGER, except = [] } = ask;
  const leftOut = JSON.stringify(ask.exceptSteps ?? []);
  const isAll = leftOut === "[]";
  const next = (sql: string, parameters: readonly SQLInputValue[]) =>
    connection.all({ sql, parameters: [namespace, ...parameters] })[0]?.["next"] ?? null;
  const found: SqlRow[] = [];
  // Processors are few: each is asked for its most urgent steps, one lane after another.
  for (
    let processor = only ?? next(nextProcessor, [""]);
    processor !== null;
    processor = only === undefined ? next(nextProcessor, [processor]) : null
  ) {
    if (except.includes(String(processor))) continue;
    const urgent: SqlRow[] = [];
    for (
      let lane = next(nextLane, [processor, Number.MIN_SAFE_INTEGER]);
      lane !== null && Number(lane) <= mostLane && urgent.length < max;
      lane = next(nextLane, [processor, lane])
    ) {
      const parameters = [namespace, processor, lane, now, ...(isAll ? [] : [leftOut]), max - urgent.length];
      urgent.push(...connection.all({ sql: isAll ? dueInLane : dueBesides, parameters }));
    }
    found.push(...urgent);
  }
  found.push(
    ...connection.all({
      sql: abandoned,
      parameters: [now, namespace, only ?? null, JSON.stringify(except), mostLane, leftOut, max],
    }),
  );
  return (
    found
      .toSorted(byUrgency)
      .slice(0, max)
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the table is STRICT, and these are its columns
      .map((row) => dueStep(row as unknown as DueRow))
  );
}
