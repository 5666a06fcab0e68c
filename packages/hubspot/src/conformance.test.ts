import { describeProcessor, type Asked, type CannotShow } from "@heed/testing";
import type { OperationName } from "@heed/core/contract";
import { hubspot } from "./hubspot.ts";
import { hubspotPortal, type HubspotPortal, type HubspotPortalOptions } from "./testing/index.ts";
import { missingScopes, rateLimited, unauthenticated, unknownRoute } from "./testing/replies.ts";

const topics = { news: { subscriptionId: "4711" }, offers: { subscriptionId: "4712" } };
const changes = { city: "Umeå", phone: null };

/** Reads by POST are reads. */
const reads = /^(?:GET|HEAD) |\/batch\/(?:unsubscribe-all\/)?read/;

/** What HubSpot leaves undocumented: everything one way, and everything the other way. */
const switches: Readonly<Record<string, HubspotPortalOptions>> = {
  "as it likely is": {},
  "as it may be as well": {
    tier: "enterprise",
    arrange: (rows) => rows,
    deleteAgain: 204,
    preferencesAfterErasure: "kept",
    preferenceCreatesContact: true,
    statusesWithoutBrand: "account-brand",
    wideReadNeedsVerbose: true,
    subscribeUnderOptOut: "lifts",
    mergedIds: "gone",
    optOutPropertyDelayMs: 0,
    preferenceBatchMax: 2,
    preferenceBatchTooLarge: 413,
    preferenceBatchPartial: 207,
    archiveUnknown: 404,
    withoutAssociations: "omitted",
    retryAfterHeader: true,
  },
};

/** Puts in a person, with a note and a ticket of their own. */
function addPerson(portal: HubspotPortal, email: string, operation: OperationName): string {
  const id = portal.addContact({ email, properties: { firstname: `First of ${email}`, phone: "1" } });
  portal.addEngagement({ type: "notes", body: `Note about ${email}`, contactIds: [id] });
  portal.addEngagement({ type: "tickets", body: `Ticket of ${email}`, contactIds: [id] });
  portal.addList({ name: `List with ${email}`, contactIds: [id] });
  if (operation !== "subscribe")
    for (const { subscriptionId } of Object.values(topics))
      portal.choose(email, subscriptionId, "SUBSCRIBED");
  return id;
}

function isDone(portal: HubspotPortal, email: string, asked: Asked): boolean {
  const status = (topic: string) => portal.status(email, topics[topic as keyof typeof topics].subscriptionId);
  if (asked.operation === "subscribe")
    return asked.input.topics.every((topic) => status(topic) === "SUBSCRIBED");
  if (asked.operation === "unsubscribe") {
    if (asked.input.topics === "all") return portal.isOptedOutOfAll(email);
    return asked.input.topics.every((topic) => status(topic) === "UNSUBSCRIBED");
  }
  if (asked.operation === "rectify") {
    const live = portal.dossier(email).contacts.filter(({ archivedAt }) => archivedAt === undefined);
    return live.every(({ properties }) => properties["city"] === "Umeå" && properties["phone"] === undefined);
  }
  // Of what is gone, the recycle bin may hold a note or a ticket, and preferences are no part of the contact.
  const kept = "keep" in asked.input ? asked.input.keep.map(({ category }) => category) : [];
  const places = portal.search(email);
  return !places.some(
    (place) =>
      /^(?:archived )?contact |^notes /.test(place) ||
      (place.startsWith("tickets ") && !kept.includes("tickets")),
  );
}

const cannot: readonly CannotShow[] = [
  {
    case: "touches nobody whom the vendor's search merely also finds",
    reason: "Contacts are found by batch/read, which compares for equality.",
  },
  {
    case: "sends no write in a second run",
    operation: "unsubscribe",
    reason: "A status is written without being read before; HubSpot answers NO_STATUS_CHANGE.",
  },
  ...(["erase", "exclude"] as const).map((operation) => ({
    case: "acts on every one of several matches, or leaves them all to a human" as const,
    operation,
    reason:
      "An address belongs to one live contact; an archived one beside it is no second match, and is erased too (erase.test.ts).",
  })),
  ...(["subscribe", "unsubscribe", "rectify", "observe"] as const).map((operation) => ({
    case: "works through every page of a set, also while it shrinks" as const,
    operation,
    reason: "It reads contacts by batch/read and preferences by address, and neither has pages.",
  })),
];

for (const [how, portalOptions] of Object.entries(switches)) {
  describeProcessor({
    name: `hubspot, ${how}`,
    async create(between) {
      const portal = hubspotPortal({
        definitions: Object.values(topics).map(({ subscriptionId: id }) => ({ id })),
        burst: { calls: 100_000, perMs: 10_000 },
        pageSize: 2,
        ...portalOptions,
      });
      const baseUrl = await between(portal.answer);
      const options = { accessToken: portal.accessToken, baseUrl, topics };
      return {
        processor: hubspot({ ...options, portalId: portal.portalId }),
        misconfigured: hubspot({ ...options, portalId: "111" }),
        misbound: hubspot({
          ...options,
          portalId: portal.portalId,
          topics: { ...topics, offers: { subscriptionId: "9999" } },
        }),
        inputs: { rectify: { changes } },
        byHand: ["restrict"],
        world: {
          add: (email, operation) => void addPerson(portal, email, operation),
          isDone: (email, asked) => isDone(portal, email, asked),
          snapshot(email) {
            const { contacts, engagements, lists, preferences, optOutsOfAll } = portal.dossier(email);
            const held = [...contacts, ...engagements, ...lists, ...preferences, ...optOutsOfAll];
            const places = portal.search(email);
            // When something was last written there is not what is held of the person.
            const instants = new Set(["at", "createdAt", "updatedAt", "archivedAt", "timestamp"]);
            return held.length + places.length === 0
              ? ""
              : JSON.stringify([held, places], (key, value: unknown) =>
                  instants.has(key) ? undefined : value,
                );
          },
          writes: ({ method, path }) => !reads.test(`${method} ${path}`),
          crowd(email, operation) {
            const id = addPerson(portal, email, operation);
            const notes = Array.from({ length: 5 }, (_, at) =>
              portal.addEngagement({ type: "notes", body: `Note ${at} about ${email}`, contactIds: [id] }),
            );
            return () => {
              const next = notes.shift();
              if (next !== undefined) portal.archive(next);
            };
          },
          // An address belongs to one live contact, and may belong to an archived one beside it.
          twin: (email) => void portal.addContact({ email, archived: true }),
          refuse: (email) => portal.refuse(email),
          keep: {
            category: "tickets",
            isThere: (email) =>
              portal.search(`Ticket of ${email}`).some((place) => place.startsWith("tickets ")),
          },
          facts: (email) => [
            email,
            `First of ${email}`,
            `Note about ${email}`,
            `Ticket of ${email}`,
            "SUBSCRIBED",
          ],
          replies: {
            unauthorized: unauthenticated(),
            missingScope: missingScopes(["crm.objects.contacts.write"]),
            unknownUrl: unknownRoute(),
            rateLimited: rateLimited("TEN_SECONDLY_ROLLING", undefined),
          },
        },
      };
    },
    cannot,
  });
}
