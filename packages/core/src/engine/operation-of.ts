import type { OperationName } from "../contract/operation.ts";
import type { Operation, ProcessorV1 } from "../contract/processor.ts";

/** Any operation, as the engine sees it. */
export type AnyOperation = Operation<OperationName, string, string>;

export function operationOf(processor: ProcessorV1 | undefined, name: string): AnyOperation | undefined {
  return processor?.operations[name as OperationName] as AnyOperation | undefined;
}
