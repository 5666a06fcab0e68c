export { listen } from "./listen.ts";
export type { Listening } from "./listen.ts";
export { english } from "./texts.ts";
export type { UnsubscribeTexts } from "./texts.ts";
export { unsubscribeHandler } from "./unsubscribe-handler.ts";
export type { UnsubscribeHandlerOptions, UnsubscribeLinks } from "./unsubscribe-handler.ts";
export { webhookHandler } from "./webhook-handler.ts";
export type { WebhookHandlerOptions, WebhookInbox } from "./webhook-handler.ts";
