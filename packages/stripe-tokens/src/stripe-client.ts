import { Stripe } from "stripe";

/** Either a client of the application's own, or what one is made from. */
export type StripeAccess =
  | {
      /**
       * The application's client. Its own retries are switched off for the adapter's calls: when to try again
       * is the engine's decision.
       */
      readonly client: Stripe;
      readonly apiKey?: never;
      readonly baseUrl?: never;
    }
  | {
      readonly client?: never;
      /** A secret or restricted key. One of live mode is refused unless `live` is `true`. */
      readonly apiKey: string;
      /** Where Stripe is. Default: `https://api.stripe.com`. */
      readonly baseUrl?: string;
    };

/**
 * The client to call Stripe with. One that is made here sends no telemetry and goes by `fetch`, which lets a
 * closed connection fail at once where Stripe's Node client would repeat the call unasked.
 *
 * @throws TypeError when neither or both of client and key are given, or the key is of the other mode
 */
export function stripeClient(access: StripeAccess, live: boolean): Stripe {
  if ((access.client === undefined) === (access.apiKey === undefined)) {
    throw new TypeError("stripeTokens takes either a client or an apiKey.");
  }
  if (access.client !== undefined) return access.client;
  const mode = /^(?:sk|rk)_(live|test)_/.exec(access.apiKey)?.[1];
  if (mode === undefined) throw new TypeError("The apiKey is not a secret or restricted key of Stripe.");
  if (mode === "live" && !live) {
    throw new TypeError("The apiKey opens live mode, where what is forgotten is gone. Pass live: true.");
  }
  if (mode === "test" && live) throw new TypeError("The apiKey opens test mode, and live: true was passed.");
  const { protocol, hostname, port } = new URL(access.baseUrl ?? "https://api.stripe.com");
  if (protocol !== "https:" && protocol !== "http:") throw new TypeError("The baseUrl is not an HTTP URL.");
  const secure = protocol === "https:";
  return new Stripe(access.apiKey, {
    host: hostname,
    port: port || (secure ? "443" : "80"),
    protocol: secure ? "https" : "http",
    maxNetworkRetries: 0,
    telemetry: false,
    // Looked up at each call, so that instrumentation installed later is not passed by.
    httpClient: Stripe.createFetchHttpClient((...sent: Parameters<typeof fetch>) => fetch(...sent)),
  });
}
