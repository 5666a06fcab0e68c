import { refuse } from "../parse.ts";

const day = { day: "numeric", month: "long", year: "numeric" } as const;
const minute = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "short" } as const;

/**
 * A date in words, for whoever reads that language: an instant with its time and zone where the field's name ends
 * in `At`, a civil date where it ends in `On`. Undefined for any other field.
 *
 * @throws InvalidInputError for a time zone that does not exist
 */
export function spokenDate(
  field: string,
  value: string,
  locale: string,
  timeZone: string,
): string | undefined {
  if (field.endsWith("At")) return inZone(locale, timeZone).format(new Date(value));
  // A civil date is the same day everywhere.
  if (field.endsWith("On")) {
    return new Intl.DateTimeFormat(locale, { ...day, timeZone: "UTC" }).format(new Date(value));
  }
  return undefined;
}

function inZone(locale: string, timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat(locale, { ...day, ...minute, timeZone });
  } catch (cause) {
    if (cause instanceof RangeError) throw refuse("mail", "options.timeZone", "there is no such time zone");
    throw cause;
  }
}
