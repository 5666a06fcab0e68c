/**
 * Whether a provider's verdict (`Authentication-Results`, RFC 8601) says that DMARC passed for the domain of From.
 *
 * What stands in quotes and comments is left out: a sender chooses some of it. One verdict, or none counts.
 */
export function authResultsSay(value: string, domain: string): boolean {
  const verdicts = plainOf(value)
    .split(";")
    .flatMap((part) => {
      const [, result, rest = ""] = /^\s*dmarc\s*=\s*([a-z]+)(?![^\s])(.*)$/is.exec(part) ?? [];
      return result === undefined ? [] : [{ result: result.toLowerCase(), rest }];
    });
  const [verdict, ...more] = verdicts;
  if (verdict === undefined || more.length > 0 || verdict.result !== "pass") return false;
  const froms = [...verdict.rest.matchAll(/(?<!\S)header\.from\s*=\s*(\S+)/gi)].map(([, from = ""]) => from);
  const of = froms[0]?.toLowerCase().replace(/^.*@/, "");
  // Some name the organisation's domain, in which the sender's own is.
  return froms.length === 1 && of !== undefined && of.includes(".") && `.${domain}`.endsWith(`.${of}`);
}

/** Without quoted strings and comments; nothing at all where one has no end. */
function plainOf(value: string): string {
  let plain = "";
  let depth = 0;
  let isQuoted = false;
  for (let at = 0; at < value.length; at += 1) {
    const character = value.charAt(at);
    if (character === "\\" && (isQuoted || depth > 0)) at += 1;
    else if (character === '"' && depth === 0) isQuoted = !isQuoted;
    else if (isQuoted) continue;
    else if (character === "(") depth += 1;
    else if (character === ")" && depth > 0) depth -= 1;
    else if (depth === 0) plain += character;
  }
  return isQuoted || depth > 0 ? "" : plain;
}
