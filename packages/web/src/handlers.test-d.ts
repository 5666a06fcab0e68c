import type { Invitations, Links } from "@heed/core";
import { invitationHandler, unsubscribeHandler } from "./index.ts";

declare const links: Links;
declare const invitations: Invitations;

// What core offers is what the handler needs.
unsubscribeHandler({ links, controller: "Acme AB" });
invitationHandler({ invitations, controller: "Acme AB" });
// @ts-expect-error -- a store that cannot unsubscribe is none
unsubscribeHandler({ links: { open: links.open }, controller: "Acme AB" });
