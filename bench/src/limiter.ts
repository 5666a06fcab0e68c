import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { newKey } from "@heed/core";
import type { WindowLimit } from "@heed/core/contract";
import type { Figure } from "./figure.ts";
import { heedFor, type Told } from "./limiter-heed.ts";
import { openStorage, type Place } from "./places.ts";

/** What is measured. */
export interface LimiterRun {
  readonly limit: WindowLimit;
  /** How long to work at a backlog that does not end, in milliseconds. */
  readonly forMs: number;
  /** Default 2. */
  readonly workers?: number;
  readonly place: Place;
  /** The keyring of whoever works there: what is left of one run is the next one's. */
  readonly keys: string;
}

interface Arrival {
  readonly atMs: number;
  readonly wayMs: number;
}

/** What was seen at the server. */
export interface LimiterSeen {
  readonly calls: number;
  /** Most calls in any window, divided by the limit: above 1, the vendor would refuse. */
  readonly windowMax: number;
  /** Calls from the first one on, divided by what the limit allows in that time. */
  readonly utilisation: number;
  /**
   * Longest time between a turn and the call's arrival. The limiter keeps the limit as long as this is at most
   * half of the limit's `delayMs`: more, and the machine was too busy for that setting.
   */
  readonly longestWayMs: number;
}

/** Lets worker processes call a real HTTP server under a steady backlog, and counts there. */
export async function measureLimiter(run: LimiterRun): Promise<LimiterSeen> {
  const { limit, forMs, workers = 2, place, keys } = run;
  const arrivals: Arrival[] = [];
  const server = createServer((request, response) => {
    const atMs = performance.timeOrigin + performance.now();
    arrivals.push({ atMs, wayMs: atMs - Number(request.headers["granted-at"]) });
    request.resume();
    response.writeHead(204).end();
  });
  const children: ChildProcess[] = [];
  try {
    await once(server.listen(0, "127.0.0.1"), "listening");
    const told: Told = {
      place,
      keys,
      url: `http://127.0.0.1:${portOf(server)}/`,
      limit,
    };
    await fill(told, Math.ceil(((forMs + 2000) * limit.calls) / limit.perMs) + 50 * workers);
    const program = fileURLToPath(new URL("limiter-worker.ts", import.meta.url));
    for (let n = 0; n < workers; n += 1) {
      children.push(
        spawn(process.execPath, ["-C", "@heed/source", program, JSON.stringify(told)], {
          stdio: ["pipe", "pipe", "inherit"],
        }),
      );
    }
    // All of them at work, so that what is measured is not one alone.
    await Promise.all(
      children.map(async ({ stdout }) => {
        if (stdout !== null) await once(stdout, "data");
      }),
    );
    await sleep(1000);
    const fromMs = performance.timeOrigin + performance.now();
    await sleep(forMs);
    return seenIn(arrivals, limit, fromMs, forMs);
  } finally {
    await Promise.all(
      children.map(async (child) => {
        if (child.exitCode !== null) return;
        child.stdin?.end();
        await once(child, "exit");
      }),
    );
    server.close();
    server.closeAllConnections();
  }
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("The server has no port.");
  return address.port;
}

async function fill(told: Told, optOuts: number): Promise<void> {
  const storage = openStorage(told.place);
  const { subscriptions } = heedFor(told, storage);
  // Others than those of an earlier run in the same place: of whom has said no before, nobody is told again.
  const personOf = (index: number) => `p${index}.of.${told.limit.perMs}`;
  for (let done = 0; done < optOuts; done += 100) {
    await Promise.all(
      Array.from({ length: 100 }, (_, n) =>
        subscriptions.unsubscribe({ subject: { email: `${personOf(done + n)}@example.org` }, topic: "news" }),
      ),
    );
  }
  await storage.close();
}

function seenIn(
  arrivals: readonly Arrival[],
  limit: WindowLimit,
  fromMs: number,
  forMs: number,
): LimiterSeen {
  let most = 0;
  let first = 0;
  for (const [last, { atMs }] of arrivals.entries()) {
    while ((arrivals[first]?.atMs ?? atMs) <= atMs - limit.perMs) first += 1;
    most = Math.max(most, last - first + 1);
  }
  const counted = arrivals.filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + forMs).length;
  return {
    calls: arrivals.length,
    windowMax: most / limit.calls,
    utilisation: counted / ((limit.calls * forMs) / limit.perMs),
    longestWayMs: Math.ceil(Math.max(...arrivals.map(({ wayMs }) => wayMs))),
  };
}

/**
 * Two workers, a vendor's limit for ten seconds and one for a second, both with a delay of 50 ms. A limit for a second
 * gives at most `(L − b − 1) / (W + d)` of its calls: 0.914 with a burst of 3, 0.905 with the usual 4.
 */
export async function limiterFigures(place: Place): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  const keys = newKey();
  let most = { windowMax: 0, of: "" };
  for (const { calls, perMs, burst, name, goal } of [
    { calls: 190, perMs: 10_000, burst: 4, name: "utilisation", goal: 0.95 },
    { calls: 100, perMs: 1_000, burst: 3, name: "utilisationPerSecond", goal: 0.9 },
  ]) {
    const limit = { calls, perMs, burst, delayMs: 50 };
    const seen = await measureLimiter({ limit, forMs: 30_000, place, keys });
    const of = `${calls} per ${perMs} ms; longest way of a call ${seen.longestWayMs} ms`;
    if (seen.windowMax > most.windowMax) most = { windowMax: seen.windowMax, of };
    figures.push({
      name: `limiter.${place.kind}.${name}`,
      value: seen.utilisation,
      goal,
      better: "higher",
      of,
    });
  }
  return [
    { name: `limiter.${place.kind}.windowMax`, value: most.windowMax, goal: 1, better: "lower", of: most.of },
    ...figures,
  ];
}
