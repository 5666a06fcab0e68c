import { type StripeFailure, rateLimited } from "./stripe-failure.ts";

const windowMs = 1000;

/**
 * Counts calls in windows of a second: 25 for each endpoint (20 for search), and 100 in live mode or 25 in
 * test mode over all. A refused call is not counted.
 *
 * @see https://docs.stripe.com/rate-limits
 */
export function rateWindows(now: () => Date) {
  const calls = new Map<string, number[]>();
  return {
    /** Counts the call, or says why it is refused. */
    count(endpoint: string, live: boolean): StripeFailure | undefined {
      const at = now().getTime();
      const recent = (name: string) => {
        const times = (calls.get(name) ?? []).filter((time) => time > at - windowMs);
        calls.set(name, times);
        return times;
      };
      const overall = recent(`${live}`);
      const own = recent(`${live} ${endpoint}`);
      if (overall.length >= (live ? 100 : 25)) return rateLimited("global-rate");
      if (own.length >= (endpoint.endsWith("/search") ? 20 : 25)) return rateLimited("endpoint-rate");
      overall.push(at);
      own.push(at);
      return undefined;
    },
  };
}
