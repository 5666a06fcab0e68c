import { InvalidInputError } from "@heed/core/contract";
import type { z } from "zod";

/** Parses once, at the edge. The error says where and what, and never quotes a value. */
export function parse<S extends z.ZodType>(schema: S, value: unknown, what: string): z.infer<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => ({ path: path.join("."), message }));
  throw new InvalidInputError(
    `The ${what} cannot be used: ${issues.map(({ path, message }) => `${path}: ${message}`).join("; ")}`,
    { issues },
  );
}

/** One thing that is wrong, said by the code that found it. */
export function refuse(what: string, path: string, message: string): InvalidInputError {
  return new InvalidInputError(`The ${what} cannot be used: ${path}: ${message}`, {
    issues: [{ path, message }],
  });
}
