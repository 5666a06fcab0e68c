import type { CallContext } from "@heed/core/contract";

/** What a call counts against: the app's rolling ten seconds, and the account's day. */
export type HubspotBucket = "burst" | "daily";

/** The buckets of one call. */
export type HubspotBuckets = readonly [HubspotBucket, ...HubspotBucket[]];

const headerOf: Readonly<Record<HubspotBucket, string>> = {
  burst: "x-hubspot-ratelimit-remaining",
  daily: "x-hubspot-ratelimit-daily-remaining",
};

/**
 * Tells the engine what HubSpot says is left: other apps call the same account, and other processes use the same
 * token. An answer may lack the headers (search does, and for OAuth the daily one).
 *
 * @see https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
 */
export async function reportRemaining(
  context: CallContext<HubspotBucket>,
  headers: Headers,
  buckets: HubspotBuckets,
): Promise<void> {
  for (const bucket of buckets) {
    const said = headers.get(headerOf[bucket]);
    if (said !== null && /^\d{1,9}$/.test(said))
      await context.observed?.(bucket, { remaining: Number(said) });
  }
}
