import { HeedError } from "@heed/core/storage";
import { PgBoss, type Db, type Job, type JobInsert, type Queue } from "pg-boss";
import { leastPriorityOf, type JobData } from "./jobs.ts";
import { QueryFailed } from "../postgres-error.ts";
import { deadQueue } from "./queue-names.ts";

const yearSeconds = 365 * 86_400;

/** A job that its worker holds: `retryCount` counts those who had it before and died. */
export type Lent = Pick<Job<JobData>, "id" | "retryCount" | "data">;

/** How every queue of heed's is set. */
const settings: Omit<Queue, "name"> = {
  policy: "standard",
  notify: true,
  heartbeatSeconds: 15,
  expireInSeconds: 900,
  // Crashes only: whether to try again is the engine's to say.
  retryLimit: 2,
  retryDelay: 1,
  retryBackoff: true,
  // Queued jobs are deleted in silence after this, and a step may wait long.
  retentionSeconds: 10 * yearSeconds,
  deleteAfterSeconds: 60,
  warningQueueSize: 10_000_000,
};

function settingsOf(queue: string): Omit<Queue, "name"> {
  return queue === deadQueue ? { ...settings, notify: false } : { ...settings, deadLetter: deadQueue };
}

/** pg-boss answers more than its types say. */
function idsIn(response: object): ReadonlySet<string> {
  if (!("settled" in response) || !Array.isArray(response.settled)) {
    throw new TypeError("pg-boss no longer says which jobs a call has met.");
  }
  return new Set(response.settled.map(String));
}

/**
 * pg-boss's queues, as far as heed uses them. Each call takes the `db` of the transaction that it belongs to;
 * queues are made on a connection of their own, when they are first needed.
 */
export class Queues {
  readonly #boss: PgBoss;
  readonly #made = new Map<string, Promise<void>>();
  /** Queues that are there. None ever goes. */
  readonly #seen = new Set<string>();

  /** @param db a connection that no transaction holds */
  constructor(schema: string, db: Db) {
    // Never started: no timer, no supervision, no listener.
    this.#boss = new PgBoss({ db, schema, migrate: false, supervise: false, schedule: false });
  }

  /** Names of all queues. */
  async names(): Promise<readonly string[]> {
    const names = (await this.#boss.getQueues()).map(({ name }) => name);
    for (const name of names) this.#seen.add(name);
    return names;
  }

  /** Whether there is such a queue. */
  async has(queue: string): Promise<boolean> {
    return this.#seen.has(queue) || (await this.names()).includes(queue);
  }

  /** Makes the queue for jobs whose workers died: every other one names it. */
  async makeDeadQueue(): Promise<void> {
    await this.make(deadQueue);
  }

  /** Whatever of the jobs is there goes, in any state. */
  async remove(queue: string, ids: readonly string[], db: Db): Promise<void> {
    await this.#boss.deleteJob(await this.make(queue), [...ids], { db });
  }

  /** Removes those that are still lent as they were. @returns their ids */
  async takeBack(queue: string, lent: readonly Lent[], db: Db): Promise<ReadonlySet<string>> {
    const attempts = lent.map(({ id, retryCount }) => ({ id, retryCount }));
    return idsIn(await this.#boss.deleteJob(await this.make(queue), attempts, { db }));
  }

  /** Shows that the jobs' worker lives. @returns the ids of those that are in a worker's hands */
  async touch(queue: string, ids: readonly string[], db: Db): Promise<ReadonlySet<string>> {
    return idsIn(await this.#boss.touch(await this.make(queue), [...ids], { db }));
  }

  /** Queues jobs, with one statement. @returns the ids of those that were: fewer where one has its place, or the queue is gone */
  async add(queue: string, jobs: readonly JobInsert<JobData>[], db: Db): Promise<ReadonlySet<string>> {
    return new Set(await this.#boss.insert(await this.make(queue), [...jobs], { db, returnId: true }));
  }

  /** Queues jobs, each in place of one that pg-boss has put there in the meantime. */
  async insert(queue: string, jobs: readonly JobInsert<JobData>[], db: Db): Promise<void> {
    const inserted = await this.add(queue, jobs, db);
    const others = jobs.filter(({ id }) => id !== undefined && !inserted.has(id));
    if (others.length === 0) return;
    // The supervisor has put a job that it found abandoned back in between: what the step says now counts.
    await this.remove(
      queue,
      others.flatMap(({ id }) => id ?? []),
      db,
    );
    if ((await this.add(queue, others, db)).size === others.length) return;
    this.#forget(queue);
    // Another look for work has put it back as well: one of both begins anew.
    if (await this.has(queue)) throw new QueryFailed({ code: "40001", severity: "ERROR" });
    throw new HeedError("A queue of pg-boss that heed has made is gone. It is made again by the next try.", {
      code: "storage-failed",
    });
  }

  /** Lends the most urgent jobs of those whose time has come. */
  async fetch(
    queue: string,
    { max, mostLane }: { readonly max: number; readonly mostLane?: number },
    db: Db,
  ): Promise<readonly Lent[]> {
    const urgent = mostLane === undefined ? {} : { minPriority: leastPriorityOf(mostLane) };
    return this.#boss.fetch<JobData>(queue, { batchSize: max, ...urgent, db });
  }

  /** Makes a queue that was made before, and is gone. @returns its name */
  async makeAgain(queue: string): Promise<string> {
    this.#forget(queue);
    return this.make(queue);
  }

  #forget(queue: string): void {
    this.#made.delete(queue);
    this.#seen.delete(queue);
  }

  /** Makes the queue where there is none. @returns its name */
  async make(queue: string): Promise<string> {
    const making =
      this.#made.get(queue) ??
      this.#boss.createQueue(queue, settingsOf(queue)).catch((error: unknown) => {
        this.#made.delete(queue);
        throw error;
      });
    this.#made.set(queue, making);
    await making;
    return queue;
  }
}
