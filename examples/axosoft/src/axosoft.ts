import { createHeed, ownData } from "@heed/core";
import { createInbox, createMailer, mailProcessor } from "@heed/mailer";
import type { Place } from "heed-example-stage";
import { policy } from "./policy.ts";

/** Axosoft's heed, its mailer, and the one address that people write to. */
export function createAxosoft({ storage, keys, clock, transport, dkimKey, pages, resolver, keep }: Place) {
  const users = new Set<string>();
  const bounces = { domain: "bounces.axosoft.example" };
  const mail = mailProcessor({ policy });
  const heed = createHeed({
    policy,
    storage,
    keys,
    clock,
    processors: {
      app: ownData({
        by: "email",
        erase: async (email) => users.delete(email),
        holds: async (email) => users.has(email),
      }),
      mail,
    },
  });
  const mailer = createMailer({
    permits: heed.permits,
    transport,
    from: { name: "Axosoft", address: "team@axosoft.example" },
    dkim: { domain: "axosoft.example", selector: "s1", privateKey: dkimKey },
    unsubscribe: { url: pages.unsubscribe },
    bounces,
    clock,
  });
  mail.connect({ messages: heed.messages, mailer });
  const inbox = createInbox({
    heed,
    mailer,
    // Questions and concerns, whatever they are: somebody reads each of them.
    addresses: { "team@axosoft.example": "rights" },
    bounces,
    answers: {
      topic: "privacy",
      controller: policy.controller.name,
      contact: policy.controller.contact,
      unsubscribeUrl: pages.unsubscribe,
      invitationUrl: pages.invitations,
    },
    keep,
    resolver,
    clock,
  });
  return { heed, mailer, inbox, users };
}
