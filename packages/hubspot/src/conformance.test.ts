import { describeProcessor } from "@heed/testing";
import { hubspot } from "./hubspot.ts";
import { hubspotPortal } from "./testing/index.ts";
import { missingScopes, rateLimited, unauthenticated, unknownRoute } from "./testing/replies.ts";

const topics = { news: { subscriptionId: "4711" }, offers: { subscriptionId: "4712" } };
const writes = /gdpr-delete|^(?:PATCH|PUT|DELETE) |POST \S*\/(?:unsubscribe-all|statuses)/;

describeProcessor({
  name: "hubspot",
  async create(between) {
    const portal = hubspotPortal({
      definitions: Object.values(topics).map(({ subscriptionId: id }) => ({ id })),
      burst: { calls: 10_000, perMs: 10_000 },
    });
    const { url, close } = await portal.listen();
    const options = { accessToken: portal.accessToken, baseUrl: await between(url), topics };
    const isOut = (email: string, topic: string) =>
      portal.status(email, topics[topic as keyof typeof topics].subscriptionId) === "UNSUBSCRIBED";
    return {
      processor: hubspot({ ...options, portalId: portal.portalId }),
      misconfigured: hubspot({ ...options, portalId: "111" }),
      world: {
        add(email) {
          portal.addContact({ email, properties: { firstname: "Anna" } });
          for (const { subscriptionId } of Object.values(topics))
            portal.choose(email, subscriptionId, "SUBSCRIBED");
        },
        isDone(email, asked) {
          if (asked.operation !== "unsubscribe") return portal.dossier(email).contacts.length === 0;
          if (asked.input.topics === "all") return portal.isOptedOutOfAll(email);
          return asked.input.topics.every((topic) => isOut(email, topic));
        },
        snapshot(email) {
          const { contacts, engagements, preferences, optOutsOfAll } = portal.dossier(email);
          const held = [...contacts, ...engagements, ...preferences, ...optOutsOfAll];
          // When something was last written there is not what is held of the person.
          const instants = new Set(["at", "createdAt", "updatedAt", "timestamp"]);
          return held.length === 0
            ? ""
            : JSON.stringify(held, (key, value: unknown) => (instants.has(key) ? undefined : value));
        },
        writes: ({ method, path }) => writes.test(`${method} ${path}`),
        replies: {
          unauthorized: unauthenticated(),
          missingScope: missingScopes(["crm.objects.contacts.write"]),
          unknownUrl: unknownRoute(),
          rateLimited: rateLimited("TEN_SECONDLY_ROLLING", undefined),
        },
      },
      close,
    };
  },
  cannot: [
    {
      case: "works through every page of a set, also while it shrinks",
      reason: "Contacts are read by batch/read, which has no pages.",
    },
    {
      case: "acts on every one of several matches, or leaves them all to a human",
      reason: "HubSpot lets an address belong to one contact only.",
    },
    {
      case: "touches nobody whom the vendor's search merely also finds",
      reason: "Contacts are found by batch/read, which compares for equality.",
    },
    {
      case: "reports what it retains, with reason and date",
      reason: "HubSpot deletes a contact whole: what must be kept there is left to a human.",
    },
    {
      case: "sends no write in a second run",
      operation: "unsubscribe",
      reason: "A status is written without being read before; HubSpot answers NO_STATUS_CHANGE.",
    },
  ],
});
