import type { Reporter, TestModule } from "vitest/node";

/**
 * Ends a run with one plain line, `N passed, N failed`, that other tools can read. Before it stands what was left out
 * because this machine lacks something: tests that were skipped with a note `Left out: <why>`.
 */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    let passed = 0;
    let failed = errors.length;
    let skipped = 0;
    const leftOut = new Map<string, number>();
    for (const module of modules) {
      failed += module.errors().length;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === "passed") passed += 1;
        else if (result.state === "failed") failed += 1;
        else skipped += 1;
        const note = result.state === "skipped" ? (result.note ?? "") : "";
        if (note.startsWith("Left out: ")) leftOut.set(note, (leftOut.get(note) ?? 0) + 1);
      }
    }
    process.on("exit", () => {
      for (const [why, tests] of leftOut) process.stdout.write(`${why} (tests: ${tests})\n`);
      process.stdout.write(`${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ""}\n`);
    });
  }
}
