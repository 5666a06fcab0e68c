import type { ProcessorV1 } from "@heed/core/contract";
import { hubspot } from "./hubspot.ts";

const processor = hubspot({
  accessToken: "pat",
  portalId: "1",
  topics: { "product-news": { subscriptionId: "4711" }, events: { subscriptionId: "4712", brandId: "7" } },
});

// The names of topics, identifiers and buckets are known to the compiler.
export const named: ProcessorV1<"email" | "hubspotContactId", "product-news" | "events", "burst" | "daily"> =
  processor;

// @ts-expect-error a topic that is not bound
export const unbound: unknown = processor.topics.offers;

// @ts-expect-error an operation that HubSpot does not have here
export const unsupported: undefined = processor.operations.erase;

// @ts-expect-error a client and a token at once
hubspot({
  client: { config: {}, apiRequest: async () => new Response() },
  accessToken: "pat",
  portalId: "1",
  topics: {},
});

// @ts-expect-error neither a client nor a token
hubspot({ portalId: "1", topics: {} });

// @ts-expect-error a topic without its subscription type
hubspot({ accessToken: "pat", portalId: "1", topics: { events: { brandId: "7" } } });
