import { defineConfig } from "tsup";

/** How every package is built: JavaScript only, since `tsc` writes the declarations. */
export function packageConfig(entry: readonly string[]) {
  return defineConfig({
    entry: [...entry],
    format: "esm",
    target: "es2023",
    platform: "node",
    // Some modules, `node:sqlite` among them, do not exist without the prefix.
    removeNodeProtocol: false,
    dts: false,
    sourcemap: true,
    clean: true,
  });
}
