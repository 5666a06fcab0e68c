import type { CallContext, ProcessorV1 } from "@heed/core/contract";
import type { HubspotKind } from "./addresses.ts";
import { checkAccount } from "./check-account.ts";
import { eraseContacts, resolveContacts, verifyErased } from "./erase.ts";
import { hubspotCalls } from "./hubspot-calls.ts";
import { hubspotClient } from "./hubspot-client.ts";
import type { Asking } from "./hubspot-error.ts";
import { type HubspotOptions, requireOptions } from "./options.ts";
import type { HubspotBucket } from "./rate-limits.ts";
import { resolveAddresses, unsubscribeAddresses, verifyUnsubscribed } from "./unsubscribe.ts";

/**
 * The processor for contacts and e-mail preferences at HubSpot.
 *
 * - `unsubscribe` opts every address of the subject (those that HubSpot knows besides included) out of the
 *   topics' subscription types, or out of everything of every brand, and reads each address back.
 * - `erase` deletes every contact of the subject for good (GDPR delete, not the archive), by id, and reads
 *   back that neither id nor address finds anything, archived contacts included. HubSpot blocks the
 *   addresses of a contact so deleted. Bodies of notes, calls and e-mails about the contact stay at HubSpot.
 *
 * A finding of `not-as-asked` before `settlingMs` have passed may be HubSpot's lag.
 *
 * @throws TypeError when the options cannot be used
 * @see https://developers.hubspot.com/docs/api-reference/legacy/crm/objects/contacts/gdpr/gdpr-delete-contact
 */
export function hubspot<const Topic extends string>(
  options: HubspotOptions<Topic>,
): ProcessorV1<HubspotKind, Topic, HubspotBucket> {
  requireOptions(options);
  const { portalId, topics, apiVersion = "2026-09", settlingMs = 30_000, timeZone } = options;
  const { rateLimit = { calls: 100, perMs: 10_000 }, dailyCalls = 250_000 } = options;
  const { blockUnknownAddresses = false } = options;
  const connection = { client: hubspotClient(options), apiVersion, timeZone };
  const asking = (context: CallContext<HubspotBucket>, operation: Asking) =>
    hubspotCalls(connection, context, operation);

  return {
    specificationVersion: "v1",
    name: "hubspot",
    account: String(portalId),
    identifiers: { email: /^[^@\s]+@[^@\s]+$/, hubspotContactId: /^[1-9]\d{0,19}$/ },
    topics,
    // No turn is taken from the day of a zone that nobody has told.
    limits: { burst: rateLimit, daily: { calls: dailyCalls, perDay: { zone: timeZone ?? "UTC" } } },
    operations: {
      unsubscribe: {
        batchSize: 100,
        repeat: "safe",
        settlingMs,
        // One contact has several addresses, and each keeps preferences of its own.
        matches: "several",
        resolve: (batch, context) => resolveAddresses(asking(context, "unsubscribe"), batch),
        run: (batch, context) => unsubscribeAddresses(asking(context, "unsubscribe"), batch, topics),
        verify: (batch, context) => verifyUnsubscribed(asking(context, "unsubscribe"), batch, topics),
      },
      erase: {
        batchSize: 100,
        repeat: "safe",
        settlingMs,
        matches: "one",
        effects: ["irreversible", "blocks-address"],
        resolve: (batch, context) => resolveContacts(asking(context, "erase"), batch),
        run: (batch, context) => eraseContacts(asking(context, "erase"), batch, { blockUnknownAddresses }),
        verify: (batch, context) => verifyErased(asking(context, "erase"), batch),
      },
    },
    check: (context) => checkAccount(asking(context, "check"), topics),
  };
}
