import { isHeedError } from "@heed/core/storage";
import { expect } from "vitest";
import { increment, insertOf, read, refusal, write, type StorageCase } from "./storage-case.ts";

/** Scrubbing and closing. */
export const lifetime: readonly StorageCase[] = [
  {
    promise: "scrubs when nothing is in the way",
    async run(bench) {
      await write(bench, insertOf("dataKeys", { owner: "a" }));
      await write(bench, { remove: "dataKeys", where: { owner: "a" } });
      expect(await bench.storage.scrub()).toBe(true);
    },
  },
  {
    promise: "finishes what was asked before it closes, and refuses what is asked after",
    async run(bench) {
      const asked = write(bench, insertOf("subjects", { id: "a" }));
      const { storage } = bench;
      await Promise.all([asked, storage.close()]);
      await storage.close();
      const refusals = await Promise.all([
        refusal(read(bench, { from: "subjects", where: {} })),
        refusal(storage.due({ namespace: "acme", now: "2026-06-01T12:00:00.000Z", max: 1 })),
        refusal(storage.scrub()),
      ]);
      for (const error of refusals) expect(isHeedError(error) && error.code).toBe("storage-closed");
    },
  },
];

/** What only a storage that outlives its process can promise. */
export const durability: readonly StorageCase[] = [
  {
    promise: "still has what was committed after it was closed and opened again",
    async run(bench) {
      await write(bench, insertOf("subjects", { id: "a" }));
      await bench.storage.close();
      const storage = await bench.another();
      expect(await read({ ...bench, storage }, { from: "subjects", where: {} })).toHaveLength(1);
    },
  },
  {
    promise: "shows two instances the same, and loses none of 100 increments between them",
    async run(bench) {
      const other = await bench.another();
      await write(bench, insertOf("limits", { bucket: "a" }));
      const both = [bench, { ...bench, storage: other }];
      await Promise.all(
        Array.from({ length: 50 }, () => both)
          .flat()
          .map(increment),
      );
      const seen = await read({ ...bench, storage: other }, { from: "limits", where: {} });
      expect(seen[0]?.arrival).toBe(100);
    },
  },
];
