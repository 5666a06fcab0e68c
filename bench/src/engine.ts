import { keyring, newKey } from "@heed/core";
import { startChild } from "./child.ts";
import { addressOf, company } from "./company.ts";
import type { Figure } from "./figure.ts";
import { openStorage, type Place } from "./places.ts";

const steps = 20_000;
/** As many as a worker has in hand: four batches of fifty. */
const callsAtOnce = 200;

interface Bare {
  readonly perSecond: number;
  readonly cpuMicros: number;
}

interface Worked {
  readonly settled: number;
  readonly open: number;
  readonly seconds: number;
  readonly cpuMicros: number;
}

/** Plans the steps: one opt-out for each person. */
async function plan(place: Place, keys: string, url: string): Promise<void> {
  const heed = company(openStorage(place), keyring(keys), url);
  for (let at = 0; at < steps; at += 200) {
    await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        heed.subscriptions.unsubscribe({ subject: { email: addressOf(at + index) }, topic: "news" }),
      ),
    );
  }
  // What is measured is the evidence of steps, not that of the choices behind them.
  await heed.evidence.seal();
  await heed.close();
}

/** One worker carries 20,000 steps out without limits, beside a bare loop of as many calls to the same server. */
export async function engineSteps(place: Place, goal: number): Promise<readonly Figure[]> {
  const server = startChild("vendor-server.ts");
  try {
    const url = await server.next<string>();
    const keys = newKey();
    await plan(place, keys, url);
    const loop = async () => {
      const child = startChild("bare-loop.ts", [url, String(steps), String(callsAtOnce)]);
      const result = await child.next<Bare>();
      await child.end();
      return result;
    };
    // Before and after, so that a machine that slows down meanwhile flatters neither.
    const before = await loop();
    const worker = startChild("engine-worker.ts", [JSON.stringify(place), keys, url]);
    await worker.next();
    worker.goOn();
    const worked = await worker.next<Worked>();
    await worker.end();
    const after = await loop();
    if (worked.settled !== steps || worked.open !== 0)
      throw new Error(`Not all was settled: ${JSON.stringify(worked)}`);
    const bare = (before.perSecond + after.perSecond) / 2;
    const bareCpu = (before.cpuMicros + after.cpuMicros) / 2;
    const perSecond = steps / worked.seconds;
    return [
      {
        name: `engine.${place.kind}.steps`,
        value: perSecond / bare,
        goal,
        better: "higher",
        of: `${Math.round(perSecond)} steps/s over ${Math.round(bare)} calls/s`,
      },
      ...(place.kind === "sqlite"
        ? ([
            {
              name: "engine.sqlite.cpu",
              value: worked.cpuMicros / bareCpu,
              goal: 2.5,
              better: "lower",
              of: `${Math.round(worked.cpuMicros)} µs/step over ${Math.round(bareCpu)} µs/call`,
            },
          ] as const)
        : []),
    ];
  } finally {
    await server.end();
  }
}
