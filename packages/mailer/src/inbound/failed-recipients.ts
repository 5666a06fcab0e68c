import type { Fate } from "./delivery-status.ts";
import { readFields, type Fields } from "./fields.ts";
import { kindOfStatus, statusIn } from "./status.ts";

/** More than a message of ours could ever have. */
const maxRecipients = 20;

/** Where Exim's text ends and the message that came back begins. */
const copyBegins = /^-{4,} ?(?:This is a copy of|The body of|This is the (?:message|header))[^\r\n]*$/m;

/**
 * Reads a bounce as Exim writes it for people: `X-Failed-Recipients` names the addresses, and the text has under each
 * of them what the server said.
 */
export function readFailedRecipients(
  failed: readonly string[],
  text: string,
): { fates: readonly Fate[]; returned: Fields } {
  const addresses = failed
    .flatMap((value) => value.split(","))
    .map((address) => address.trim())
    .slice(0, maxRecipients);
  const copyAt = text.search(copyBegins);
  const lines = (copyAt < 0 ? text : text.slice(0, copyAt)).split(/\r?\n/).map((line) => line.trim());
  const places = addresses.map((address) => lines.indexOf(address));
  const fates = addresses.map((recipient, index): Fate => {
    const at = places[index] ?? -1;
    if (at < 0) return { recipient, kind: undefined };
    const end = Math.min(...places.filter((place) => place > at), lines.length);
    const status = lines
      .slice(at + 1, end)
      .map(statusIn)
      .find(Boolean);
    return { recipient, kind: kindOfStatus(status) };
  });
  const copy = copyAt < 0 ? "" : text.slice(copyAt).replace(/^[^\r\n]*/, "");
  return { fates, returned: readFields(copy) };
}
