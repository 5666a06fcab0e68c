import type { Row } from "../contract/tables.ts";
import { isDestructive } from "../requests/lifecycle.ts";
import type { Prepared } from "./prepare.ts";
import { heldBack, type Verdict } from "./verdict.ts";

/** A step that is about to run. */
type Running = Pick<Prepared, "call" | "ranBefore"> & { readonly step: Row<"steps"> };

/**
 * Whether it is asked once more for its answer alone. What stands in the way of doing it is not waited for then: it was
 * seen to be done.
 */
export const isSeenDone = ({ call, step, ranBefore }: Running): boolean =>
  isDestructive(call.operation) && ranBefore && step.finding === "as-asked";

export const lookAgain = (because: string): Verdict => ({ to: "verify", dueInMs: 0, because });

/** Where a legal hold stands over it: nothing more is destroyed, and what was seen to be gone is not kept by waiting. */
export function afterHold(running: Running): Verdict {
  return isSeenDone(running) ? lookAgain("answer-lost") : heldBack;
}
