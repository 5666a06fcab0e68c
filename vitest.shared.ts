import { defineProject } from "vitest/config";

// `import` is not among them: who imports has it anyway, and a CommonJS package that requires must not.
const conditions = ["@heed/source", "node", "default"];

/** What every project shares: workspace packages resolve to their source, so tests need no build. */
export default defineProject({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // Test files of a project share a process: to start one and load everything takes longer than most files. One that mocks a
    // module resets the modules first, and again in the end.
    isolate: false,
    restoreMocks: true,
  },
});
