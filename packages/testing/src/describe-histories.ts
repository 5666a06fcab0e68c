import { randomBytes } from "node:crypto";
import type { HeedStorage } from "@heed/core";
import { describe, expect, it } from "vitest";
import { promises, type PromiseId } from "./simulation/promises.ts";
import { month, simulate, type History, type Size } from "./simulation/simulate.ts";

/** The storage that {@link describeHistories} tries out. */
export interface StorageOfHistories {
  /** For example `"sqlite"`. */
  readonly name: string;
  /** Opens an empty storage, named `place`: letters and digits, new each time. */
  readonly create: (place: string) => HeedStorage | Promise<HeedStorage>;
  /**
   * How many histories. The environment's `HEED_SEED` runs that one seed in their place, and `HEED_SIZE=10x1`
   * makes it one of ten days and one person. Default 20.
   */
  readonly seeds?: number;
  /** How long each is, and about how many people. Default: a month, three people. */
  readonly size?: Size;
  /**
   * Whether a seed repeats its history to the last digit. Not over a storage that also goes by a clock of its own,
   * as a server does: it is held to the promises alone, and the end is waited for by that clock too. Default `true`.
   */
  readonly repeats?: boolean;
}

/** What does not happen in every history, and has to in many: else they would show nothing. */
const mustHappen = [
  "worker died",
  "handed over",
  "run lies",
  "run loses",
  "run stalls",
  "ended superseded",
  "ended cancelled",
  "ended manual",
  "ended retained",
  "request fulfilled",
  "request partially_fulfilled",
  "request withdrawn",
  "request denied",
  "request expired",
  "objection fulfilled",
  "objection lifted",
] as const;
const many = 40;

/** More than a server needs to find out that a worker is gone, and to hand its work to another. */
const patienceMs = 60_000;

/** From small to large: the first that still fails is the easiest to read. */
const smaller: readonly Size[] = [
  { days: 10, people: 1 },
  { days: 30, people: 1 },
  { days: 10, people: 2 },
  { days: 20, people: 2 },
];

/**
 * Months in the life of a company, each drawn from a seed: people opt in and out by every way, are erased and
 * come back; vendors are down for days, lag, lie, lose answers and slow down; processes die, stand still past
 * their leases, and lack keys; storages fail. What must hold all the time is checked at every commit and every
 * call, and what must hold in the end is asked of the vendors. A seed repeats its history to the last digit.
 * Call it at the top of a vitest file.
 *
 * @example describeHistories({ name: "memory", create: () => memory() });
 */
export function describeHistories({
  name,
  create,
  seeds: count = 20,
  size: given = month,
  repeats = true,
}: StorageOfHistories): void {
  const only = process.env["HEED_SEED"];
  const seeds =
    only === undefined ? Array.from({ length: Math.ceil(count) }, (_, index) => `${index + 1}`) : [only];
  const [, days, people] = /^(\d+)x(\d+)$/.exec(process.env["HEED_SIZE"] ?? "") ?? [];
  const whole: Size = days === undefined ? given : { days: Number(days), people: Number(people) };
  const live = async (seed: string, size: Size = whole): Promise<History> => {
    const storage = await create(`heed${randomBytes(6).toString("hex")}`);
    try {
      return await simulate(seed, storage, size, repeats ? {} : { patienceMs });
    } finally {
      await storage.close();
    }
  };
  /** The violations of the smallest history of this seed that shows any. */
  const told = async (seed: string, { violations }: History): Promise<string> => {
    let shown = { size: whole, violations };
    for (const size of smaller) {
      if (size.days >= whole.days && size.people >= whole.people) break;
      const { violations: fewer } = await live(seed, size);
      if (fewer.length > 0) {
        shown = { size, violations: fewer };
        break;
      }
    }
    const broken = [...new Set(shown.violations.map((each) => each.split(" ")[0] as PromiseId))];
    return [
      `The history of seed ${seed} breaks a promise. Run it again, with all that happens printed:`,
      `HEED_HISTORY=1 HEED_SEED=${seed} HEED_SIZE=${shown.size.days}x${shown.size.people} pnpm test:seed`,
      ...broken.map((id) => `${id}: ${promises[id]}`),
      ...shown.violations.slice(0, 20).map((each) => `  ${each}`),
    ].join("\n");
  };

  describe(`histories of ${whole.days} days over ${name}`, () => {
    const timeout = 60_000 + seeds.length * 30_000;
    it(
      `keep every promise, for ${seeds.length === 1 ? `seed ${seeds[0]}` : `${seeds.length} seeds`}`,
      { timeout },
      async () => {
        const happened: Record<string, number> = {};
        for (const seed of seeds) {
          const history = await live(seed);
          expect(history.violations.length === 0 ? "" : await told(seed, history)).toBe("");
          for (const [what, times] of Object.entries(history.counts))
            happened[what] = (happened[what] ?? 0) + times;
        }
        const wanted = seeds.length >= many && whole === month ? mustHappen : [];
        expect(wanted.filter((what) => (happened[what] ?? 0) === 0)).toEqual([]);
      },
    );

    if (!repeats) return;
    it("are repeated by their seed", { timeout: 120_000 }, async () => {
      const [seed = "1"] = seeds;
      const size = { days: 10, people: 3 };
      const first = await live(seed, size);
      const second = await live(seed, size);
      expect([second.digest, second.counts]).toEqual([first.digest, first.counts]);
      expect((await live(`${seed} and another`, size)).digest).not.toBe(first.digest);
    });
  });
}
