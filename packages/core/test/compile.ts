import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** What the compiler said of a program. */
export interface Compiled {
  /** Each with its place and details, as the compiler prints it. */
  readonly errors: readonly string[];
  /** `--extendedDiagnostics`, in seconds. */
  readonly checkSeconds: number;
}

const core = dirname(import.meta.dirname);
const compiler = fileURLToPath(new URL("bin/tsc", import.meta.resolve("typescript/package.json")));

/** Compiles a program against the source of this package, with the settings of the workspace. */
export async function compile(program: string): Promise<Compiled> {
  const cache = join(core, "node_modules", ".cache");
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, "compile-"));
  try {
    await writeFile(join(folder, "main.mts"), `import * as heed from "../../../src/index.ts";\n${program}\n`);
    const settings = {
      extends: join(core, "..", "..", "tsconfig.base.json"),
      compilerOptions: { noUnusedLocals: false },
      files: ["main.mts"],
    };
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify(settings));
    const output = await run([
      compiler,
      "-p",
      folder,
      "--noEmit",
      "--extendedDiagnostics",
      "--pretty",
      "false",
    ]);
    const seconds = /^Check time:\s+([\d.]+)s/m.exec(output)?.[1];
    if (seconds === undefined) throw new Error(`The compiler did not finish:\n${output}`);
    const [said = ""] = output.split(/^Files:/m);
    const blocks = said.split(/^(?=.*\(\d+,\d+\): error TS)/m).map((block) => block.trim());
    return { errors: blocks.filter((block) => block !== ""), checkSeconds: Number(seconds) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function run(command: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    // Errors in the program are an answer here; that it ran to its end is seen by its diagnostics.
    execFile(process.execPath, command, { maxBuffer: 2 ** 24 }, (_error, stdout, stderr) =>
      resolve(stdout + stderr),
    );
  });
}
