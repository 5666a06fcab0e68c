import type { Permit } from "@heed/core/contract";
import { recorded, type MailOutcome } from "./outcome.ts";
import { UnrecordedOutcomeError } from "./unrecorded-outcome-error.ts";

/**
 * Does what a permit was taken for, and has what became of it recorded.
 *
 * @param work every throw of it comes before the message is given to anything that sends
 * @throws what `work` throws; UnrecordedOutcomeError when the outcome could not be recorded
 */
export async function underPermit(permit: Permit, work: () => Promise<MailOutcome>): Promise<MailOutcome> {
  let outcome: MailOutcome;
  try {
    outcome = await work();
  } catch (error) {
    // Nothing left. The first error is the one to tell; a permit that is not settled is never used again.
    await permit.settle("not-sent").catch(() => {});
    throw error;
  }
  await permit.settle(recorded[outcome.status]).catch((error: unknown) => {
    throw new UnrecordedOutcomeError(outcome, error);
  });
  return outcome;
}
