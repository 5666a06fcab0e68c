import { setTimeout as sleep } from "node:timers/promises";
import { keyring, newKey, type HeedStorage } from "@heed/core";
import { standingStill } from "../standing-still.ts";
import { virtualClock, type VirtualClock } from "../virtual-clock.ts";
import { companyOf, type Company } from "./company.ts";
import { holdAgainstTheWorld } from "./end.ts";
import { moveIn } from "./hands.ts";
import { mirrored, type Mirror } from "./mirror.ts";
import { Person } from "./model.ts";
import { Office } from "./office.ts";
import { startProcess, type Process } from "./process.ts";
import { randomOf, withSeededCrypto, type Random } from "./random.ts";
import { needsHuman, Watch } from "./watch.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const start = "2026-01-05T08:00:00.000Z";
/** Half-days of virtual time in which everything has to end; more only where the machine's clock is waited for. */
const calmRounds = 150;

/** How large a history is. */
export interface Size {
  readonly days: number;
  readonly people: number;
}

/** The size of a whole history. */
export const month: Size = { days: 30, people: 3 };

/** How a storage takes part in a history. */
export interface Patience {
  /**
   * How long the end is waited for in the machine's own time, in milliseconds. A server that finds out by its own
   * clock that a worker has died knows nothing of the days that pass here. Default 0.
   */
  readonly patienceMs?: number;
}

/** What one history showed. */
export interface History {
  /** SHA-256 of everything that happened, in its order: the same for the same seed. */
  readonly digest: string;
  readonly violations: readonly string[];
  /** How often what happened. */
  readonly counts: Readonly<Record<string, number>>;
}

/** A month of a company, all of it drawn from the seed. */
export function simulate(
  seed: string,
  storage: HeedStorage,
  size: Size = month,
  { patienceMs = 0 }: Patience = {},
): Promise<History> {
  return withSeededCrypto(seed, () => history(randomOf(seed), storage, size, patienceMs));
}

async function history(
  random: Random,
  storage: HeedStorage,
  { days, people: count }: Size,
  patienceMs: number,
): Promise<History> {
  const clock = virtualClock(start, { quietTurns: 3 });
  const nowMs = () => clock.now().getTime();
  const calmAtMs = nowMs() + days * dayMs;
  const isCalm = () => nowMs() >= calmAtMs;
  const people = Array.from({ length: count }, (_, index) => {
    const addresses = random.between(1, 3);
    const emails = Array.from({ length: addresses }, (_, at) => `canary.p${index}.a${at}@example.org`);
    return new Person(`p${index}`, emails, "news");
  });
  const watch = new Watch(people, nowMs);
  const seen = mirrored(standingStill(storage, clock), (commit) => watch.onCommit(commit));
  const company = companyOf(random.fork("world"), seen.storage, clock, isCalm, (vendor, question, fault) =>
    watch.onQuestion(vendor, question, fault),
  );
  watch.look(company, seen.mirror);
  const keys = keyring(newKey());
  const office = new Office(company, people, random.fork("office"), watch, seen.mirror, keys);
  for (const person of people) if (random.chance(0.8)) moveIn(company, person, random, true);

  void acting(random.fork("acts"), office, clock, isCalm);
  for (let index = 0; index < 3; index += 1)
    void working(`worker ${index}`, random.fork(`worker ${index}`), company, keys, watch, isCalm);
  void humans(random.fork("humans"), office, company);
  await clock.advance(days * dayMs + hourMs);
  await settle(company, keys, office, watch, seen.mirror, people, patienceMs);
  await holdAgainstTheWorld(company, seen.mirror, people, watch);
  return { digest: watch.digest(), violations: watch.violations, counts: watch.counts };
}

/** Acts come in bursts: most of what goes wrong does so because two things happen at once. */
async function acting(
  random: Random,
  office: Office,
  clock: VirtualClock,
  isCalm: () => boolean,
): Promise<void> {
  while (!isCalm()) {
    await clock.sleep(random.between(hourMs, 3 * dayMs));
    for (let acts = random.between(2, 10); acts > 0 && !isCalm(); acts -= 1) {
      await office.act();
      await clock.sleep(random.between(1, random.pick([50, 20_000, 5 * minuteMs])));
    }
  }
}

/** One place in which a worker runs, dies, and is started again. */
async function working(
  name: string,
  random: Random,
  company: Company,
  keys: ReturnType<typeof keyring>,
  watch: Watch,
  isCalm: () => boolean,
): Promise<void> {
  const { clock } = company;
  for (let life = 0; !isCalm(); life += 1) {
    const isKeyless = random.chance(0.1);
    const worker = startProcess(
      `${name}, life ${life}`,
      company,
      isKeyless ? keyring(newKey()) : keys,
      random.fork(`life ${life}`),
      { fails: random.pick([0, 0.01, 0.05]), dies: random.pick([0, 0.005, 0.03]) },
      { pollMs: random.between(hourMs, 9 * hourMs) },
    );
    const endsAtMs = clock.now().getTime() + random.between(hourMs, 5 * dayMs);
    const isOver = () => worker.storage.isDead || isCalm() || clock.now().getTime() > endsAtMs;
    const isRunning = random.chance(0.3);
    if (isRunning) worker.inside(() => worker.heed.work.start());
    while (!isOver()) {
      if (random.chance(0.2)) void standStill(random.fork(`${clock.now().getTime()}`), company, keys, worker);
      if (!isRunning)
        await Promise.race([
          worker.inside(() => worker.heed.work.drain()).catch(() => {}),
          worker.storage.died,
        ]);
      await clock.sleep(random.between(minuteMs, random.pick([5 * minuteMs, 6 * hourMs, 12 * hourMs])));
    }
    watch.count(worker.storage.isDead ? "worker died" : "worker replaced");
    worker.storage.die();
    await clock.sleep(random.between(1_000, 2 * hourMs));
  }
}

/** The worker stands still in the middle of what it does, and another comes by when its leases may be over. */
async function standStill(
  random: Random,
  company: Company,
  keys: ReturnType<typeof keyring>,
  worker: Process,
): Promise<void> {
  const { clock } = company;
  await clock.sleep(random.between(0, 30_000));
  const pausedMs = random.between(minuteMs / 2, 10 * minuteMs);
  worker.pause(pausedMs);
  await clock.sleep(random.between(minuteMs / 2, pausedMs));
  const luck = { fails: 0.01, dies: 0.01 };
  const other = startProcess(`comes by at ${clock.now().toISOString()}`, company, keys, random, luck, {
    pollMs: dayMs,
  });
  await Promise.race([other.inside(() => other.heed.work.drain()).catch(() => {}), other.storage.died]);
}

async function humans(random: Random, office: Office, company: Company): Promise<void> {
  const { clock, isCalm } = company;
  while (!isCalm()) {
    await clock.sleep(random.between(6 * hourMs, 2 * dayMs));
    if (isCalm()) return;
    await office.humanRound();
  }
}

/** Nothing goes wrong any more: one healthy worker and the humans bring everything to its end. */
async function settle(
  company: Company,
  keys: ReturnType<typeof keyring>,
  office: Office,
  watch: Watch,
  mirror: Mirror,
  people: readonly Person[],
  patienceMs: number,
): Promise<void> {
  const { clock } = company;
  const luck = { fails: 0, dies: 0 };
  const worker = startProcess("calm", company, keys, randomOf("calm"), luck, { pollMs: dayMs });
  worker.heed.on("work.failed", ({ error }) =>
    watch.wrong("WORK", `a worker failed in calm: ${String(error)}`),
  );
  await office.releaseHolds();
  const isOpen = () =>
    [...mirror.steps.values()].some((step) => step.endedAt === null || needsHuman(step.state)) ||
    [...mirror.requests.values()].some((request) => request.closedAt === null) ||
    people.some((person) => person.parked.size > 0);
  const patientUntilMs = performance.now() + patienceMs;
  for (let rounds = 0; rounds < calmRounds || performance.now() < patientUntilMs; rounds += 1) {
    if (rounds >= calmRounds) await sleep(500);
    const drained = worker
      .inside(() => worker.heed.work.drain())
      .then(
        () => true,
        (error: unknown) => {
          watch.wrong("WORK", `a drain failed in calm: ${String(error)}`);
          return true;
        },
      );
    let isDrained = false;
    for (let waits = 0; !isDrained && waits < 200; waits += 1) {
      await clock.advance(minuteMs);
      isDrained = await Promise.race([drained, Promise.resolve(false)]);
    }
    if (!isDrained) {
      watch.wrong("LIVE", "a drain does not end");
      return;
    }
    await office.humanRound();
    if (!isOpen()) return;
    await clock.advance(12 * hourMs);
  }
  const open = [...mirror.steps.values()].filter((step) => step.endedAt === null);
  for (const step of open)
    watch.wrong("LIVE", `${step.processor} ${step.operation} is still ${step.state} (${step.because})`);
  for (const request of mirror.requests.values())
    if (request.closedAt === null) watch.wrong("LIVE", `${request.right} is still ${request.state}`);
}
