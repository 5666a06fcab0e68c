import type { CallContext, ProcessorV1 } from "@heed/core/contract";
import { accountMemory } from "./account-memory.ts";
import type { HubspotKind } from "./addresses.ts";
import { checkAccount } from "./check-account.ts";
import type { Engagements } from "./engagements.ts";
import { lookFor, type RemovalCall, removeContacts, resolveContacts, verifyRemoved } from "./erase.ts";
import { excludeContacts } from "./exclude.ts";
import { exportContacts } from "./export.ts";
import type { Found } from "./find-contacts.ts";
import { type HubspotCalls, hubspotCalls } from "./hubspot-calls.ts";
import { hubspotClient } from "./hubspot-client.ts";
import type { Asking } from "./hubspot-error.ts";
import { observeContacts } from "./observe.ts";
import { type HubspotOptions, requireOptions } from "./options.ts";
import type { HubspotBucket } from "./rate-limits.ts";
import { rectifyContacts, resolveByContact, verifyRectified } from "./rectify.ts";
import { restrictByHand } from "./restrict.ts";
import { resolveSubscribers, subscribeAddresses, verifySubscribed } from "./subscribe.ts";
import { sightingsIn } from "./webhook.ts";
import { resolveAddresses, unsubscribeAddresses, verifyUnsubscribed } from "./unsubscribe.ts";

/** As HubSpot's recycle bin: nothing stays for good unless somebody says so. */
const archiveAll: Engagements = {
  notes: "archive",
  calls: "archive",
  emails: "archive",
  tasks: "archive",
  meetings: "archive",
  tickets: "archive",
};

/** HubSpot is asked for contacts by the hundred, and for what hangs on them by the thousand: somewhere between. */
const removalsOf = 400;

/**
 * The processor for contacts and e-mail preferences at HubSpot.
 *
 * - `subscribe` sets the named addresses to SUBSCRIBED, with the legal basis and the ledger's event, unless HubSpot has
 *   an opt-out that is no older than the consent: a human is told then.
 * - `unsubscribe` opts every address of the subject (those that HubSpot knows besides included) out of the
 *   topics' subscription types, or out of everything of every brand, and reads each address back.
 * - `erase` archives what is about nobody else (notes, calls, e-mails, tasks, meetings, tickets), deletes every
 *   contact of the subject for good (GDPR delete, not the archive), by id, and reads back that neither id nor address
 *   finds anything, archived contacts included. HubSpot blocks the addresses of a contact so deleted.
 * - `exclude` opts the contact's addresses out of everything, and does the same.
 * - `rectify` sets properties of the subject's contacts, and reads them back.
 * - `export` reads everything that HubSpot has of the subject, piece by piece.
 * - `observe` reads what each address has chosen, and since when: what webhooks tell of is looked at so.
 * - `restrict` goes to a human: HubSpot's API has nothing for it.
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
  const { blockUnknownAddresses = false, exportWithout = [], webhooks } = options;
  const removal = { blockUnknownAddresses, engagements: { ...archiveAll, ...options.engagements } };
  const memory = accountMemory();
  const connection = { client: hubspotClient(options), apiVersion, timeZone };
  const asking = (context: CallContext<HubspotBucket>, operation: Asking) =>
    hubspotCalls(connection, context, operation);

  /** What `resolve` found in the moment of its `verify`. */
  const looks = new WeakMap<object, Found>();
  async function findToRemove(calls: HubspotCalls, { moment }: CallContext, batch: readonly RemovalCall[]) {
    const found = await lookFor(calls, batch);
    if (moment !== undefined) looks.set(moment, found);
    return resolveContacts(calls, batch, found);
  }
  function readRemoved(calls: HubspotCalls, { moment }: CallContext, batch: readonly RemovalCall[]) {
    const justFound = moment === undefined ? undefined : looks.get(moment);
    return verifyRemoved(calls, batch, removal.engagements, justFound);
  }

  return {
    specificationVersion: "v1",
    name: "hubspot",
    account: String(portalId),
    identifiers: { email: /^[^@\s]+@[^@\s]+$/, hubspotContactId: /^[1-9]\d{0,19}$/ },
    topics,
    // No turn is taken from the day of a zone that nobody has told.
    limits: { burst: rateLimit, daily: { calls: dailyCalls, perDay: { zone: timeZone ?? "UTC" } } },
    operations: {
      subscribe: {
        batchSize: 100,
        repeat: "safe",
        settlingMs,
        matches: "several",
        resolve: (batch, context) => resolveSubscribers(asking(context, "subscribe"), batch),
        run: (batch, context) => subscribeAddresses(asking(context, "subscribe"), batch, topics),
        verify: (batch, context) => verifySubscribed(asking(context, "subscribe"), batch, topics),
      },
      unsubscribe: {
        batchSize: 100,
        repeat: "safe",
        settlingMs,
        // Opt-outs show in the contacts, a hundred in one call, and late.
        verifyAfterMs: settlingMs,
        // One contact has several addresses, and each keeps preferences of its own.
        matches: "several",
        resolve: (batch, context) => resolveAddresses(asking(context, "unsubscribe"), batch),
        run: (batch, context) => unsubscribeAddresses(asking(context, "unsubscribe"), memory, batch, topics),
        verify: (batch, context) => verifyUnsubscribed(asking(context, "unsubscribe"), memory, batch, topics),
      },
      erase: {
        batchSize: removalsOf,
        repeat: "safe",
        settlingMs,
        matches: "one",
        effects: ["irreversible", "blocks-address"],
        resolve: (batch, context) => findToRemove(asking(context, "erase"), context, batch),
        run: (batch, context) => removeContacts(asking(context, "erase"), batch, removal),
        verify: (batch, context) => readRemoved(asking(context, "erase"), context, batch),
      },
      exclude: {
        batchSize: removalsOf,
        repeat: "safe",
        settlingMs,
        matches: "one",
        effects: ["irreversible", "blocks-address"],
        resolve: (batch, context) => findToRemove(asking(context, "exclude"), context, batch),
        run: (batch, context) => excludeContacts(asking(context, "exclude"), memory, batch, topics, removal),
        verify: (batch, context) => readRemoved(asking(context, "exclude"), context, batch),
      },
      rectify: {
        batchSize: 100,
        repeat: "safe",
        settlingMs,
        resolve: (batch, context) => resolveByContact(asking(context, "rectify"), batch),
        run: (batch, context) => rectifyContacts(asking(context, "rectify"), batch),
        verify: (batch, context) => verifyRectified(asking(context, "rectify"), batch),
      },
      export: {
        batchSize: 20,
        repeat: "safe",
        settlingMs: 0,
        resolve: (batch, context) => resolveByContact(asking(context, "export"), batch),
        run: (batch, context) =>
          exportContacts(asking(context, "export"), memory, batch, topics, exportWithout),
        verify: { acknowledgedOnly: "an export changes nothing that could be read back" },
      },
      restrict: {
        batchSize: 100,
        repeat: "safe",
        settlingMs: 0,
        resolve: (batch, context) => resolveByContact(asking(context, "restrict"), batch),
        run: (batch) => restrictByHand(batch),
        verify: { acknowledgedOnly: "HubSpot's API does not show what a human sets for it" },
      },
      observe: {
        batchSize: 100,
        repeat: "safe",
        settlingMs,
        run: (batch, context) => observeContacts(asking(context, "observe"), memory, batch, topics),
        verify: { acknowledgedOnly: "it only looks" },
      },
    },
    check: (context) =>
      checkAccount(asking(context, "check"), memory, {
        topics,
        timeZone,
        rateLimit,
        dailyCalls,
        exportWithout,
      }),
    ...(webhooks === undefined
      ? {}
      : {
          webhook: (request: Request, now: Date) =>
            sightingsIn(request, now, webhooks, { portalId: String(portalId), topics }),
        }),
  };
}
