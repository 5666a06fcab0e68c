import type { Row } from "../src/contract/tables.ts";

let count = 0;

/** A step that waits, as it would lie in storage. */
export function stepRow(set: Partial<Row<"steps">> = {}): Row<"steps"> {
  count += 1;
  return {
    id: `s${String(count).padStart(6, "0")}`,
    namespace: "default",
    subjectId: "anna",
    requestId: "r1",
    eventId: null,
    seq: count,
    stage: 2,
    processor: "crm",
    operation: "erase",
    lane: 1,
    state: "waiting",
    phase: "run",
    input: "{}",
    dueAt: null,
    deadlineAt: "2026-02-16T00:00:00.000Z",
    attempt: 0,
    leaseUntil: null,
    attempted: 0,
    ranAt: null,
    tries: 0,
    rounds: 0,
    doubts: 0,
    alone: 0,
    crashes: 0,
    cancel: 0,
    sealed: null,
    outcome: null,
    finding: null,
    because: null,
    createdAt: "2026-01-15T12:00:00.000Z",
    endedAt: null,
    ...set,
  };
}

/** The same, ended. */
export function endedStep(state: string, set: Partial<Row<"steps">> = {}): Row<"steps"> {
  return stepRow({ ...set, state, endedAt: "2026-01-15T13:00:00.000Z" });
}
