import { type Sighting, TamperedEvidenceError } from "@heed/core/contract";
import { z } from "zod";
import { isSignedByHubspot, type SignatureVersion } from "./hubspot-signature.ts";
import type { Topics } from "./topics.ts";

/** How HubSpot's webhooks are known to be HubSpot's. */
export interface HubspotWebhooks {
  /** The app's client secret. Service keys have no webhooks; an app beside them may. */
  readonly clientSecret: string;
  /** Default: the third version alone. Legacy private apps sign with the first, which does not date a request. */
  readonly accepts?: readonly SignatureVersion[];
}

const id = z.union([z.string(), z.number()]).transform(String);

const eventsSchema = z.array(
  z.looseObject({
    portalId: id,
    objectId: id,
    subscriptionId: id.nullish(),
    subscriptionType: z.string().nullish(),
    eventType: z.string().nullish(),
    occurredAt: z.number().int().nonnegative(),
    objectTypeId: id.nullish(),
    propertyName: z.string().nullish(),
    propertyValue: z.string().nullish(),
    newObjectId: id.nullish(),
  }),
);
type PortalEvent = z.infer<typeof eventsSchema>[number];

const optOut = "hs_email_optout";
/** A contact is found by these. */
const addressProperties = new Set(["email", "hs_additional_emails"]);
/** HubSpot's number for contacts, which tells them from all else in events of the generic form, `object.…`. */
const contactTypeId = "0-1";

/**
 * What a webhook of HubSpot tells: a change of an opt-out's property, a merge, a deletion, a contact that is new, has
 * another address or is out of the archive again. Other events tell nothing, nor do those of another portal of the same app. Each names the
 * contact's id alone.
 *
 * HubSpot repeats events, in any order; `eventId` is not unique, so an event is known by what it is about.
 *
 * @throws TamperedEvidenceError when HubSpot has not signed it, or not lately
 * @see https://developers.hubspot.com/docs/apps/developer-platform/add-features/configure-webhooks
 */
export async function sightingsIn(
  request: Request,
  now: Date,
  { clientSecret, accepts }: HubspotWebhooks,
  account: { readonly portalId: string; readonly topics: Topics },
): Promise<readonly Sighting[]> {
  const body = new Uint8Array(await request.arrayBuffer());
  const { method, url, headers } = request;
  const signed = { clientSecret, now, ...(accepts === undefined ? {} : { accepts }) };
  if (!isSignedByHubspot({ method, url, body, headers }, signed))
    throw new TamperedEvidenceError("The webhook is not signed by HubSpot for this app, or not lately.");
  const events = eventsSchema.safeParse(parsed(body));
  if (!events.success) throw new TamperedEvidenceError("The webhook holds no events as HubSpot sends them.");
  return events.data
    .filter((event) => event.portalId === account.portalId)
    .flatMap((event) => sightingOf(event, account.topics));
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
}

function sightingOf(event: PortalEvent, topics: Topics): readonly Sighting[] {
  const type = typeOf(event);
  const { portalId, subscriptionId, objectId, propertyName, newObjectId } = event;
  const base = {
    id: [portalId, subscriptionId ?? "", objectId, propertyName ?? type, event.occurredAt].join(":"),
    claimedAt: new Date(event.occurredAt).toISOString(),
  };
  const about = (contact: string) => [{ kind: "hubspotContactId", value: contact }];
  if (type === "contact.privacyDeletion" || type === "contact.deletion")
    return [{ ...base, subject: about(objectId), saw: "gone" }];
  if (type === "contact.merge") return [{ ...base, subject: about(newObjectId ?? objectId), saw: "merged" }];
  if (type === "contact.creation" || type === "contact.restore")
    return [{ ...base, subject: about(objectId), saw: "record-stored" }];
  if (type !== "contact.propertyChange") return [];
  if (addressProperties.has(propertyName ?? ""))
    return [{ ...base, subject: about(objectId), saw: "record-stored" }];
  const silenced = topicsOf(propertyName ?? "", topics);
  if (silenced === undefined) return [];
  const saw = event.propertyValue === "true" ? "opted-out" : "opted-in";
  return [{ ...base, subject: about(objectId), saw, topics: silenced }];
}

/** What happened. Of a contact HubSpot tells by its name, or in the generic form by its number. */
function typeOf({ subscriptionType, eventType, objectTypeId }: PortalEvent): string {
  const type = subscriptionType ?? eventType ?? "";
  return objectTypeId === contactTypeId ? type.replace(/^object\./, "contact.") : type;
}

/** The topics that an opt-out's property is about; undefined for a property that is about none of ours. */
function topicsOf(property: string, topics: Topics): readonly string[] | "all" | undefined {
  if (property === optOut || property.startsWith("business_unit_optout_")) return "all";
  if (!property.startsWith(`${optOut}_`)) return undefined;
  const subscription = property.slice(optOut.length + 1);
  const bound = Object.entries(topics).filter(([, { subscriptionId }]) => subscriptionId === subscription);
  return bound.length === 0 ? undefined : bound.map(([topic]) => topic);
}
