import { startChild } from "./child.ts";
import type { Figure } from "./figure.ts";
import { inPlace, type Place } from "./places.ts";

const many = Number(process.env["HEED_BENCH_BULK"] ?? 1_000_000);
const few = 10_000;

/** In a large heap V8 lets garbage lie, and more of it the longer a process runs: that is not heed's memory. */
const smallHeap = ["--max-old-space-size=64", "--max-semi-space-size=8"];

/** What putting them in took. */
export interface BulkCost {
  readonly ms: number;
  readonly rssBytes: number;
}

/** Each in a process and a storage of its own. */
async function cost(kind: Place["kind"], what: "bulk" | "bare", count: number): Promise<BulkCost> {
  return inPlace(kind, async (place) => {
    // Memory is measured on SQLite alone; a small heap costs time.
    const heap = kind === "sqlite" ? smallHeap : [];
    const child = startChild("bulk-child.ts", [JSON.stringify(place), what, String(count)], heap);
    const found = await child.next<BulkCost>();
    await child.end();
    return found;
  });
}

/**
 * A million opt-outs of people whom heed does not know yet, beside a bare insert of as many event and step rows
 * into the same tables.
 */
export async function bulkFigures(kind: Place["kind"]): Promise<readonly Figure[]> {
  const plain = await cost(kind, "bare", many);
  const bulk = await cost(kind, "bulk", many);
  const time: Figure = {
    name: `bulk.${kind}.time`,
    value: bulk.ms / plain.ms,
    goal: 4,
    better: "lower",
    of: `${seconds(bulk)} over ${seconds(plain)}, ${many} people`,
  };
  if (kind === "postgres") return [time];
  const small = await cost(kind, "bulk", few);
  return [
    time,
    {
      name: "bulk.sqlite.memory",
      value: bulk.rssBytes / small.rssBytes,
      goal: 1.3,
      better: "lower",
      of: `${mebibytes(bulk)} at ${many} over ${mebibytes(small)} at ${few}`,
    },
  ];
}

const seconds = ({ ms }: BulkCost): string => `${(ms / 1000).toFixed(1)} s`;
const mebibytes = ({ rssBytes }: BulkCost): string => `${Math.round(rssBytes / 2 ** 20)} MiB`;
