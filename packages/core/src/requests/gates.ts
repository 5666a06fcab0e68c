import type { Row } from "../contract/tables.ts";
import { isDestructive, isHeldBack, isParked, ownStage } from "./lifecycle.ts";

type Step = Pick<
  Row<"steps">,
  "id" | "requestId" | "processor" | "operation" | "seq" | "stage" | "state" | "phase" | "because" | "endedAt"
>;

/**
 * Which waiting steps of a subject may go ahead now.
 *
 * - Steps of one subject at one processor go one after another, in ledger order; one that is tried again
 *   waits for a later one that is in hand already. One that a legal hold stops holds up no other.
 * - Of a request, nothing is destroyed before every step that can be resolved is, and stages go in order. A
 *   step that met an obstacle (an outage, a guard) holds nobody up: one processor failing never stops the others.
 * - heed's own data goes last, and only when no other step is open, and none of any open request is failed or
 *   left to a human.
 *
 * @param steps all open steps of the subject, and all steps of its open requests
 */
export function stepsToRelease(steps: readonly Step[]): readonly string[] {
  const open = steps.filter((step) => step.endedAt === null);
  const isInHand = (step: Step) => (step.state === "due" && !isHeldBack(step)) || step.state === "running";
  const ahead = (step: Step) =>
    isInHand(step)
      ? []
      : open.filter(
          (other) =>
            other.processor === step.processor &&
            !isHeldBack(other) &&
            (other.seq < step.seq || isInHand(other)),
        );
  // What stands behind another step cannot resolve yet: those who wait for it would wait for ever.
  const canResolve = (step: Step) => step.phase === "resolve" && ahead(step).length === 0;
  const meetsObstacle = (step: Step): boolean =>
    step.because !== null || ahead(step).some((other) => other.because !== null);

  const isLeftToHuman = (step: Step) => step.requestId !== null && isParked(step);

  const isReleased = (step: Step): boolean => {
    if (ahead(step).length > 0) return false;
    if (step.requestId === null) return true;
    const others = steps.filter((other) => other.requestId === step.requestId && other.id !== step.id);
    if (step.stage === ownStage) return open.length === 1 && !steps.some(isLeftToHuman);
    if (step.phase === "resolve") return true;
    return others.every(
      (other) =>
        other.endedAt !== null ||
        other.stage === ownStage ||
        meetsObstacle(other) ||
        (other.stage >= step.stage && (!isDestructive(step.operation) || !canResolve(other))),
    );
  };
  return open.filter((step) => step.state === "waiting" && isReleased(step)).map((step) => step.id);
}
