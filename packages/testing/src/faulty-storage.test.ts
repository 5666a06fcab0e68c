import { memory, type HeedStorage } from "@heed/core";
import { describe, expect, it } from "vitest";
import { insertOf, read, refusal, write } from "./describe-storage/storage-case.ts";
import { faulty, type CommitFault } from "./faulty-storage.ts";
import { virtualClock } from "./virtual-clock.ts";

const clock = virtualClock();
const bench = (storage: HeedStorage) => ({
  storage,
  clock,
  another: async () => storage,
  begin: () => Promise.reject(new TypeError("nothing to join")),
});
const subject = (id: string) => insertOf("subjects", { id });
const ids = async (storage: HeedStorage) =>
  (await read(bench(storage), { from: "subjects", where: {} })).map((row) => row.id);

/** Whether it is answered within some turns of the event loop. */
const isAnswered = (promise: Promise<unknown>): Promise<boolean> =>
  Promise.race([
    promise.then(
      () => true,
      () => true,
    ),
    new Promise<boolean>((resolve) => setImmediate(() => setImmediate(() => resolve(false)))),
  ]);

describe("a faulty storage", () => {
  it.each<[CommitFault, readonly string[]]>([
    [{ before: "throws" }, ["first", "third"]],
    [{ after: "throws" }, ["first", "second", "third"]],
  ])("fails the commit that it was told to, and goes on: %j", async (fault, left) => {
    const storage = memory();
    const seen = faulty(storage, (commit) => (commit === 2 ? fault : undefined));
    await write(bench(seen), subject("first"));
    expect(await refusal(write(bench(seen), subject("second")))).toMatchObject({ code: "storage-failed" });
    await write(bench(seen), subject("third"));
    expect(await ids(storage)).toEqual(left);
    expect(seen.isDead).toBe(false);
  });

  it.each<[CommitFault, readonly string[]]>([
    [{ before: "dies" }, []],
    [{ after: "dies" }, ["first"]],
  ])("answers nothing more once its process is dead: %j", async (fault, left) => {
    const storage = memory();
    const seen = faulty(storage, () => fault);
    expect(await isAnswered(write(bench(seen), subject("first")))).toBe(false);
    await seen.died;
    expect(await isAnswered(write(bench(seen), subject("second")))).toBe(false);
    expect(
      await isAnswered(seen.due({ namespace: "default", now: "2026-01-01T00:00:00.000Z", max: 1 })),
    ).toBe(false);
    expect(await ids(storage)).toEqual(left);
  });

  it("gives no answer to what was in flight when its process died", async () => {
    const storage = memory();
    const seen = faulty(storage);
    const inFlight = write(bench(seen), subject("first"));
    seen.die();
    expect(await isAnswered(inFlight)).toBe(false);
    expect(await ids(storage)).toEqual(["first"]);
  });

  it("counts commits, and no transaction that only reads", async () => {
    const seen = faulty(memory(), (commit) => (commit === 1 ? { before: "throws" } : undefined));
    expect(await ids(seen)).toEqual([]);
    expect(seen.commits).toBe(0);
    await refusal(write(bench(seen), subject("first")));
    await write(bench(seen), subject("first"));
    expect(seen.commits).toBe(2);
  });
});
