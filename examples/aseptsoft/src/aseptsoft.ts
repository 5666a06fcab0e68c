import { createHeed, ownData } from "@heed/core";
import { createInbox, createMailer, mailProcessor } from "@heed/mailer";
import type { Place } from "heed-example-stage";
import { policy } from "./policy.ts";

/** AseptSoft's heed, its mailer, and the one address for questions, complaints and requests. */
export function createAseptsoft({ storage, keys, clock, transport, dkimKey, pages, resolver, keep }: Place) {
  const accounts = new Set<string>();
  const bounces = { domain: "bounces.aseptsoft.example" };
  const mail = mailProcessor({ policy });
  const heed = createHeed({
    policy,
    storage,
    keys,
    clock,
    processors: {
      app: ownData({
        by: "email",
        erase: async (email) => accounts.delete(email),
        holds: async (email) => accounts.has(email),
      }),
      mail,
    },
  });
  const mailer = createMailer({
    permits: heed.permits,
    transport,
    from: { name: "AseptSoft", address: "mail@aseptsoft.example" },
    dkim: { domain: "aseptsoft.example", selector: "s1", privateKey: dkimKey },
    unsubscribe: { url: pages.unsubscribe },
    bounces,
    clock,
  });
  mail.connect({ messages: heed.messages, mailer });
  const inbox = createInbox({
    heed,
    mailer,
    addresses: { "privacy@aseptsoft.example": "rights" },
    bounces,
    answers: {
      topic: "legal-notice",
      controller: policy.controller.name,
      contact: policy.controller.contact,
      unsubscribeUrl: pages.unsubscribe,
      invitationUrl: pages.invitations,
    },
    keep,
    resolver,
    clock,
  });
  return { heed, mailer, inbox, accounts };
}
