import { HeedError, type Decision, type Reads, type Transaction, type Write } from "@heed/core/storage";
import { applyWrites, plannedSteps } from "./apply-writes.ts";
import { followSteps, type TouchedStep } from "./delivery/follow-steps.ts";
import type { Queues } from "./delivery/queues.ts";
import { lockSql } from "./locks.ts";
import { QueryFailed } from "./postgres-error.ts";
import { readRows, readStatement } from "./read-rows.ts";
import { inOrder, type Session, type Statement } from "./session.ts";

/** What a transaction runs in. */
export interface Setting {
  readonly schema: string;
  readonly queues: Queues;
  /** Told of steps whose job may be another one now. */
  readonly onTouched: (stepIds: readonly string[]) => void;
}

async function write(
  { schema, queues, onTouched }: Setting,
  session: Session,
  writes: readonly Write[],
  now: string,
): Promise<void> {
  const follow = (steps: readonly TouchedStep[]) => {
    onTouched(steps.map(({ id }) => id));
    return followSteps(session, queues, steps, now);
  };
  const applied = applyWrites(session, schema, writes);
  const planned = plannedSteps(writes);
  // Their jobs can be told beforehand, and go out with the rows.
  if (planned === undefined) await follow(await applied);
  else await inOrder([applied, follow(planned)]);
}

/** Reads and decides; what it decided is still to be written. `now`: RFC 3339, when it did. */
async function decided<R extends Reads, A>(
  { schema }: Setting,
  session: Session,
  { read, decide, clock }: Transaction<R, A>,
  asked: Statement = readStatement(schema, read),
): Promise<Decision<A> & { readonly now: string }> {
  const rows = await readRows(session, read, asked);
  const now = clock.now().toISOString();
  return { ...decide(rows, now), now };
}

/** Reads, decides, and writes, inside a transaction that somebody has begun and will commit, and that holds the locks. */
async function decideUnderLocks<R extends Reads, A>(
  setting: Setting,
  session: Session,
  transaction: Transaction<R, A>,
  asked?: Statement,
): Promise<A> {
  const { writes, answer, now } = await decided(setting, session, transaction, asked);
  await write(setting, session, writes, now);
  return answer;
}

/** Reads under the locks, decides, and writes, inside a transaction that somebody has begun and will commit. */
export async function decideInside<R extends Reads, A>(
  setting: Setting,
  session: Session,
  transaction: Transaction<R, A>,
): Promise<A> {
  const { lock, read } = transaction;
  // Refuses what does not fit before anything is sent.
  const asked = readStatement(setting.schema, read);
  const locked = lock.length === 0 ? Promise.resolve() : session.run(lockSql(setting.schema, lock));
  const [, answer] = await inOrder([locked, decideUnderLocks(setting, session, transaction, asked)]);
  return answer;
}

/**
 * Runs a transaction of its own. READ COMMITTED is enough: core locks what it decides on, and the reads, one
 * statement, begin when the locks are held.
 *
 * @throws QueryFailed when a statement before the commit failed: nothing was stored
 * @throws HeedError `storage-failed`, when the connection was lost while it committed
 */
export async function runTransaction<R extends Reads, A>(
  setting: Setting,
  session: Session,
  transaction: Transaction<R, A>,
): Promise<A> {
  if (transaction.lock.length === 0) return runWithoutLocks(setting, session, transaction);
  const lock = lockSql(setting.schema, transaction.lock);
  return committed(session, [...planning, lock], () => decideUnderLocks(setting, session, transaction));
}

/** Without a lock a transaction protects nothing between reading and writing: who only reads needs none. */
async function runWithoutLocks<R extends Reads, A>(
  setting: Setting,
  session: Session,
  transaction: Transaction<R, A>,
): Promise<A> {
  const { writes, answer, now } = await decided(setting, session, transaction);
  if (writes.length === 0) return answer;
  return committed(session, [], async () => {
    await write(setting, session, writes, now);
    return answer;
  });
}

/**
 * Every statement of a transaction is planned once for each connection, and every one finds its rows by an index:
 * planning anew would take longer than running, and a plan that was made while a table was empty would go on
 * reading it whole when it has grown.
 */
const planning = ["SET LOCAL plan_cache_mode = force_generic_plan", "SET LOCAL enable_seqscan = off"];

/**
 * A process that stands still (a paused machine, a lost network) would keep its locks, and everybody who needs one
 * waiting, for as long as it does. The server ends its transaction instead.
 */
const longestStandstillMs = 5_000;

/**
 * How long a lock is waited for, as SQLite waits for its file, where the database's owner has set no `lock_timeout` of
 * their own. Who calls without `within` while their own transaction has joined heed waits for that one, which waits
 * for them: PostgreSQL sees no deadlock there, and would never end it.
 */
const longestLockWaitMs = 30_000;

/** Sent with the BEGIN, so it costs no round trip, and holds for heed's transaction alone, whosever the connection is. */
const boundedWait = `SELECT set_config('lock_timeout', '${longestLockWaitMs}', true) WHERE current_setting('lock_timeout') = '0'`;

/** Commits what `work` does, or rolls it back when it throws. `begin`: further settings of the transaction. */
export async function committed<T>(
  session: Session,
  begin: readonly string[],
  work: () => Promise<T>,
): Promise<T> {
  let answer: T;
  try {
    const standstill = `SET LOCAL idle_in_transaction_session_timeout = ${longestStandstillMs}`;
    const settings = [standstill, boundedWait, ...begin];
    const began = session.run(["BEGIN ISOLATION LEVEL READ COMMITTED", ...settings].join("; "));
    [, answer] = await inOrder([began, work()]);
  } catch (error) {
    // A connection that cannot even roll back is broken: its pool closes it.
    await session.run("ROLLBACK").catch(() => {});
    throw error;
  }
  await commit(session);
  return answer;
}

async function commit(session: Session): Promise<void> {
  let command: string | undefined;
  try {
    ({ command } = await session.run("COMMIT"));
  } catch (error) {
    if (!(error instanceof QueryFailed) || !error.isDisconnected) throw error;
    throw new HeedError(
      "The connection was lost while the transaction committed: it is not known whether it was stored. Look before you repeat it.",
      { code: "storage-failed", cause: error },
    );
  }
  // PostgreSQL answers a commit of a failed transaction with ROLLBACK, and no error.
  if (command !== "COMMIT") throw new QueryFailed({ code: "25P02", severity: "ERROR" });
}
