import { hubspotPortal, type HubspotPortal, type HubspotPortalOptions } from "@heed/hubspot/testing";
import { mailServer, type MailServer } from "@heed/mailer/testing";
import { stripeAccount, type StripeAccount, type StripeSwitches } from "@heed/stripe-tokens/testing";
import { subscriptionTypes } from "./policy.ts";
import type { Town } from "./town.ts";

/** A town of stand-ins, which can be looked into directly. */
export interface StandIns extends Town {
  readonly portal: HubspotPortal;
  readonly stripe: StripeAccount;
  readonly server: MailServer;
}

/** How long the stand-ins lag behind a write, and how long heed gives them to settle, in milliseconds. */
const lagMs = 150;
const settlingMs = 400;

/** Builds the town of the demo: its vendors lag a little, as vendors do. */
export const buildLaggingStandIns = (): Promise<StandIns> => buildStandIns({ hubspot: { lagMs } });

/** Builds stateful stand-ins that answer over HTTP on loopback as the vendors do, and a real mail server. */
export async function buildStandIns(
  options: { readonly hubspot?: HubspotPortalOptions; readonly stripe?: StripeSwitches } = {},
): Promise<StandIns> {
  const portal = hubspotPortal({
    burst: { calls: 190, perMs: 10_000 },
    definitions: Object.values(subscriptionTypes).map(({ subscriptionId }) => ({ id: subscriptionId })),
    ...options.hubspot,
  });
  const stripe = stripeAccount(options.stripe);
  const [atHubspot, atStripe, server] = await Promise.all([portal.listen(), stripe.listen(), mailServer()]);
  const { host, port } = server;
  return {
    portal,
    stripe,
    server,
    about: [
      `HubSpot: ${atHubspot.url}   Stripe: ${atStripe.url}   (stateful stand-ins)`,
      `SMTP: ${host}:${port}   (a real server)`,
    ],
    vendors: {
      hubspot: {
        baseUrl: atHubspot.url,
        accessToken: portal.accessToken,
        portalId: portal.portalId,
        topics: subscriptionTypes,
        rateLimit: { calls: 190, perMs: 10_000, burst: 20, delayMs: 50 },
      },
      stripe: { baseUrl: atStripe.url, apiKey: stripe.key, account: stripe.id },
    },
    mail: { transport: { host, port }, from: "news@axcrypt.example" },
    pace: { settlingMs, leaseMs: 3_000, patienceMs: 60_000 },
    async settle(person, application) {
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
    linkReceived(to) {
      const message = server.messages.findLast(({ envelope }) => envelope.to.includes(to));
      const header = message?.headers.find(({ name }) => name === "list-unsubscribe")?.value ?? "";
      return /<(https?:[^>]+)>/.exec(header)?.[1];
    },
    searchHubspot: async (text) => portal.search(text),
    searchStripe: async (text) => [...new Set(stripe.search(text).map(({ object }) => object))],
    async countCards(email) {
      const customers = new Set(stripe.search(email).flatMap(({ customer }) => customer ?? []));
      return [...customers].flatMap((customer) => stripe.credentialsOf(customer)).length;
    },
    close: async () => {
      await Promise.all([atHubspot.close(), atStripe.close(), server.close()]);
    },
  };
}
