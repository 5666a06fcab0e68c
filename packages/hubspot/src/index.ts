export { hubspot } from "./hubspot.ts";
export type { HubspotAccess, HubspotClient } from "./hubspot-client.ts";
export type { Engagements, EngagementType } from "./engagements.ts";
export type { ExportPart } from "./export.ts";
export type { HubspotKind } from "./addresses.ts";
export type { HubspotOptions, HubspotTopic } from "./options.ts";
export type { SignatureVersion } from "./hubspot-signature.ts";
export type { HubspotWebhooks } from "./webhook.ts";
export type { HubspotBucket } from "./rate-limits.ts";
