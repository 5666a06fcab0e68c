import { defineConfig } from "vitest/config";
import shared from "./vitest.shared.ts";

export default defineConfig({
  test: {
    projects: [
      "packages/*",
      "examples/*",
      { ...shared, test: { ...shared.test, name: "bench", include: ["bench/**/*.test.ts"] } },
      { test: { name: "scripts", include: ["scripts/**/*.test.ts"], testTimeout: 20_000 } },
    ],
    reporters: ["default", "./scripts/closing-line.ts"],
    coverage: { provider: "v8", include: ["packages/*/src/**"], reporter: ["text-summary", "json-summary"] },
  },
});
