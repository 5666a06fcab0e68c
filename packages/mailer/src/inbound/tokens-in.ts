import { decodeWords } from "postal-mime";
import { valuesOf, type Fields } from "./fields.ts";

/** Whoever writes more of them is guessing. */
const maxTokens = 4;

/**
 * What may be an unsubscribe token: in the subject, as `mailto:` of `List-Unsubscribe` puts it there, or behind a `+` in
 * the address that the mail was sent to. Whether it is one, its MAC says.
 */
export function tokensIn(fields: Fields, rcptTo: readonly string[]): string[] {
  const subjects = valuesOf(fields, "subject").map((value) => decodeWords(value));
  const addresses = [...rcptTo, ...["to", "delivered-to"].flatMap((name) => valuesOf(fields, name))].flatMap(
    (value) => [...value.slice(0, 2000).matchAll(/\+([^\s+@<>,;"]{20,64})@/g)].map(([, tag = ""]) => tag),
  );
  const found = [...subjects.map((value) => value.slice(0, 1000)), ...addresses].flatMap(
    (text) => text.match(/(?<![\w.-])[A-Za-z0-9_-]{1,16}\.[A-Za-z0-9_-]{20,64}(?![\w-])/g) ?? [],
  );
  return [...new Set(found)].slice(0, maxTokens);
}
