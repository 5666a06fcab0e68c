import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";

/** The last lines of a run of these tests. */
function lastLines(tests: string, count: number): string[] {
  const folder = mkdtempSync(join(tmpdir(), "heed-closing-line-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "any.test.js"), tests);
  const vitest = join(import.meta.dirname, "../node_modules/vitest/vitest.mjs");
  const reporter = join(import.meta.dirname, "closing-line.ts");
  const args = ["run", "--globals", "--root", folder, "--reporter", "default", "--reporter", reporter];
  const { stdout } = spawnSync(process.execPath, [vitest, ...args], { encoding: "utf8" });
  return stdout.trimEnd().split("\n").slice(-count);
}

it("counts, and says what was left out for want of something on this machine", () => {
  const lines = lastLines(
    `it("passes", () => {});
    it("fails", () => expect(1).toBe(2));
    it.skip("is not said", () => {});
    it("is not said either", (context) => context.skip("no need"));
    for (const name of ["one", "two"]) it(name, (context) => context.skip("Left out: no disk"));`,
    3,
  );
  expect(lines).toEqual(["", "Left out: no disk (tests: 2)", "1 passed, 1 failed, 4 skipped"]);
});

it("says nothing of what was left out where nothing was", () => {
  expect(lastLines(`it("passes", () => {});`, 2)).toEqual(["", "1 passed, 0 failed"]);
});
