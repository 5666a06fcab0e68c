import { createHmac } from "node:crypto";
import type { PortalSettings } from "./options.ts";

/** An event as HubSpot's webhooks carry it. */
export interface PortalEvent {
  /** Not unique: HubSpot says so. */
  readonly eventId: number;
  readonly portalId: number;
  readonly subscriptionId: number;
  readonly objectId: number;
  readonly subscriptionType: string;
  /** Milliseconds since 1970. */
  readonly occurredAt: number;
  readonly attemptNumber: number;
  readonly changeSource: string;
  /** Of the generic form, `object.…`: what it is about. `0-1` is a contact. */
  readonly objectTypeId?: string;
  readonly propertyName?: string;
  readonly propertyValue?: string;
  /** Of a merge: what was joined, and the contact that is left. */
  readonly primaryObjectId?: number;
  readonly mergedObjectIds?: readonly number[];
  readonly newObjectId?: number;
}

export type Notices = ReturnType<typeof createNotices>;

/** Keeps what happened in the portal, for a test to deliver: late, twice, in any order. */
export function createNotices(settings: PortalSettings) {
  const events: PortalEvent[] = [];
  return {
    events,
    add(subscriptionType: string, objectId: string, more: Partial<PortalEvent> = {}): void {
      if (events.length >= settings.remembers) events.shift();
      events.push({
        eventId: events.length % 3,
        portalId: Number(settings.portalId),
        subscriptionId: 1,
        objectId: Number(objectId),
        subscriptionType,
        occurredAt: settings.now().getTime(),
        attemptNumber: 0,
        changeSource: "CRM",
        ...more,
      });
    },
    /** A webhook with these events, signed now. */
    signed(url: string, some: readonly PortalEvent[]): Request {
      const body = JSON.stringify(some);
      const timestamp = String(settings.now().getTime());
      const signature = createHmac("sha256", settings.clientSecret)
        .update(`POST${url}${body}${timestamp}`)
        .digest("base64");
      return new Request(url, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "x-hubspot-signature-v3": signature,
          "x-hubspot-request-timestamp": timestamp,
        },
        body,
      });
    },
  };
}
