import { createHash } from "node:crypto";
import type { JobInsert } from "pg-boss";

/** All that a job carries. */
export interface JobData {
  /** The step's id. */
  readonly s: string;
}

/**
 * The id of a step's job: the first half of the step id's SHA-256. A step has one job at most, then, whoever
 * makes it.
 */
export function jobId(stepId: string): string {
  const hex = createHash("sha256").update(stepId).digest("hex").slice(0, 32);
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** The same in SQL. */
export function jobIdSql(stepId: string): string {
  return `encode(substring(sha256(convert_to(${stepId}, 'UTF8')) for 16), 'hex')::uuid`;
}

const minutesPerLane = 60_000_000;
const mostLanes = 30;

/** The most urgent has the highest priority: the lane decides, and in a lane the minute in which it is due. */
function priorityOf(lane: number, at: string): number {
  const minute = Math.floor(Date.parse(at) / 60_000);
  const clamped = Math.min(Math.max(Number.isNaN(minute) ? 0 : minute, 0), minutesPerLane - 1);
  return -Math.min(Math.max(lane, 0), mostLanes) * minutesPerLane - clamped;
}

/** The lowest priority that a job of this lane can have. */
export function leastPriorityOf(lane: number): number {
  return -(Math.min(Math.max(lane, 0), mostLanes) + 1) * minutesPerLane + 1;
}

/** A step that is to be delivered at an instant. */
export interface Delivery {
  readonly id: string;
  readonly lane: number;
  /** RFC 3339. */
  readonly at: string;
}

/** The job that delivers a step at once. */
export function jobNow({ id, lane, at }: Delivery): JobInsert<JobData> {
  return { id: jobId(id), data: { s: id }, priority: priorityOf(lane, at) };
}

/**
 * The same for one that other workers were told of before: it wakes nobody, as a job that can be fetched at once
 * would, not even the worker that has just left it to them.
 */
export function jobQuietly(step: Delivery): JobInsert<JobData> {
  return { ...jobNow(step), startAfter: "1 milliseconds" };
}

/**
 * The job that delivers a step when it is due. How long it waits is reckoned from `now`, by the clock that said
 * when the step is due: the database's own may be another.
 */
export function jobLater(step: Delivery, now: string): JobInsert<JobData> {
  const waitMs = Date.parse(step.at) - Date.parse(now);
  return { ...jobNow(step), ...(waitMs > 0 ? { startAfter: `${waitMs} milliseconds` } : {}) };
}
