import { InvalidInputError } from "@heed/core/contract";
import type { z } from "zod";

/** Parses once, at the edge. The error says where and what, and never quotes a value. */
export function parse<S extends z.ZodType>(schema: S, value: unknown, what: string): z.infer<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues
    .flatMap((issue) => told(issue))
    .map(({ path, message }) => ({ path: path.join("."), message }));
  throw new InvalidInputError(
    `The ${what} cannot be used: ${issues.map(({ path, message }) => `${path}: ${message}`).join("; ")}`,
    { issues },
  );
}

/** Of what may have several forms, what keeps it from the form that it is nearest to. */
function told(issue: z.core.$ZodIssue): readonly Pick<z.core.$ZodIssue, "path" | "message">[] {
  if (issue.code !== "invalid_union") return [issue];
  const depth = (issues: readonly z.core.$ZodIssue[]) =>
    Math.max(0, ...issues.map(({ path }) => path.length));
  const [nearest] = issue.errors.toSorted(
    (one, other) => one.length - other.length || depth(other) - depth(one),
  );
  if (nearest === undefined) return [issue];
  return nearest.flatMap((each) =>
    told(each).map(({ path, message }) => ({ path: [...issue.path, ...path], message })),
  );
}

/** One thing that is wrong, said by the code that found it. */
export function refuse(what: string, path: string, message: string): InvalidInputError {
  return new InvalidInputError(`The ${what} cannot be used: ${path}: ${message}`, {
    issues: [{ path, message }],
  });
}
