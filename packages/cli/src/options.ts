import { parseArgs, type ParseArgsConfig } from "node:util";
import { UsageError } from "./usage-error.ts";

/** What every command that opens the application's heed takes. */
export const configured = { config: { type: "string" } } as const;

/**
 * The options of a command, and its arguments where it takes some.
 *
 * @param takes said when the command line cannot be understood: its own words are not repeated, for they may be
 *   somebody's address, or a key
 * @throws UsageError
 */
export function optionsOf<O extends NonNullable<ParseArgsConfig["options"]>>(
  args: readonly string[],
  options: O,
  takes: string,
  positionals: { readonly atMost: number } = { atMost: 0 },
) {
  let parsed;
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: positionals.atMost > 0 });
  } catch {
    throw new UsageError(takes);
  }
  if (parsed.positionals.length > positionals.atMost) throw new UsageError(takes);
  return parsed;
}
