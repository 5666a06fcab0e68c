import { createInbox, type InboxOptions, type Mailer } from "@heed/mailer";
import type { Axcrypt } from "./axcrypt.ts";
import { policy } from "./policy.ts";

/** The two addresses that AxCrypt's policy names: support for removals, business for whoever does not want to be in the CRM. */
export function createAxcryptInbox(
  parts: Pick<InboxOptions, "keep" | "resolver" | "clock"> & {
    readonly heed: Axcrypt;
    readonly mailer: Pick<Mailer<Parameters<Axcrypt["permits"]["take"]>[0]["topic"]>, "send">;
    readonly pages: { readonly unsubscribe: string; readonly invitations: string };
  },
) {
  const { pages, ...rest } = parts;
  return createInbox({
    ...rest,
    addresses: {
      "support@axcrypt.example": "rights",
      "business@axcrypt.example": { right: "objection", recipient: "crm" },
    },
    answers: {
      topic: "privacy",
      controller: policy.controller.name,
      contact: policy.controller.contact,
      unsubscribeUrl: pages.unsubscribe,
      invitationUrl: pages.invitations,
    },
  });
}
