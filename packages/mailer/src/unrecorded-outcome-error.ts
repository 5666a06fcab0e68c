import { HeedError, isHeedError } from "@heed/core/contract";
import type { MailOutcome } from "./outcome.ts";

/**
 * The message had its outcome, but `permit.settle()` failed, so heed does not know it. The permit stays
 * "handing over" and is reported as such. Do not send again because of this error: read `outcome`.
 */
export class UnrecordedOutcomeError extends HeedError {
  override readonly name = "UnrecordedOutcomeError";
  /** What became of the message. */
  readonly outcome: MailOutcome;

  constructor(outcome: MailOutcome, cause: unknown) {
    super("What became of the message could not be recorded; `outcome` tells it.", {
      code: "outcome-not-recorded",
      ...(isHeedError(cause) && { cause }),
    });
    this.outcome = outcome;
  }
}
