import { type Checked, RejectedError } from "@heed/core/contract";
import type { HubspotCalls } from "./hubspot-calls.ts";
import type { HubspotTopic } from "./options.ts";

/**
 * Opens the account and says which one it is, which scopes the token lacks, and which topics are bound to a
 * subscription type that HubSpot does not know (or knows under another brand). Scopes show in how HubSpot
 * answers: reads, and writes about a contact and an address that cannot exist. Nothing is changed.
 *
 * @throws RejectedError when the token opens no account at all
 */
export async function checkAccount(
  calls: HubspotCalls,
  topics: Readonly<Record<string, HubspotTopic>>,
): Promise<Checked> {
  const { portalId } = await calls.account();
  const readsContacts = await isPermitted(() => calls.readContacts("id", ["0"], false));
  const writesContacts = await isPermitted(() => calls.patchNobody());
  const definitions: Awaited<ReturnType<HubspotCalls["definitions"]>> = [];
  const readsPreferences = await isPermitted(async () => definitions.push(...(await calls.definitions())));
  const writesPreferences = await isPermitted(() => calls.unsubscribeNobody());

  const lacks: Checked["lacks"] = [
    ...(readsContacts
      ? []
      : (["erase", "unsubscribe"] as const).map((operation) => ({
          operation,
          needs: "scope crm.objects.contacts.read",
        }))),
    ...(writesContacts ? [] : [{ operation: "erase" as const, needs: "scope crm.objects.contacts.write" }]),
    ...(readsPreferences && writesPreferences
      ? []
      : [{ operation: "unsubscribe" as const, needs: "scope communication_preferences.read_write" }]),
  ];
  const isKnown = ({ subscriptionId, brandId }: HubspotTopic) =>
    definitions.some(
      (each) => each.id === subscriptionId && (each.businessUnitId ?? "0") === (brandId ?? "0"),
    );
  const unknownTopics = readsPreferences
    ? Object.entries(topics).flatMap(([topic, binding]) => (isKnown(binding) ? [] : topic))
    : [];
  return { account: portalId, lacks, unknownTopics };
}

/** Refused for lack of a scope, or for what it asks, which is meant to be refused? */
async function isPermitted(probe: () => Promise<unknown>): Promise<boolean> {
  try {
    await probe();
    return true;
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    if (error.status === 400 || error.code === "object-not-found") return true;
    if (error.status === 403) return false;
    throw error;
  }
}
