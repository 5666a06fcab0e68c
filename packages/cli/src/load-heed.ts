import { existsSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Heed } from "@heed/core";
import { CommandError } from "./command-error.ts";

const usualFiles = ["heed.config.ts", "heed.config.mts", "heed.config.js", "heed.config.mjs"];

/**
 * The application's heed: what its configuration module exports as `heed`, or by default. TypeScript runs as it
 * is, for Node strips the types.
 *
 * @param config the module, relative to `directory`; default: the first of `heed.config.{ts,mts,js,mjs}`
 * @throws CommandError when there is no such module, it fails, or exports no heed
 */
export async function loadHeed(config: string | undefined, directory: string = process.cwd()): Promise<Heed> {
  const file = config === undefined ? usualFile(directory) : resolve(directory, config);
  if (file === undefined || !existsSync(file)) {
    throw new CommandError(
      `There is no ${config === undefined ? usualFiles.join(", ") : "such file as --config names"} here. Make a module that exports what createHeed answered:\n\n  export const heed = createHeed({ policy, storage, keys, processors });`,
    );
  }
  const exported = await imported(file);
  const heed = exported["heed"] ?? exported["default"];
  if (!isHeed(heed)) {
    throw new CommandError(
      "The configuration exports no heed. Export what createHeed answered: export const heed = createHeed({ … });",
    );
  }
  return heed;
}

/**
 * Does something with the application's heed, and closes it.
 *
 * @throws CommandError as {@link loadHeed}
 */
export async function withHeed<A>(config: string | undefined, work: (heed: Heed) => Promise<A>): Promise<A> {
  const heed = await loadHeed(config);
  try {
    return await work(heed);
  } finally {
    await heed.close();
  }
}

function usualFile(directory: string): string | undefined {
  return usualFiles.map((name) => resolve(directory, name)).find((file) => existsSync(file));
}

async function imported(file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const exported: Readonly<Record<string, unknown>> = await import(pathToFileURL(file).href);
    return exported;
  } catch (cause) {
    // The application's own code failed: its message is for the developer who runs this.
    const reason = cause instanceof Error ? cause.message : "it threw something that is no error";
    const place = cause instanceof Error ? placeOf(cause, file) : undefined;
    const where = place === undefined ? "" : ` (${place})`;
    throw new CommandError(`The configuration could not be loaded${where}: ${reason}`, { cause });
  }
}

/**
 * Where in the application's code it failed, as `heed.config.ts:3`. A syntax error is at the head of its stack, with the
 * source text, which stays there; of any other the configuration's own line counts, which is further down.
 */
function placeOf({ name, stack = "" }: Error, config: string): string | undefined {
  const here = pathToFileURL(config).href;
  const [, head, line] = /^((?:file:|\/|[A-Za-z]:\\).*):(\d+)\n/.exec(stack) ?? [];
  if (head !== undefined) {
    const file = head.startsWith("file:") ? fileURLToPath(head) : head;
    return `${relative(dirname(config), file)}:${line}`;
  }
  const frame = stack.split("\n").find((each) => each.includes(`${here}:`));
  const inConfig = /^\d+/.exec(frame?.split(`${here}:`)[1] ?? "")?.[0];
  if (inConfig !== undefined) return `${relative(dirname(config), config)}:${inConfig}`;
  // Node tells nobody but its own log where JavaScript does not parse.
  return name === "SyntaxError" ? "node --check <file> says where" : undefined;
}

function isHeed(value: unknown): value is Heed {
  return (
    typeof value === "object" && value !== null && "work" in value && "requests" in value && "close" in value
  );
}
