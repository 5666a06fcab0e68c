import { setImmediate as turn } from "node:timers/promises";
import { DatabaseSync } from "node:sqlite";
import { isHeedError } from "@heed/core/storage";
import { read, subject, write } from "@heed/testing/private";
import { describe, expect, it, onTestFinished } from "vitest";
import { startChild } from "../test/child.ts";
import { temporaryFile } from "../test/temporary-file.ts";
import { sqlite } from "./sqlite.ts";

async function countTurns(signal: AbortSignal): Promise<number> {
  let turns = 0;
  for (; !signal.aborted; turns += 1) await turn();
  return turns;
}

describe("a file that another process has locked", () => {
  it("is waited for while the event loop keeps turning", async () => {
    const file = temporaryFile();
    const storage = sqlite(file);
    onTestFinished(() => storage.close());
    await write(storage, [subject("first")]);
    const holder = startChild("hold-lock.ts", file, "300");
    await holder.printed(1);
    const turning = new AbortController();
    const turns = countTurns(turning.signal);
    await write(storage, [subject("second")]);
    turning.abort();
    // A wait inside SQLite would have let the loop turn two or three times in all.
    expect(await turns).toBeGreaterThan(100);
    expect(await read(storage, { from: "subjects", where: {} })).toHaveLength(2);
  });

  it("is waited for on opening as well", async () => {
    const file = temporaryFile();
    const first = sqlite(file);
    await write(first, [subject("first")]);
    await first.close();
    const holder = startChild("hold-lock.ts", file, "100");
    await holder.printed(1);
    const storage = sqlite(file);
    onTestFinished(() => storage.close());
    await write(storage, [subject("second")]);
    expect(await read(storage, { from: "subjects", where: {} })).toHaveLength(2);
  });

  it("is given up in the end, with everything that waited refused and nothing written", async () => {
    const file = temporaryFile();
    const storage = sqlite({ file, giveUpAfterMs: 20 });
    onTestFinished(() => storage.close());
    await write(storage, [subject("first")]);
    const holder = new DatabaseSync(file);
    onTestFinished(() => holder.close());
    holder.exec("BEGIN IMMEDIATE");
    const outcomes = await Promise.allSettled([
      write(storage, [subject("second")]),
      write(storage, [subject("third")]),
    ]);
    const codes = outcomes.map((each) =>
      each.status === "rejected" && isHeedError(each.reason) ? each.reason.code : each.status,
    );
    expect(codes).toEqual(["storage-busy", "storage-busy"]);
    holder.exec("COMMIT");
    expect(await read(storage, { from: "subjects", where: {} })).toHaveLength(1);
    await write(storage, [subject("fourth")]);
    expect(await read(storage, { from: "subjects", where: {} })).toHaveLength(2);
  });
});
