import { defineProject } from "vitest/config";

const conditions = ["@heed/source", "node", "import", "default"];

/** What every project shares: workspace packages resolve to their source, so tests need no build. */
export default defineProject({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: { testTimeout: 20_000, hookTimeout: 20_000 },
});
