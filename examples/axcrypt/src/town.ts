import { readFile } from "node:fs/promises";
import { hubspotPortal, type HubspotPortal, type HubspotPortalOptions } from "@heed/hubspot/testing";
import { mailServer, type MailServer } from "@heed/mailer/testing";
import { stripeAccount, type StripeAccount, type StripeSwitches } from "@heed/stripe-tokens/testing";
import { z } from "zod";
import type { Application } from "./application.ts";
import type { Vendors } from "./axcrypt.ts";
import { subscriptionTypes } from "./policy.ts";

/** A person of the input file, and where AxCrypt and its vendors know them. */
export const personSchema = z.strictObject({
  name: z.string(),
  /** The address of the account. */
  email: z.string(),
  /** More addresses that HubSpot keeps at the same contact. */
  alsoAtHubspot: z.array(z.string()).default([]),
  hasAccount: z.boolean().default(true),
  isHubspotContact: z.boolean().default(true),
  consents: z.boolean().default(true),
  /** Stripe customers, each with its cards; `paying`: with a subscription that runs. */
  stripe: z
    .array(
      z.strictObject({
        email: z.string().optional(),
        cards: z.number().int(),
        paying: z.boolean().default(false),
      }),
    )
    .default([]),
});

export type Person = z.infer<typeof personSchema>;

/** What a person asks for. */
export const wishSchema = z.strictObject({
  email: z.string(),
  wish: z.enum(["one-click", "withdraw", "stopped-paying", "erase"]),
});

export type Wish = z.infer<typeof wishSchema>;

/** Reads a JSON file of the input folder. */
export async function readInput<T>(name: string, schema: z.ZodType<T>): Promise<readonly T[]> {
  return z
    .array(schema)
    .parse(JSON.parse(await readFile(new URL(`../input/${name}`, import.meta.url), "utf8")));
}

/** The vendors around AxCrypt: stateful stand-ins on loopback, and a real mail server. */
export interface Town {
  readonly portal: HubspotPortal;
  readonly stripe: StripeAccount;
  readonly mail: MailServer;
  readonly vendors: Vendors;
  /** Puts a person into the application and at the vendors, as the past has done. */
  settle(person: Person, application: Application): void;
  close(): Promise<void>;
}

/** Builds the town. The stand-ins answer over HTTP as the vendors do, and can be looked into directly. */
export async function buildTown(
  options: { readonly hubspot?: HubspotPortalOptions; readonly stripe?: StripeSwitches } = {},
): Promise<Town> {
  const portal = hubspotPortal({
    burst: { calls: 190, perMs: 10_000 },
    definitions: Object.values(subscriptionTypes).map(({ subscriptionId }) => ({ id: subscriptionId })),
    ...options.hubspot,
  });
  const stripe = stripeAccount(options.stripe);
  const [atHubspot, atStripe, mail] = await Promise.all([portal.listen(), stripe.listen(), mailServer()]);
  return {
    portal,
    stripe,
    mail,
    vendors: {
      hubspot: { url: atHubspot.url, accessToken: portal.accessToken, portalId: portal.portalId },
      stripe: { url: atStripe.url, apiKey: stripe.key, account: stripe.id },
    },
    settle(person, application) {
      if (person.hasAccount) application.signUp(person);
      if (person.isHubspotContact) {
        const [firstname = "", ...rest] = person.name.split(" ");
        portal.addContact({
          email: person.email.toLowerCase(),
          additionalEmails: person.alsoAtHubspot,
          properties: { firstname, lastname: rest.join(" ") },
        });
      }
      for (const { cards, paying, email = person.email } of person.stripe) {
        const customer = stripe.add.customer({ email, name: person.name });
        for (let card = 0; card < cards; card += 1) stripe.add.paymentMethod(customer.id);
        stripe.add.invoice(customer.id);
        stripe.add.charge(customer.id);
        if (paying) stripe.add.subscription(customer.id);
      }
    },
    close: async () => {
      await Promise.all([atHubspot.close(), atStripe.close(), mail.close()]);
    },
  };
}
