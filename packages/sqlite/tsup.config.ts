import { defineConfig } from "tsup";

export default defineConfig({
  entry: ["src/index.ts"],
  format: "esm",
  target: "es2023",
  platform: "node",
  // There is no `sqlite` without its `node:`.
  removeNodeProtocol: false,
  dts: false,
  sourcemap: true,
  clean: true,
});
