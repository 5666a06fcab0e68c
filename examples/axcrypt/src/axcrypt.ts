import {
  createHeed,
  ownData,
  type Clock,
  type HeedStorage,
  type Keyring,
  type WorkSettings,
} from "@heed/core";
import { hubspot } from "@heed/hubspot";
import { stripeTokens } from "@heed/stripe-tokens";
import type { Application } from "./application.ts";
import { policy, subscriptionTypes } from "./policy.ts";

/** Where the vendors are, and with what credentials. */
export interface Vendors {
  readonly hubspot: { readonly url: string; readonly accessToken: string; readonly portalId: string };
  readonly stripe: { readonly url: string; readonly apiKey: string; readonly account: string };
}

/** What one process of AxCrypt's needs to put its heed together. */
export interface AxcryptOptions {
  readonly storage: HeedStorage;
  readonly keys: Keyring;
  readonly application: Application;
  readonly vendors: Vendors;
  readonly clock?: Clock;
  readonly work?: Partial<WorkSettings>;
  /** How long the vendors may lag behind a write, in milliseconds. */
  readonly settlingMs: number;
}

/** AxCrypt's heed: the policy, and a processor for each recipient that it names. */
export function createAxcrypt({
  storage,
  keys,
  application,
  vendors,
  clock,
  work,
  settlingMs,
}: AxcryptOptions) {
  return createHeed({
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
      crm: hubspot({
        accessToken: vendors.hubspot.accessToken,
        baseUrl: vendors.hubspot.url,
        portalId: vendors.hubspot.portalId,
        topics: subscriptionTypes,
        settlingMs,
        rateLimit: { calls: 190, perMs: 10_000, burst: 20, delayMs: 50 },
      }),
      billing: stripeTokens({
        apiKey: vendors.stripe.apiKey,
        baseUrl: vendors.stripe.url,
        account: vendors.stripe.account,
        settlingMs,
      }),
    },
  });
}

export type Axcrypt = ReturnType<typeof createAxcrypt>;
