import { newKey } from "@heed/core";
import { startChild } from "./child.ts";
import type { Figure } from "./figure.ts";
import type { Place } from "./places.ts";

/** What a worker costs while nothing is due: percent of one core. */
export async function idle(place: Place): Promise<readonly Figure[]> {
  const worker = startChild("idle-worker.ts", [JSON.stringify(place), newKey(), "15"]);
  const percent = await worker.next<number>();
  await worker.end();
  return [
    { name: "engine.idle.corePercent", value: percent, goal: 1, better: "lower", of: "CPU over time, 15 s" },
  ];
}
