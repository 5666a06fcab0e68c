const name = /^[A-Za-z][A-Za-z0-9-]{0,63}$/;

/** A caller's name for a message, in quotes; what does not look like a name may be anybody's address. */
export function quoted(given: unknown): string {
  return typeof given === "string" && name.test(given) ? `"${given}"` : "such name";
}

/** A message without the name that {@link quoted} put into it: what one row of a file has in a column may be anybody's. */
export function withoutQuote(message: string): string {
  return message.replace(/^There is no "[^"]*"/, "There is no such name");
}
