import { fileURLToPath } from "node:url";
import { canMount, onSmallDisk } from "@heed/testing/private";
import { expect, it } from "vitest";

const program = fileURLToPath(new URL("../test/full-disk.ts", import.meta.url));

/** A server of its own is needed: PostgreSQL runs neither as root nor as a user who is taken for root. */
const canStart = process.env["HEED_TEST_DATABASE_URL"] === undefined && process.getuid?.() === 0;

it.skipIf(!canStart || !canMount())(
  "a server whose disk is full costs nothing that was acknowledged, and takes choices again when there is room",
  { timeout: 60_000 },
  async () => {
    const stdout = await onSmallDisk(program, 200);
    const seen = JSON.parse(stdout) as { readonly acknowledged: number };
    expect(seen).toEqual({
      acknowledged: expect.any(Number) as number,
      refusal: {
        code: "storage-failed",
        message: expect.stringMatching(/53100, and nothing of this was stored\. .*disk is full/) as string,
      },
      whileFull: ["not-given", "never-asked"],
      mended: true,
      states: ["not-given"],
      // The one before, those that were acknowledged, and the one that was refused and asked again.
      events: seen.acknowledged + 2,
    });
    expect(seen.acknowledged).toBeGreaterThan(0);
    expect(stdout).not.toContain("canary");
  },
);
