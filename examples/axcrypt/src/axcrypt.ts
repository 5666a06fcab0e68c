import {
  createHeed,
  ownData,
  type Clock,
  type HeedStorage,
  type Keyring,
  type WorkSettings,
} from "@heed/core";
import type { WindowLimit } from "@heed/core/contract";
import { hubspot, type HubspotTopic } from "@heed/hubspot";
import { mailProcessor, type MailProcessor } from "@heed/mailer";
import { stripeTokens } from "@heed/stripe-tokens";
import type { Application } from "./application.ts";
import { policy, type subscriptionTypes } from "./policy.ts";

/** Which accounts AxCrypt has at its vendors, and with what credentials. */
export interface Vendors {
  readonly hubspot: {
    readonly accessToken: string;
    readonly portalId: string;
    /** The subscription type of each topic that goes by HubSpot. */
    readonly topics: Readonly<Record<keyof typeof subscriptionTypes, HubspotTopic>>;
    /** Default: what every account may call. */
    readonly rateLimit?: WindowLimit;
    /** Default: HubSpot itself. */
    readonly baseUrl?: string;
  };
  readonly stripe: {
    readonly apiKey: string;
    readonly account: string;
    /** Default: Stripe itself. */
    readonly baseUrl?: string;
  };
}

/** What one process of AxCrypt's needs to put its heed together. */
export interface AxcryptOptions {
  readonly storage: HeedStorage;
  readonly keys: Keyring;
  readonly application: Application;
  readonly vendors: Vendors;
  /** What was sent, and what waits. A process that sends connects its mailer to it; default: one that has none. */
  readonly mail?: MailProcessor;
  readonly clock?: Clock;
  readonly work?: Partial<WorkSettings>;
  /** How long the vendors may lag behind a write, in milliseconds. Default: what each adapter knows. */
  readonly settlingMs?: number;
}

/** AxCrypt's heed: the policy, and a processor for each recipient that it names. */
export function createAxcrypt({
  storage,
  keys,
  application,
  vendors,
  mail = mailProcessor({ policy }),
  clock,
  work,
  settlingMs,
}: AxcryptOptions) {
  const heed = createHeed({
    policy,
    storage,
    keys,
    ...(clock === undefined ? {} : { clock }),
    ...(work === undefined ? {} : { work }),
    processors: {
      app: ownData({
        by: "email",
        erase: async (email) => application.erase(email),
        holds: async (email) => application.holds(email),
      }),
      mail,
      ...vendorProcessors(vendors, settlingMs),
    },
  });
  mail.connect({ messages: heed.messages });
  return heed;
}

/** AxCrypt's processors at its vendors. */
export function vendorProcessors(vendors: Vendors, settlingMs?: number) {
  const settling = settlingMs === undefined ? {} : { settlingMs };
  return {
    crm: hubspot({ ...vendors.hubspot, ...settling }),
    billing: stripeTokens({ ...vendors.stripe, ...settling }),
  };
}

export type Axcrypt = ReturnType<typeof createAxcrypt>;
