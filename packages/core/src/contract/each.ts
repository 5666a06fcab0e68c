import type { Answers, Call, OperationName } from "./operation.ts";
import type { CallContext } from "./processor.ts";

/**
 * Lifts a function for one call to the contract's batch. Calls go one after another. When one throws, those
 * already answered keep their answers and the rest stay unknown; only a throw at the first fails the batch.
 */
export function each<N extends OperationName, Kind extends string, Bucket extends string, T>(
  one: (call: Call<N, Kind>, context: CallContext<Bucket>) => Promise<T>,
): (calls: readonly Call<N, Kind>[], context: CallContext<Bucket>) => Promise<Answers<T>> {
  return async (calls, context) => {
    const answers = new Map<string, T>();
    for (const call of calls) {
      try {
        answers.set(call.id, await one(call, context));
      } catch (error) {
        if (answers.size === 0) throw error;
        break;
      }
    }
    return answers;
  };
}
