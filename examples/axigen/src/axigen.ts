import { createHeed, ownData } from "@heed/core";
import { createInbox, createMailer, mailProcessor } from "@heed/mailer";
import type { Place } from "heed-example-stage";
import { policy } from "./policy.ts";

/** Axigen's heed, its mailer, and the two addresses that people write to. */
export function createAxigen({ storage, keys, clock, transport, dkimKey, pages, resolver, keep }: Place) {
  const customers = new Set<string>();
  const bounces = { domain: "bounces.axigen.example" };
  const mail = mailProcessor({ policy });
  const heed = createHeed({
    policy,
    storage,
    keys,
    clock,
    processors: {
      app: ownData({
        by: "email",
        erase: async (email) => customers.delete(email),
        holds: async (email) => customers.has(email),
      }),
      mail,
    },
  });
  const mailer = createMailer({
    permits: heed.permits,
    transport,
    from: { name: "Axigen", address: "news@axigen.example" },
    dkim: { domain: "axigen.example", selector: "s1", privateKey: dkimKey },
    unsubscribe: { url: pages.unsubscribe, mailto: "webmaster@axigen.example" },
    bounces,
    clock,
  });
  mail.connect({ messages: heed.messages, mailer });
  const inbox = createInbox({
    heed,
    mailer,
    addresses: {
      // "globally, from all lists, by requesting this via an email to webmaster@"
      "webmaster@axigen.example": "unsubscribe-all",
      // "You can exercise your rights by sending us an email at data-protection@", and withdraw consent.
      "data-protection@axigen.example": "rights",
    },
    purposes: ["marketing"],
    // No second step was promised: the address that the mail names is unsubscribed, whoever wrote it.
    unverified: "unsubscribe",
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
  return { heed, mailer, inbox, customers };
}
