// pnpm new-processor <name>: writes packages/<name>, an adapter that compiles and is still to be filled in.
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const templates = join(import.meta.dirname, "new-processor");

/** What no function can be called. */
const reserved =
  "arguments await break case catch class const continue debugger default delete do else enum eval export extends false " +
  "finally for function if implements import in instanceof interface let new null package private protected public return " +
  "static super switch this throw true try typeof undefined var void while with yield";

/** Whether the code could not be compiled with a factory, and a file, of this name. */
function isTaken(name: string, factory: string): boolean {
  const files = globSync("**/*.tmpl", { cwd: templates });
  if (files.includes(`src/${name}.ts.tmpl`)) return true;
  // What is declared or imported beside the factory, wherever it is called or declared.
  const words = files
    .filter((file) => file.endsWith(".ts.tmpl"))
    .map((file) => readFileSync(join(templates, file), "utf8"))
    .filter((text) => /__factory__(?!\w)/.test(text))
    .flatMap((text) => text.replaceAll(/\/\*\*?[^]*?\*\/|\/\/.*/g, "").match(/(?<![.\w])[a-z]\w*/gi) ?? []);
  return [...reserved.split(" "), ...words].includes(factory);
}

/**
 * Writes the folder `packages/<name>` below `root`, and returns it.
 *
 * @param name kebab-case, for example `"acme-crm"`: the package is `@heed/acme-crm`, its factory `acmeCrm`
 * @throws TypeError when the name cannot be one, means something else in the code, or is taken
 */
export function newProcessor(name: string, root: string): string {
  if (!/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(name))
    throw new TypeError(`"${name}" is not of the form acme-crm: lower-case letters, digits, single hyphens.`);
  const folder = join(root, "packages", name);
  if (existsSync(folder)) throw new TypeError(`packages/${name} exists already.`);
  const words = name.split("-");
  const capitalised = words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1));
  const factory = [words[0], ...capitalised.slice(1)].join("");
  if (isTaken(name, factory))
    throw new TypeError(
      `"${name}" means something else in the code: take another name, such as ${name}-crm.`,
    );
  const values: Readonly<Record<string, string>> = {
    name,
    Title: capitalised.join(" "),
    Type: capitalised.join(""),
    factory,
  };
  const filledIn = (text: string) =>
    text.replaceAll(/__(name|Title|Type|factory)__/g, (_, key: string) => values[key] ?? "");
  for (const template of globSync("**/*.tmpl", { cwd: templates })) {
    const file = join(folder, filledIn(template.slice(0, -".tmpl".length)));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, filledIn(readFileSync(join(templates, template), "utf8")));
  }
  return folder;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const [name, ...more] = process.argv.slice(2);
    if (name === undefined || more.length > 0)
      throw new TypeError("Usage: pnpm new-processor <name>, for example acme-crm");
    newProcessor(name, join(import.meta.dirname, ".."));
    console.log(`packages/${name} is written. Next:

  pnpm install
  pnpm exec vitest run --project ${name}   # the conformance kit says what is still to be done

Steps 2 to 7 of "Add a processor" in CONTRIBUTING.md say where.`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
