// A registry can lack a binary for some platform, and pnpm drops such an optional dependency silently:
// the lockfile then installs here and nowhere else. Every optional dependency of every installed package
// must be in the lockfile. Run it after a clean install.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

interface Manifest {
  name: string;
  version: string;
  optionalDependencies?: Record<string, string>;
}

const lock = readFileSync("pnpm-lock.yaml", "utf8");
const store = "node_modules/.pnpm";
const seen = new Set<string>();
let complete = 0;
let incomplete = 0;

for (const entry of readdirSync(store)) {
  const modules = join(store, entry, "node_modules");
  if (!existsSync(modules)) continue;
  const names = readdirSync(modules).flatMap((name) =>
    name.startsWith("@") ? readdirSync(join(modules, name)).map((child) => `${name}/${child}`) : [name],
  );
  for (const name of names) {
    const file = join(modules, name, "package.json");
    if (!existsSync(file)) continue;
    const manifest = JSON.parse(readFileSync(file, "utf8")) as Manifest;
    const id = `${manifest.name}@${manifest.version}`;
    const optional = Object.keys(manifest.optionalDependencies ?? {});
    if (seen.has(id) || optional.length === 0) continue;
    seen.add(id);
    const missing = optional.filter((dependency) => !lock.includes(`${dependency}@`));
    if (missing.length === 0) complete += 1;
    else {
      incomplete += 1;
      console.log(`${id} lacks ${missing.length} of ${optional.length}: ${missing.join(" ")}`);
    }
  }
}

console.log(`lockfile: ${complete} packages complete for every platform, ${incomplete} incomplete`);
process.exit(incomplete === 0 ? 0 : 1);
