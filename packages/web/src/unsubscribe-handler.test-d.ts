import type { Links } from "@heed/core";
import { unsubscribeHandler } from "./index.ts";

declare const links: Links;

// What core offers is what the handler needs.
unsubscribeHandler({ links, controller: "Acme AB" });
// @ts-expect-error -- a store that cannot unsubscribe is none
unsubscribeHandler({ links: { open: links.open }, controller: "Acme AB" });
