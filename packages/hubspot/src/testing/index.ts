export type { PortalCall } from "./call-log.ts";
export type { Dossier } from "./dossier.ts";
export type { PortalFault } from "./faults.ts";
export type { PortalEvent } from "./notices.ts";
export type { HubspotPortalOptions, PortalDefinition, PortalRule } from "./options.ts";
export { hubspotPortal } from "./portal.ts";
export type { ContactSeed, HubspotPortal } from "./portal.ts";
export type {
  ContactRecord,
  EngagementRecord,
  ListRecord,
  PreferenceRecord,
  PropertyVersion,
  StatusState,
  WideOptOutRecord,
} from "./records.ts";
export type { Reply } from "./replies.ts";
export type { ListeningPortal } from "./serve.ts";
