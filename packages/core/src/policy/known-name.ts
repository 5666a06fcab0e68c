import { InvalidInputError } from "../errors/invalid-input-error.ts";
import { quoted } from "../errors/quoted.ts";

/** A name of the policy, checked at run time for callers that the compiler did not check. */
export function known<S extends string>(
  register: { readonly [K in S]: object },
  section: S,
  name: string,
): string {
  if (typeof name === "string" && Object.hasOwn(register[section], name)) return name;
  const names = Object.keys(register[section]);
  throw new InvalidInputError(
    `There is no ${quoted(name)} in the ${section} of the policy. Known: ${names.join(", ")}.`,
    {
      code: section === "topics" ? "topic-not-covered" : "unknown-name",
      issues: [{ path: section, message: "unknown name" }],
    },
  );
}
