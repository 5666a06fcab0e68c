// What a reader gets: every published package is packed, installed with npm in an empty folder, imported,
// required, type-checked and run there. Nothing of the workspace is in reach but its TypeScript.
import { spawnSync } from "node:child_process";
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

const root = join(import.meta.dirname, "..");
const consumer = mkdtempSync(join(tmpdir(), "heed-consumer-"));

/** Runs a program and returns its standard output; a failure shows everything it wrote. */
function run(program: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: "utf8" });
  if (status === 0) return stdout;
  throw new Error(`${program} ${args.join(" ")} ended with ${status}\n${stdout}${stderr}`, { cause: error });
}

function readManifest(file: string): Manifest {
  return JSON.parse(readFileSync(file, "utf8")) as Manifest;
}

function write(name: string, lines: readonly string[]): void {
  writeFileSync(join(consumer, name), `${lines.join("\n")}\n`);
}

function claim(holds: boolean, message: string): void {
  if (!holds) throw new Error(message);
}

function step(what: string, act: () => void): void {
  try {
    act();
    console.log(`ok      ${what}`);
  } catch (error) {
    console.log(
      `FAILED  ${what}\n${error instanceof Error ? error.message : String(error)}\n(see ${consumer})`,
    );
    process.exit(1);
  }
}

const published = globSync("packages/*/package.json", { cwd: root })
  .map((file) => readManifest(join(root, file)))
  .filter((manifest) => manifest.private !== true);
const typescript = join(root, "node_modules/typescript/bin/tsc");

/** Every entry point, as a reader names it: `@heed/core/contract`. */
function entries(): readonly string[] {
  return published.flatMap(({ name }) =>
    Object.keys(readManifest(join(consumer, "node_modules", name, "package.json")).exports ?? {})
      .filter((path) => path !== "./package.json")
      .map((path) => join(name, path)),
  );
}

step("builds", () => run("turbo", ["run", "build", "--output-logs=errors-only"], root));

step(`packs ${published.length} packages, each with licence, readme and build, without tests`, () => {
  for (const { name } of published) {
    run("pnpm", ["--filter", name, "exec", "pnpm", "pack", "--pack-destination", consumer], root);
  }
  const tarballs = globSync("*.tgz", { cwd: consumer });
  claim(tarballs.length === published.length, `packed ${tarballs.length} of ${published.length}`);
  for (const tarball of tarballs) {
    const files = run("tar", ["-tzf", tarball], consumer).trim().split("\n");
    for (const needed of ["package/LICENSE", "package/README.md"]) {
      claim(files.includes(needed), `${tarball} has no ${needed}`);
    }
    claim(
      files.some((file) => file.startsWith("package/dist/")),
      `${tarball} has no build`,
    );
    const tests = files.filter((file) => /\.test(-d)?\.ts$|\.test(-d)?\.d\.ts$/.test(file));
    claim(tests.length === 0, `${tarball} carries tests: ${tests.join(" ")}`);
    const manifest = run("tar", ["-xzOf", tarball, "package/package.json"], consumer);
    claim(!/workspace:|@heed\/source/.test(manifest), `${tarball} still speaks of the workspace`);
  }
});

step("installs with npm", () => {
  const peers = published.flatMap(({ peerDependencies = {} }) =>
    Object.entries(peerDependencies).flatMap(([name, range]) =>
      name.startsWith("@heed/") ? [] : `${name}@${range}`,
    ),
  );
  const types = createRequire(join(root, "package.json"))("@types/node/package.json") as { version: string };
  write("package.json", ['{ "private": true, "type": "module" }']);
  const tarballs = globSync("*.tgz", { cwd: consumer }).map((tarball) => `./${tarball}`);
  const packages = [...tarballs, ...new Set(peers), `@types/node@${types.version}`];
  run("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", ...packages], consumer);
});

step("imports and requires every entry point, to the same names", () => {
  write("load.mjs", [
    'import { createRequire } from "node:module";',
    "const require = createRequire(import.meta.url);",
    "for (const entry of process.argv.slice(2)) {",
    "  const imported = Object.keys(await import(entry)).join();",
    '  if (imported === "") throw new Error(`${entry} exports nothing`);',
    "  if (imported !== Object.keys(require(entry)).join()) throw new Error(`${entry} differs when required`);",
    "}",
  ]);
  run(process.execPath, ["load.mjs", ...entries()], consumer);
});

step("type-checks as ESM and as CommonJS, declarations included", () => {
  cpSync(join(root, "examples/quickstart/src/quickstart.ts"), join(consumer, "quickstart.mts"));
  write("entries.mts", [
    ...entries().map((entry, index) => `import * as entry${index} from "${entry}";`),
    `export const all = [${entries()
      .map((_entry, index) => `entry${index}`)
      .join(", ")}];`,
  ]);
  write("entries.cts", [
    ...entries().map((entry, index) => `import entry${index} = require("${entry}");`),
    `export const all = [${entries()
      .map((_entry, index) => `entry${index}`)
      .join(", ")}];`,
  ]);
  const compilerOptions = {
    module: "nodenext",
    target: "es2023",
    lib: ["es2023", "dom"],
    types: ["node"],
    strict: true,
    skipLibCheck: false,
    noEmit: true,
  };
  write("tsconfig.json", [JSON.stringify({ compilerOptions, include: ["*.mts", "*.cts"] })]);
  run(process.execPath, [typescript, "-p", consumer], consumer);
});

step("would see a broken declaration", () => {
  const declaration = join(consumer, "node_modules/@heed/core/dist/index.d.ts");
  const whole = readFileSync(declaration, "utf8");
  writeFileSync(declaration, `${whole}\nexport declare const broken: NoSuchType;\n`);
  const { status, stdout } = spawnSync(process.execPath, [typescript, "-p", consumer], {
    cwd: consumer,
    encoding: "utf8",
  });
  claim(status !== 0 && stdout.includes("NoSuchType"), "a broken declaration passed the type check");
  writeFileSync(declaration, whole);
});

step("runs the quickstart", () => {
  const output = run(process.execPath, ["quickstart.mts"], consumer);
  claim(output.includes("fulfilled"), `the quickstart ended otherwise:\n${output}`);
});

step("runs npx heed keys, to a keyring that core reads", () => {
  const keys = run("npx", ["--no", "heed", "keys"], consumer);
  write("keys.mjs", ['import { keyring } from "@heed/core";', "keyring(process.argv[2]);"]);
  run(process.execPath, ["keys.mjs", keys], consumer);
});

rmSync(consumer, { recursive: true });
