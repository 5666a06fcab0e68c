import { describe, expect, it } from "vitest";
import { invitationHandler, listen, unsubscribeHandler, webhookHandler } from "./index.ts";

const links = { open: async () => undefined, unsubscribe: async () => {} };
const invitations = { open: async () => undefined, answer: async () => {} };
const controller = "Acme";

// Made of these, each request would be answered that it cannot be served now.
describe("a handler that was passed what it cannot work with", () => {
  it.each<[string, () => unknown, RegExp]>([
    ["no links", () => unsubscribeHandler({ controller } as never), /needs `links`, for example heed\.links/],
    [
      "heed itself as links",
      () => unsubscribeHandler({ controller, links: { links } } as never),
      /heed\.links/,
    ],
    ["no controller", () => unsubscribeHandler({ links } as never), /needs `controller`/],
    ["no invitations", () => invitationHandler({ controller } as never), /heed\.invitations/],
    [
      "links for invitations",
      () => invitationHandler({ controller, invitations: links } as never),
      /heed\.invitations/,
    ],
    [
      "invitations, and no controller",
      () => invitationHandler({ invitations } as never),
      /needs `controller`/,
    ],
    ["no webhooks", () => webhookHandler({ recipient: "crm" } as never), /heed\.webhooks/],
  ])("says what to pass: %s", (_what, make, said) => {
    expect(make).toThrow(said);
  });

  it("is not listened for", async () => {
    await expect(listen(undefined as never)).rejects.toThrow("listen() needs a handler");
  });
});
