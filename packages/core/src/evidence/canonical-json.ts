/**
 * JSON with one spelling for one value: no spaces, and the members of every object in the order of their
 * names (as in RFC 8785). For plain data of strings, whole numbers, booleans, null, lists and records.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([one], [other]) => (one < other ? -1 : 1)))
      : inner,
  );
}

/** Undefined where it is no JSON: no schema takes that. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
