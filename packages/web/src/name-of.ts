import { isHeedError } from "@heed/core/contract";

const safeName = /^[A-Za-z][A-Za-z0-9-]{0,63}$/;

/** An error's message may quote what it was about; so may the name and code of an error that is not heed's. */
export function nameOf(error: unknown): Readonly<Record<string, string>> {
  if (!isHeedError(error) || !safeName.test(error.name)) return { error: "Error" };
  return { error: error.name, ...(safeName.test(error.code) && { code: error.code }) };
}
