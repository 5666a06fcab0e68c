import type { Answers, Call, Outcome } from "@heed/core/contract";
import type { HubspotKind } from "./addresses.ts";
import { isContact } from "./engagements.ts";

const instructions = {
  restrict:
    "HubSpot's API cannot restrict the use of a contact. Open the contact there, set it to non-marketing, unenroll it from workflows and sequences, and let only an administrator's team see it, so that it is stored and not used (GDPR Art. 18). Then acknowledge this step.",
  lift: "The restriction has ended. Open the contact at HubSpot and take back what was set for it: its marketing status and who may see it. Then acknowledge this step.",
};

/** HubSpot has nothing for it, so a human does it; where HubSpot does not know the person there is nothing to do. */
export async function restrictByHand(
  batch: readonly Call<"restrict", HubspotKind>[],
): Promise<Answers<Outcome<"restrict">>> {
  return new Map(
    batch.map(({ id, targets, input }): [string, Outcome<"restrict">] => [
      id,
      targets.some(isContact)
        ? { status: "manual", instruction: input.restricted ? instructions.restrict : instructions.lift }
        : { status: "absent" },
    ]),
  );
}
