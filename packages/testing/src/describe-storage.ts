import { randomBytes } from "node:crypto";
import type { HeedStorage } from "@heed/core/storage";
import { describe, expect, it, onTestFinished } from "vitest";
import { atomicity } from "./describe-storage/atomicity.ts";
import { handingOver } from "./describe-storage/handing-over.ts";
import { decisions } from "./describe-storage/decisions.ts";
import { delivery } from "./describe-storage/delivery.ts";
import { joining } from "./describe-storage/joining.ts";
import { durability, lifetime } from "./describe-storage/lifetime.ts";
import { queries } from "./describe-storage/queries.ts";
import type { OpenTransaction, StorageCase } from "./describe-storage/storage-case.ts";
import { writes } from "./describe-storage/writes.ts";
import { virtualClock } from "./virtual-clock.ts";

/** The storage that {@link describeStorage} tries out. */
export interface StorageUnderTest {
  /** For example `"sqlite"`. */
  readonly name: string;
  /**
   * Opens the storage named `place`: letters and digits, new for each test. A durable storage that is asked
   * for the same place again opens what is there; it is asked while the first is open, too.
   */
  readonly create: (place: string) => HeedStorage | Promise<HeedStorage>;
  /** Must say what the storage itself says. Default `false`: what only lasting data can show is left out. */
  readonly durable?: boolean;
  /**
   * Begins a transaction of the application's own on the storage of that place, with a row in a table of the
   * application's own. Leave it out where nothing can be joined: `within` is then not tried.
   */
  readonly begin?: (place: string) => Promise<OpenTransaction>;
}

const groups: Readonly<Record<string, readonly StorageCase[]>> = {
  atomicity,
  decisions,
  queries,
  writes,
  delivery,
  handingOver,
  lifetime,
};

type Opening = "new" | "reopened";

function newPlace(): string {
  return `heed${randomBytes(6).toString("hex")}`;
}

function tryOut(storage: StorageUnderTest, { promise, run }: StorageCase, opening: Opening): void {
  // oxlint-disable-next-line vitest/valid-title, vitest/expect-expect -- the case has both
  it(promise, async () => {
    const place = newPlace();
    const another = async () => {
      const opened = await storage.create(place);
      onTestFinished(() => opened.close());
      return opened;
    };
    if (opening === "reopened") await (await another()).close();
    const begin = () =>
      storage.begin?.(place) ?? Promise.reject(new Error("This storage has no transaction to join."));
    await run({ storage: await another(), clock: virtualClock(), another, begin });
  });
}

/**
 * The suite that every storage passes: what `HeedStorage` promises, one test for each promise. Call it at
 * the top of a vitest file. Where the storage is durable, each promise is tried on a new storage and again
 * on one that was closed and reopened.
 *
 * @example
 * describeStorage({ name: "memory", create: () => memory() });
 */
export function describeStorage(storage: StorageUnderTest): void {
  const isDurable = storage.durable === true;
  const openings: readonly Opening[] = isDurable ? ["new", "reopened"] : ["new"];
  const promised = {
    ...groups,
    ...(isDurable ? { durability } : {}),
    ...(storage.begin === undefined ? {} : { joining }),
  };
  describe(`storage ${storage.name}`, () => {
    it("says whether it is durable", async () => {
      const opened = await storage.create(newPlace());
      onTestFinished(() => opened.close());
      expect(opened.durable).toBe(isDurable);
      expect(opened.specificationVersion).toBe("v1");
    });
    for (const opening of openings) {
      for (const [group, cases] of Object.entries(promised)) {
        describe(`${opening}: ${group}`, () => {
          for (const each of cases) tryOut(storage, each, opening);
        });
      }
    }
  });
}
