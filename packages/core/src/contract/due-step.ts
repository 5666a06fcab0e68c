import type { OperationName } from "./operation.ts";
import type { DueStep } from "./storage.ts";
import type { Row } from "./tables.ts";

/** What a storage needs of a step's row to tell of it. */
export type DueRow = Pick<
  Row<"steps">,
  "id" | "subjectId" | "requestId" | "processor" | "operation" | "phase" | "state" | "lane" | "alone"
>;

/** A step that may be claimed. One that is still leased lost its worker, and runs alone. */
export function dueStep(row: DueRow): DueStep {
  const { id, subjectId, requestId, processor, operation, phase, lane } = row;
  return {
    id,
    subjectId,
    requestId,
    processor,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the engine wrote it
    operation: operation as OperationName,
    phase,
    lane,
    alone: row.alone === 1 || row.state === "running",
  };
}
