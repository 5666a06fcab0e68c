import { type OperationName, type Outcome, ProcessorError } from "@heed/core/contract";

/** Says of one call that it failed, so that the others of its batch keep their answers. */
export async function orFailed<N extends OperationName>(
  run: () => Promise<Outcome<N>>,
): Promise<Outcome<N> | { readonly status: "failed"; readonly error: ProcessorError }> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof ProcessorError)) throw error;
    return { status: "failed", error };
  }
}
