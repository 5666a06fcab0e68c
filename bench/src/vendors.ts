import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startChild } from "./child.ts";
import type { Figure } from "./figure.ts";
import {
  hubspotErase,
  hubspotUnsubscribe,
  leastMs,
  stripeForget,
  stripeLimitsOf,
  type LeastPlan,
  type VendorLimit,
} from "./least.ts";

/** What everybody wants at once. */
export type VendorsWork =
  | "hubspot.unsubscribe.batched"
  | "hubspot.unsubscribe.single"
  | "hubspot.erase"
  | "stripe.forget";

/** What was seen at the vendor's end, and of the process. */
export interface VendorsSeen {
  readonly calls: number;
  readonly refused: number;
  readonly windowMax: number;
  readonly elapsedMs: number;
  /** Bytes in use after each tenth of the calls, garbage collected, the stand-in's own included. */
  readonly heap: readonly number[];
}

const people = Number(process.env["HEED_BENCH_PEOPLE"] ?? 100_000);
const everybody = <T>(one: T): readonly T[] => Array.from({ length: people }, () => one);
const hubspotLimits: Readonly<Record<string, VendorLimit>> = { burst: { calls: 190, perMs: 10_000 } };

/** The least that each can take, of what the vendor has: one contact or customer each, one address, one card. */
const least: Readonly<Record<VendorsWork, () => { readonly plan: LeastPlan; readonly ms: number }>> = {
  "hubspot.unsubscribe.batched": () =>
    atHubspot(hubspotUnsubscribe(everybody({ addresses: 1, contacts: 1 }), { batched: true }), 0),
  "hubspot.unsubscribe.single": () =>
    atHubspot(hubspotUnsubscribe(everybody({ addresses: 1, contacts: 1 }), { batched: false }), 0),
  "hubspot.erase": () => atHubspot(hubspotErase(everybody({ addresses: 1, contacts: 1 })), 30_000),
  "stripe.forget": () => {
    const plan = stripeForget(everybody({ customers: 1, cards: 1 }));
    return { plan, ms: leastMs(plan, stripeLimitsOf(plan), 60_000) };
  },
};

function atHubspot(plan: LeastPlan, settlingMs: number) {
  return { plan, ms: leastMs(plan, hubspotLimits, settlingMs) };
}

/** The disk is not measured: a file in memory, where there is such a place. */
async function inMemory<T>(work: (file: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "heed-bench-"));
  try {
    return await work(join(folder, "heed.db"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Calls and time over the least: never a call over a limit in any window, and as much memory in the end as before. */
export async function vendorFigures(work: VendorsWork): Promise<readonly Figure[]> {
  const { plan, ms } = least[work]();
  const seen = await inMemory(async (file) => {
    const told = [work, String(people), String(plan.calls), file];
    const child = startChild("vendors-child.ts", told, ["--expose-gc"]);
    try {
      return await child.next<VendorsSeen>();
    } finally {
      await child.end();
    }
  });
  if (seen.refused > 0 || seen.windowMax > 1)
    throw new Error(`${work} went over a limit: ${seen.refused} calls were refused.`);
  const [first = 0, ...later] = seen.heap.map((bytes) => Math.round(bytes / 2 ** 20));
  const flat = `fullest window ${seen.windowMax.toFixed(3)}, heap ${first} to ${Math.max(first, ...later)} MiB`;
  return [
    {
      name: `${work}.calls`,
      value: seen.calls / plan.calls,
      goal: 1.02,
      better: "lower",
      of: `${seen.calls} over ${plan.calls} calls, ${people} people`,
    },
    {
      name: `${work}.time`,
      value: seen.elapsedMs / ms,
      goal: 1.1,
      better: "lower",
      of: `${Math.round(seen.elapsedMs / 1000)} s over ${Math.round(ms / 1000)} s; ${flat}`,
    },
  ];
}
