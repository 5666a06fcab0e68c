import { Client } from "@hubspot/api-client";

/** What the adapter needs of a `Client` of `@hubspot/api-client`: any copy of it will do. */
export type HubspotClient = Pick<Client, "apiRequest" | "config">;

/** Either a client of the application's own, or what one is made from. */
export type HubspotAccess =
  | {
      /**
       * The application's client, made without `limiterOptions` and `numberOfApiCallRetries`: the pace and
       * when to try again are the engine's decision. Renew an OAuth token on it with `setAccessToken`.
       */
      readonly client: HubspotClient;
      readonly accessToken?: never;
      readonly baseUrl?: never;
    }
  | {
      readonly client?: never;
      /** A service key or the token of an app of your own (`pat-…`). */
      readonly accessToken: string;
      /** Where HubSpot is. Default: `https://api.hubapi.com`. */
      readonly baseUrl?: string;
    };

/**
 * The client to call HubSpot with.
 *
 * @throws TypeError when neither or both of client and token are given, or the client limits or repeats
 */
export function hubspotClient(access: HubspotAccess): HubspotClient {
  if ((access.client === undefined) === (access.accessToken === undefined)) {
    throw new TypeError("hubspot takes either a client or an accessToken.");
  }
  if (access.client === undefined) {
    return new PlainClient({
      accessToken: access.accessToken,
      ...(access.baseUrl === undefined ? {} : { basePath: access.baseUrl.replace(/\/+$/, "") }),
    });
  }
  const { limiterOptions, numberOfApiCallRetries = 0 } = access.client.config;
  if (limiterOptions !== undefined || numberOfApiCallRetries > 0) {
    throw new TypeError(
      "The client has limiterOptions or numberOfApiCallRetries. Pass one without them, or an accessToken: heed paces and repeats.",
    );
  }
  return access.client;
}

class PlainClient extends Client {
  /** A client's `init` sets limiter and retries for every client of the process; this one leaves them be. */
  override init(): void {}
}
