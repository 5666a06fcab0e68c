import { inOrder, type Session } from "../session.ts";
import { jobLater, jobId } from "./jobs.ts";
import type { Queues } from "./queues.ts";
import { queueOf } from "./queue-names.ts";

/** A step that a transaction wrote, as far as its delivery goes. */
export interface TouchedStep {
  readonly id: string;
  readonly namespace: string;
  readonly processor: string;
  readonly lane: number;
  /** RFC 3339: when its job is to come. Undefined where the step wants none. */
  readonly at: string | undefined;
  /** It is in a worker's hands: the job that brought it stays, and lives as long as the lease. */
  readonly isLeased: boolean;
  /** It had no job before. */
  readonly isNew: boolean;
}

/**
 * Makes the jobs what the steps say, in the transaction that wrote the steps: a step that is due has one job, a
 * leased one keeps its job alive, any other has none. pg-boss's own calls, on the transaction's connection.
 *
 * @param now RFC 3339, by the clock that said when the steps are due
 */
export async function followSteps(
  session: Session,
  queues: Queues,
  steps: readonly TouchedStep[],
  now: string,
): Promise<void> {
  const byQueue = Map.groupBy(steps, ({ namespace, processor }) => queueOf(namespace, processor));
  for (const [queue, group] of byQueue) await followInQueue(session, queues, queue, group, now);
}

async function followInQueue(
  { db }: Session,
  queues: Queues,
  queue: string,
  steps: readonly TouchedStep[],
  now: string,
): Promise<void> {
  const leased = steps.filter(({ isLeased, at }) => isLeased && at !== undefined);
  const unlike = steps.filter(({ isLeased, at, isNew }) => !isNew && (!isLeased || at === undefined));
  const kept = leased.filter(({ isNew }) => !isNew).map(({ id }) => jobId(id));
  const living = kept.length === 0 ? new Set<string>() : await queues.touch(queue, kept, db);
  if (unlike.length > 0)
    await queues.remove(
      queue,
      unlike.map(({ id }) => jobId(id)),
      db,
    );
  const wanted = steps.flatMap((step) => {
    if (step.at === undefined || (step.isLeased && living.has(jobId(step.id)))) return [];
    return [jobLater({ id: step.id, lane: step.lane, at: step.at }, now)];
  });
  if (wanted.length > 0) await queues.insert(queue, wanted, db);
}

/** What is on its way to the server. */
interface Sending {
  /** What is sent from when this resolves comes behind it. Rejects with what could not be sent. */
  readonly sent: Promise<unknown>;
  readonly answered: Promise<unknown>;
}

/** Queues the jobs of new steps, in the transaction that writes the steps. No answer changes what else is to be sent. */
export function queueNew(
  session: Session,
  queues: Queues,
  steps: readonly TouchedStep[],
  now: string,
): Sending {
  const wanted = steps.flatMap((step) => (step.at === undefined ? [] : [{ ...step, at: step.at }]));
  const byQueue = Map.groupBy(wanted, ({ namespace, processor }) => queueOf(namespace, processor));
  const sendings = [...byQueue].map(([queue, group]): Sending => {
    const { db, sent } = session.dbOnce();
    const jobs = group.map((step) => jobLater(step, now));
    const added = queues.add(queue, jobs, db);
    // A queue that somebody has deleted takes none: where it is there again, a look for work finds what has no job.
    // The steps are stored whether or not it can be made now; the next one makes it where it cannot.
    const answered = added.then((ids) =>
      ids.size < jobs.length ? queues.makeAgain(queue).catch(() => queue) : queue,
    );
    return { sent: Promise.race([sent, added]), answered };
  });
  return {
    sent: inOrder(sendings.map(({ sent }) => sent)),
    answered: inOrder(sendings.map(({ answered }) => answered)),
  };
}
