import type { Application } from "./application.ts";
import type { Axcrypt, Vendors } from "./axcrypt.ts";

/**
 * Brings the accounts into the CRM, as AxCrypt's nightly job does. It asks before it creates anybody: HubSpot's own
 * blocklist stops imports and entry by hand, and not its API.
 */
export async function syncAccounts(
  heed: Pick<Axcrypt, "suppression">,
  application: Application,
  crm: Vendors["hubspot"],
): Promise<{ readonly created: number; readonly leftOut: number }> {
  let [created, leftOut] = [0, 0];
  for (const email of application.accounts()) {
    const { suppressed } = await heed.suppression.check({ email, recipient: "crm" });
    if (suppressed) leftOut += 1;
    else if (await createContact(crm, email)) created += 1;
  }
  return { created, leftOut };
}

/** @returns false when HubSpot has the contact already */
export async function createContact(
  { baseUrl = "https://api.hubapi.com", accessToken }: Vendors["hubspot"],
  email: string,
): Promise<boolean> {
  const { status } = await fetch(`${baseUrl}/crm/objects/2026-09/contacts`, {
    method: "POST",
    headers: { Authorization: `Bearer ${accessToken}`, "Content-Type": "application/json" },
    body: JSON.stringify({ properties: { email } }),
  });
  if (status !== 201 && status !== 409) throw new Error(`HubSpot answered ${status}.`);
  return status === 201;
}
