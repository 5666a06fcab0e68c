import { AsyncLocalStorage } from "node:async_hooks";
import { createHeed, type Clock, type Heed, type HeedStorage, type Keyring } from "@heed/core";
import { faulty, type FaultyStorage } from "../faulty-storage.ts";
import type { VirtualClock } from "../virtual-clock.ts";
import type { Company } from "./company.ts";
import type { Random } from "./random.ts";

/** One process of the company: it has commits that fail, may stand still for a while, and dies. */
export interface Process {
  readonly heed: Heed;
  readonly storage: FaultyStorage;
  /** Does something as this process, so that {@link currentProcess} knows whose commits and calls follow from it. */
  inside<T>(work: () => T): T;
  /** Stands still for so many milliseconds: neither its storage nor its clock answers. */
  pause(ms: number): void;
}

/** How a process is unlucky: the chance of each commit to fail, and to be the process's last. */
export interface Luck {
  readonly fails: number;
  readonly dies: number;
}

const processes = new AsyncLocalStorage<string>();

/** The name of the process that is at work. */
export const currentProcess = (): string | undefined => processes.getStore();

/** Starts a process over the company's storage. */
export function startProcess(
  name: string,
  company: Company,
  keys: Keyring,
  random: Random,
  luck: Luck,
  work: { readonly pollMs: number },
): Process {
  const { clock } = company;
  let isPaused = Promise.resolve();
  const pausable = <T>(work: () => Promise<T>): Promise<T> =>
    isPaused.then(work).then(async (answer) => {
      await isPaused;
      return answer;
    });
  const storage = faulty(company.storage, () => {
    if (company.isCalm()) return undefined;
    if (random.chance(luck.dies)) return random.chance(0.5) ? { before: "dies" } : { after: "dies" };
    if (random.chance(luck.fails)) return random.chance(0.5) ? { before: "throws" } : { after: "throws" };
    return undefined;
  });
  const seen: HeedStorage = {
    ...storage,
    transact: (transaction) => pausable(() => storage.transact(transaction)),
    due: (ask) => pausable(() => storage.due(ask)),
    scrub: () => pausable(() => storage.scrub()),
  };
  const heed = createHeed({
    policy: company.policy,
    storage: seen,
    keys,
    clock: mortalClock(clock, storage, () => isPaused),
    processors: company.processors,
    work: { ...work, leaseMs: 60_000, callTimeoutMs: random.pick([60_000, 600_000]) },
  }) as unknown as Heed;
  return {
    heed,
    storage,
    inside: (work) => processes.run(name, work),
    pause: (ms) => void (isPaused = clock.sleep(ms)),
  };
}

/** Sleeps of a dead process never end. */
function mortalClock(clock: VirtualClock, storage: FaultyStorage, isPaused: () => Promise<void>): Clock {
  return {
    now: () => clock.now(),
    sleep: async (ms, signal) => {
      await clock.sleep(ms, signal);
      await isPaused();
      if (storage.isDead) await new Promise(() => {});
    },
  };
}
