import { fileURLToPath } from "node:url";
import { createHeed, definePolicy, isHeedError, keyring, newKey } from "@heed/core";
import { canMount, onSmallDisk } from "@heed/testing/private";
import { describe, expect, it, onTestFinished } from "vitest";
import { startChild } from "../test/child.ts";
import { temporaryFile } from "../test/temporary-file.ts";
import { sqlite } from "./sqlite.ts";

const program = fileURLToPath(new URL("../test/bad-disk.ts", import.meta.url));

describe("a disk", () => {
  it.skipIf(!canMount())(
    "that is full, or cannot be written to, costs nothing that was acknowledged, and work goes on when it is mended",
    { timeout: 60_000 },
    async () => {
      const stdout = await onSmallDisk(program, 3);
      const [seen, stored] = stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      const full = {
        code: "storage-failed",
        message: expect.stringMatching(/disk is full\. Nothing of this was written/) as string,
      };
      expect(seen).toEqual({
        acknowledged: expect.any(Number) as number,
        refusals: [full, full, full],
        whileFull: ["not-given", "not-given", "never-asked"],
        afterwards: ["not-given", "not-given"],
        readOnly: {
          code: "storage-failed",
          message: expect.stringMatching(/may write to the file and to its directory/) as string,
        },
        mended: "not-given",
      });
      const { acknowledged } = seen as { acknowledged: number };
      expect(acknowledged).toBeGreaterThan(5);
      // Those before the disk was full, the one after it was mended, and the one after it could be written again.
      const all = acknowledged + 2;
      expect(stored).toEqual({
        integrity: "ok",
        subjects: all,
        events: all,
        evidence: all,
        identifiers: all,
        dataKeys: all,
        suppressions: all,
      });
    },
  );
});

describe("a file that another process keeps locked", () => {
  it("refuses a choice after the time that was said, and the next one is recorded when it is free", async () => {
    const file = temporaryFile();
    const heed = createHeed({
      policy: definePolicy({
        controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
        purposes: { news: { basis: "consent" } },
        topics: { news: { class: "marketing", purpose: "news" } },
      }),
      storage: sqlite({ file, giveUpAfterMs: 60 }),
      keys: keyring(newKey()),
      work: { pollMs: 20 },
    });
    onTestFinished(() => heed.close());
    const subject = { email: "anna.canary@example.org" };
    const optOut = () => heed.subscriptions.unsubscribe({ subject, topic: "news" });
    const state = async () => (await heed.subscriptions.state({ subject, topic: "news" })).state;
    expect(await state()).toBe("never-asked");
    const holder = startChild("hold-lock.ts", file, "700");
    await holder.printed(1);
    const told: unknown[] = [];
    heed.on("work.failed", ({ error }) => told.push(isHeedError(error) ? error.code : error));
    heed.work.start();
    const error: unknown = await optOut().catch((refused: unknown) => refused);
    expect(isHeedError(error) && [error.code, error.message]).toEqual([
      "storage-busy",
      expect.stringMatching(/Look for a process that keeps a transaction open/),
    ]);
    expect(String(error)).not.toContain("canary");
    await holder.ended();
    expect(await state()).toBe("never-asked");
    await optOut();
    expect(await state()).toBe("not-given");
    await heed.work.stop();
    // A worker that met the lock told so, and went on.
    expect(new Set(told)).toEqual(new Set(["storage-busy"]));
  });
});
