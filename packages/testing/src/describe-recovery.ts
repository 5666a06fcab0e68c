import { randomBytes } from "node:crypto";
import { ephemeralKeys, keyring, newKey, type HeedStorage } from "@heed/core";
import { describe, expect, it } from "vitest";
import { eraseAnna, type Disturbance, type Ending } from "./describe-recovery/scene.ts";

/** The storage that {@link describeRecovery} tries out. */
export interface RecoveringStorage {
  /** For example `"sqlite"`. */
  readonly name: string;
  /** Opens an empty storage, named `place`: letters and digits, new each time. */
  readonly create: (place: string) => HeedStorage | Promise<HeedStorage>;
  /** Takes every `step`th commit and call, for a storage on which all of them take too long. Default 1: each. */
  readonly step?: number;
}

const longestMs = 240_000;

/** What would show that something was done twice, or left undone. */
const endOf = ({ request, steps, evidence, left }: Ending) => ({ request, steps, evidence, left });

/** Processors whose operations may be repeated without looking first. */
const isSafe = (name: string) => !name.startsWith("news") && !name.startsWith("billing");

/**
 * One erasure, and one thing goes wrong: after every single commit, before every single commit, and after every
 * single call to a processor, the process dies, or the answer is an error, or there is none. However it was
 * disturbed, it ends in the world and in the storage as it does undisturbed, and nothing was done twice that may
 * not be. Call it at the top of a vitest file.
 *
 * @example describeRecovery({ name: "memory", create: () => memory() });
 */
export function describeRecovery({ name, create, step = 1 }: RecoveringStorage): void {
  const erase = async (disturbance?: Disturbance): Promise<Ending> => {
    const storage = await create(`heed${randomBytes(6).toString("hex")}`);
    try {
      return await eraseAnna(storage, storage.durable ? keyring(newKey()) : ephemeralKeys(), disturbance);
    } finally {
      await storage.close();
    }
  };
  let known: Promise<Ending> | undefined;
  /** How it ends undisturbed: found out once. */
  const undisturbedEnding = () => (known ??= erase());
  const each = async (of: "commits" | "calls", disturbanceAt: (index: number) => Disturbance) => {
    const undisturbed = await undisturbedEnding();
    for (let index = 1; index <= undisturbed[of]; index += step) {
      const disturbance = disturbanceAt(index);
      const ending = await erase(disturbance);
      expect(endOf(ending), JSON.stringify(disturbance)).toEqual(endOf(undisturbed));
      for (const [run, times] of Object.entries(ending.runs)) {
        const most = (undisturbed.runs[run] ?? 0) + (isSafe(run) ? 1 : 0);
        expect(times, `${run}: ${JSON.stringify(disturbance)}`).toBeLessThanOrEqual(most);
      }
    }
  };
  describe(`recovery over ${name}`, () => {
    it("is about an erasure that works", async () => {
      const { request, steps, left, commits, calls } = await undisturbedEnding();
      expect(request).toBe("fulfilled");
      expect(steps).toHaveLength(10);
      const nothing = { records: [], optedIn: [] };
      expect(left).toEqual({
        crm: nothing,
        news: nothing,
        billing: nothing,
        app: [],
        subjects: 0,
        identifiers: 0,
        dataKeys: 0,
        sealed: 0,
      });
      expect(commits).toBeGreaterThan(40);
      expect(calls).toBeGreaterThan(20);
    });

    for (const fault of [
      { after: "dies" },
      { before: "dies" },
      { after: "throws" },
      { before: "throws" },
    ] as const) {
      const [[when, what]] = Object.entries(fault) as [["before" | "after", string]];
      it(
        `ends as undisturbed when the process ${what} ${when} any commit`,
        { timeout: longestMs },
        async () => {
          await each("commits", (commit) => ({ commit, fault }));
        },
      );
    }

    for (const how of ["throws", "hangs", "dies"] as const) {
      it(`ends as undisturbed when any call has its effect and ${how}`, { timeout: longestMs }, async () => {
        await each("calls", (call) => ({ call, how }));
      });
    }
  });
}
