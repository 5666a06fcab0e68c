import { defineConfig } from "tsup";

export default defineConfig({
  entry: ["src/heed.ts"],
  format: "esm",
  target: "es2023",
  platform: "node",
  removeNodeProtocol: false,
  dts: false,
  sourcemap: true,
  clean: true,
});
