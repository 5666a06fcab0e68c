import { keyring, newKey } from "@heed/core";
import { startChild } from "./child.ts";
import { addressOf, company } from "./company.ts";
import { median, type Figure } from "./figure.ts";
import { openStorage, type Place } from "./places.ts";

const steps = 20_000;
/** As many as a worker has in hand: four batches of fifty. */
const callsAtOnce = 200;

interface Bare {
  readonly perSecond: number;
  readonly cpuMicros: number;
}

interface Worked {
  /** Steps that warmed it up. */
  readonly warm: number;
  readonly settled: number;
  readonly open: number;
  readonly seconds: number;
  readonly cpuMicros: number;
}

/** Plans the steps: one opt-out for each person. */
async function plan(place: Place, keys: string, url: string, round: number): Promise<void> {
  const heed = company(openStorage(place), keyring(keys), url);
  for (let at = 0; at < steps; at += 200) {
    await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        heed.subscriptions.unsubscribe({
          subject: { email: addressOf(round * steps + at + index) },
          topic: "news",
        }),
      ),
    );
  }
  // What is measured is the evidence of steps, not that of the choices behind them.
  await heed.evidence.seal();
  await heed.close();
}

async function bareLoop(url: string): Promise<Bare> {
  const child = startChild("bare-loop.ts", [url, String(steps), String(callsAtOnce)]);
  const result = await child.next<Bare>();
  await child.end();
  return result;
}

async function drained(place: Place, keys: string, url: string): Promise<Worked> {
  const worker = startChild("engine-worker.ts", [JSON.stringify(place), keys, url]);
  await worker.next();
  worker.goOn();
  const worked = await worker.next<Worked>();
  await worker.end();
  if (worked.warm + worked.settled !== steps || worked.open !== 0)
    throw new Error(`Not all was settled: ${JSON.stringify(worked)}`);
  return worked;
}

/** The same for a worker and for the bare loop beside it. */
interface Round {
  readonly perSecond: number;
  readonly barePerSecond: number;
  readonly cpuMicros: number;
  readonly bareCpuMicros: number;
}

async function measured(place: Place, keys: string, url: string, round: number): Promise<Round> {
  await plan(place, keys, url, round);
  // Before and after, so that a machine that slows down meanwhile flatters neither.
  const before = await bareLoop(url);
  const worked = await drained(place, keys, url);
  const after = await bareLoop(url);
  return {
    perSecond: worked.settled / worked.seconds,
    barePerSecond: (before.perSecond + after.perSecond) / 2,
    cpuMicros: worked.cpuMicros,
    bareCpuMicros: (before.cpuMicros + after.cpuMicros) / 2,
  };
}

/** The round in the middle. */
function middle(rounds: readonly Round[], ratio: (round: Round) => number): Round {
  const at = median(rounds.map(ratio));
  const found = rounds.find((round) => ratio(round) === at);
  if (found === undefined) throw new TypeError("There was no round.");
  return found;
}

/**
 * One worker carries 20,000 steps out without limits, beside a bare loop of as many calls to the same server:
 * the middle one of three rounds.
 */
export async function engineSteps(place: Place, goal: number): Promise<readonly Figure[]> {
  const server = startChild("vendor-server.ts");
  try {
    const url = await server.next<string>();
    const keys = newKey();
    const rounds: Round[] = [];
    for (let round = 0; round < 3; round += 1) rounds.push(await measured(place, keys, url, round));
    const stepsRatio = (round: Round) => round.perSecond / round.barePerSecond;
    const cpuRatio = (round: Round) => round.cpuMicros / round.bareCpuMicros;
    const speed = middle(rounds, stepsRatio);
    const cpu = middle(rounds, cpuRatio);
    return [
      {
        name: `engine.${place.kind}.steps`,
        value: stepsRatio(speed),
        goal,
        better: "higher",
        of: `${Math.round(speed.perSecond)} steps/s over ${Math.round(speed.barePerSecond)} calls/s`,
      },
      ...(place.kind === "sqlite"
        ? ([
            {
              name: "engine.sqlite.cpu",
              value: cpuRatio(cpu),
              goal: 2.5,
              better: "lower",
              of: `${Math.round(cpu.cpuMicros)} µs/step over ${Math.round(cpu.bareCpuMicros)} µs/call`,
            },
          ] as const)
        : []),
    ];
  } finally {
    await server.end();
  }
}
