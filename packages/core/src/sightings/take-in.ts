import type { HeedContext } from "../context.ts";
import type { Identifier } from "../contract/identifier.ts";
import type { InputOf, Outcome } from "../contract/operation.ts";
import type { Claim } from "../engine/claim.ts";
import type { AnyOperation } from "../engine/operation-of.ts";
import type { Verdict } from "../engine/verdict.ts";
import { isHeedError } from "../errors/heed-error.ts";
import { recordSubject } from "../ledger/record-subject.ts";
import { openRequest } from "../requests/open-request.ts";
import { followChoices } from "./follow-choices.ts";
import { nameThose } from "./name-those.ts";
import { notYetThere, storedInSpite } from "./stored-in-spite.ts";
import { raiseAlarm } from "./stored-again.ts";

/**
 * What follows from what a vendor shows of a person. May be repeated: each choice has an id of the step's.
 *
 * - An opt-out that is the person's own and newer than what the ledger has is recorded, and the other processors are
 *   told.
 * - Our own write changes nothing, however late it is seen.
 * - An opt-in needs its proof, which no vendor's state is.
 * - Where the vendor does not have what the ledger says, and no step is on its way to tell it, it is told again.
 *
 * @returns what becomes of the look itself, where it does not simply end
 */
export async function takeIn(
  context: HeedContext,
  claim: Claim,
  { settlingMs }: AnyOperation,
  seen: Outcome | undefined,
): Promise<Verdict | undefined> {
  if (seen?.status === "absent") return notYetThere(context, claim, settlingMs);
  if (seen?.status !== "done" || !("choices" in seen)) return undefined;
  const { call } = claim;
  const named = nameThose(context, seen.addresses);
  if (named !== undefined) await followChoices(context, claim, named, seen.choices);
  const { saw } = call.input as InputOf["observe"];
  if (saw.includes("credential-stored"))
    await raiseAlarm(context, claim, [...call.identifiers, ...seen.addresses]);
  if (saw.includes("paid-service-ended")) await forgetTokensOf(context, call.identifiers, seen.addresses);
  const whose = nameThose(context, [...call.identifiers, ...seen.addresses]);
  return whose === undefined ? undefined : storedInSpite(context, claim, whose);
}

/**
 * Somebody stopped paying: what was stored to charge them is forgotten. The vendor's own id is what names them; that
 * the vendor has an address beside it only tells whose it most likely is.
 */
async function forgetTokensOf(
  context: HeedContext,
  ids: readonly Identifier[],
  addresses: readonly Identifier[],
): Promise<void> {
  const named = nameThose(context, ids);
  if (named === undefined) return;
  const both = nameThose(context, [...ids, ...addresses]);
  try {
    if (both !== undefined) await recordSubject(context, both, false);
  } catch (error) {
    // The id and the address are two people's here, or one of them is being erased.
    if (!isHeedError(error) || (error.code !== "two-subjects" && error.code !== "frozen")) throw error;
  }
  await openRequest(context, named, { right: "forget-tokens", identity: "operator-checked" });
}
