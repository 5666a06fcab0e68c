// pnpm new-processor <name>: writes packages/<name>, an adapter that compiles and is still to be filled in.
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const templates = join(import.meta.dirname, "new-processor");

/**
 * Writes the folder `packages/<name>` below `root`, and returns it.
 *
 * @param name kebab-case, for example `"acme-crm"`: the package is `@heed/acme-crm`, its factory `acmeCrm`
 * @throws TypeError when the name cannot be one, or is taken
 */
export function newProcessor(name: string, root: string): string {
  if (!/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(name))
    throw new TypeError(`"${name}" is not of the form acme-crm: lower-case letters, digits, single hyphens.`);
  const folder = join(root, "packages", name);
  if (existsSync(folder)) throw new TypeError(`packages/${name} exists already.`);
  const words = name.split("-");
  const capitalised = words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1));
  const values: Readonly<Record<string, string>> = {
    name,
    Title: capitalised.join(" "),
    Type: capitalised.join(""),
    factory: [words[0], ...capitalised.slice(1)].join(""),
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
    const name = process.argv[2] ?? "";
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
