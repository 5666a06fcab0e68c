import type { PortalSettings } from "./options.ts";
import { rateLimited, type Reply } from "./replies.ts";

/** Counts calls against the rolling and the daily limit. */
export interface RateMeter {
  /** Counts one call; the 429 when a limit was reached already. A refused call does not count. */
  take(): Reply | undefined;
  /** The headers that HubSpot puts on every answer but those of search. */
  headers(): Record<string, string>;
}

const quarterMs = 900_000;

/** The civil date in a zone, as YYYY-MM-DD. Each takes a while to make, and there are few zones. */
const civilDates = new Map<string, Intl.DateTimeFormat>();

function civilDateIn(timeZone: string): Intl.DateTimeFormat {
  const known = civilDates.get(timeZone);
  if (known !== undefined) return known;
  // en-CA writes dates as YYYY-MM-DD.
  const made = new Intl.DateTimeFormat("en-CA", { timeZone });
  civilDates.set(timeZone, made);
  return made;
}

export function createRateMeter({
  burst,
  dailyCalls,
  retryAfterHeader,
  timeZone,
  now,
}: PortalSettings): RateMeter {
  let recent: number[] = [];
  let quarter = Number.NaN;
  let day = "";
  let callsToday = 0;
  const civilDate = civilDateIn(timeZone);

  function forget(): void {
    const instant = now();
    const windowStart = instant.getTime() - burst.perMs;
    recent = recent.filter((at) => at > windowStart);
    // No day begins but at a quarter of an hour, in whatever zone.
    const inQuarter = Math.floor(instant.getTime() / quarterMs);
    if (inQuarter === quarter) return;
    quarter = inQuarter;
    const today = civilDate.format(instant);
    if (today !== day) {
      day = today;
      callsToday = 0;
    }
  }

  return {
    take() {
      forget();
      if (callsToday >= dailyCalls) return rateLimited("DAILY", retryAfterHeader ? 3600 : undefined);
      if (recent.length >= burst.calls) {
        const instant = now().getTime();
        const freeInMs = (recent[0] ?? instant) + burst.perMs - instant;
        return rateLimited("TEN_SECONDLY_ROLLING", retryAfterHeader ? Math.ceil(freeInMs / 1000) : undefined);
      }
      recent.push(now().getTime());
      callsToday += 1;
      return undefined;
    },
    headers() {
      forget();
      return {
        "X-HubSpot-RateLimit-Max": String(burst.calls),
        "X-HubSpot-RateLimit-Remaining": String(Math.max(0, burst.calls - recent.length)),
        "X-HubSpot-RateLimit-Interval-Milliseconds": String(burst.perMs),
        "X-HubSpot-RateLimit-Daily": String(dailyCalls),
        "X-HubSpot-RateLimit-Daily-Remaining": String(Math.max(0, dailyCalls - callsToday)),
      };
    },
  };
}
