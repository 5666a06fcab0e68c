export { listen } from "./listen.ts";
export type { Listening } from "./listen.ts";
export { invitationHandler } from "./invitation-handler.ts";
export type { InvitationHandlerOptions, PageInvitation, PageInvitations } from "./invitation-handler.ts";
export type { LinkPageOptions, Titles } from "./link-pages.ts";
export type { Languages } from "./texts/choose-texts.ts";
export { english } from "./texts/english.ts";
export { swedish } from "./texts/swedish.ts";
export type { InvitationTexts, Texts, UnsubscribeTexts } from "./texts/texts.ts";
export { unsubscribeHandler } from "./unsubscribe-handler.ts";
export type {
  NamedTopic,
  UnsubscribeHandlerOptions,
  UnsubscribeLink,
  UnsubscribeLinks,
} from "./unsubscribe-handler.ts";
export { webhookHandler } from "./webhook-handler.ts";
export type { WebhookHandlerOptions, WebhookInbox } from "./webhook-handler.ts";
