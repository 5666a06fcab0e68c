import { type Decision, type Reads, type Transaction, type Write } from "@heed/core/storage";
import { plannedSteps, preparedWrites } from "./apply-writes.ts";
import { followSteps, queueNew } from "./delivery/follow-steps.ts";
import type { Queues } from "./delivery/queues.ts";
import { lockCalls } from "./locks.ts";
import { QueryFailed } from "./postgres-error.ts";
import { readRows, readStatement } from "./read-rows.ts";
import { inOrder, type Session, type Statement } from "./session.ts";
import { UnheardCommit } from "./unheard-commit.ts";

/** What a transaction runs in. */
export interface Setting {
  readonly schema: string;
  readonly queues: Queues;
  /** Told of steps whose job may be another one now. */
  readonly onTouched: (stepIds: readonly string[]) => void;
}

/** Writes, and has the jobs follow the steps. */
async function write(
  { schema, queues, onTouched }: Setting,
  session: Session,
  writes: readonly Write[],
  now: string,
): Promise<void> {
  const touched = await preparedWrites(schema, writes, true)(session);
  onTouched(touched.map(({ id }) => id));
  await followSteps(session, queues, touched, now);
}

/**
 * How long ago the server may have been heard of, in milliseconds, for a commit to be sent before the writes are
 * answered. It gives up who stands still in a transaction, and they would not know what became of the commit.
 */
const longestSilenceMs = 1_000;

/**
 * Writes, and commits. Where every step is new, its job is known beforehand, and nothing that the server answers changes
 * what is sent: all of it goes out at once, the commit behind the rest, and is waited for once. What fails before the
 * commit makes it a rollback. A pool of the application's may give up waiting for a statement that the server goes on
 * to carry out, so on its connections everything is waited for before the commit is sent.
 */
async function writeAndCommit(
  setting: Setting,
  session: Session,
  { writes, now, heardAtMs }: Pick<Decided<unknown>, "writes" | "now" | "heardAtMs">,
): Promise<void> {
  const { schema, queues, onTouched } = setting;
  const planned = plannedSteps(writes);
  const isSilent = performance.now() - heardAtMs > longestSilenceMs;
  if (planned === undefined || isSilent || !session.isPipelined) {
    await write(setting, session, writes, now);
    return commit(session);
  }
  const send = preparedWrites(schema, writes, false);
  onTouched(planned.map(({ id }) => id));
  const written = send(session);
  const jobs = queueNew(session, queues, planned, now);
  const answered = inOrder([written, jobs.answered]);
  // What could not be sent is what this fails with, and there is no commit then.
  await jobs.sent.catch(() => answered);
  await behind(answered, commit(session));
}

/**
 * Waits for a commit that was sent before the statements of its transaction were answered. What the server itself refused
 * was not committed; of a connection that broke, the commit's own answer tells.
 */
async function behind(statements: Promise<unknown>, committing: Promise<void>): Promise<void> {
  const [before, commit] = await Promise.allSettled([statements, committing]);
  const isRefused =
    before.status === "rejected" && before.reason instanceof QueryFailed && before.reason.isAnswered;
  if (commit.status === "rejected" && !isRefused) throw commit.reason;
  if (before.status === "rejected") throw before.reason;
}

/** What was decided. `now`: RFC 3339, when; `heardAtMs`: when what it was decided on had come. */
type Decided<A> = Decision<A> & { readonly now: string; readonly heardAtMs: number };

/** Reads and decides; what it decided is still to be written. */
async function decided<R extends Reads, A>(
  { schema }: Setting,
  session: Session,
  { read, decide, clock }: Transaction<R, A>,
  asked: Statement = readStatement(schema, read),
): Promise<Decided<A>> {
  const rows = await readRows(session, read, asked);
  const heardAtMs = performance.now();
  const now = clock.now().toISOString();
  return { ...decide(rows, now), now, heardAtMs };
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
  const calls = lockCalls(setting.schema, lock).join(", ");
  const locked = calls === "" ? Promise.resolve() : session.run(`SELECT ${calls}`);
  const [, { writes, answer, now }] = await inOrder([locked, decided(setting, session, transaction, asked)]);
  await write(setting, session, writes, now);
  return answer;
}

/**
 * Runs a transaction of its own. READ COMMITTED is enough: core locks what it decides on, and the reads, one
 * statement, begin when the locks are held.
 *
 * @throws QueryFailed when a statement before the commit failed: nothing was stored
 * @throws UnheardCommit when the connection was lost while it committed
 */
export async function runTransaction<R extends Reads, A>(
  setting: Setting,
  session: Session,
  transaction: Transaction<R, A>,
): Promise<A> {
  if (transaction.lock.length === 0) return runWithoutLocks(setting, session, transaction);
  const asked = readStatement(setting.schema, transaction.read);
  const locks = lockCalls(setting.schema, transaction.lock);
  return inTransaction(session, { ...planning, locks }, async (begun) => {
    const [, decision] = await inOrder([begun, decided(setting, session, transaction, asked)]);
    await writeAndCommit(setting, session, decision);
    return decision.answer;
  });
}

/** Without a lock a transaction protects nothing between reading and writing: who only reads needs none. */
async function runWithoutLocks<R extends Reads, A>(
  setting: Setting,
  session: Session,
  transaction: Transaction<R, A>,
): Promise<A> {
  const decision = await decided(setting, session, transaction);
  if (decision.writes.length === 0) return decision.answer;
  return inTransaction(session, {}, async (begun) => {
    await begun;
    await writeAndCommit(setting, session, { ...decision, heardAtMs: performance.now() });
    return decision.answer;
  });
}

/** What a transaction begins with. */
interface Beginning {
  /** PostgreSQL's settings, for the transaction alone, whosever the connection is. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly locks?: readonly string[];
}

/**
 * Every statement of a transaction is planned once for each connection, and every one finds its rows by an index:
 * planning anew would take longer than running, and a plan that was made while a table was empty would go on
 * reading it whole when it has grown.
 */
const planning: Beginning = { settings: { plan_cache_mode: "force_generic_plan", enable_seqscan: "off" } };

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

const boundedWait = `CASE current_setting('lock_timeout') WHEN '0' THEN set_config('lock_timeout', '${longestLockWaitMs}', true) END`;

/** One statement for all of it, for each costs the server more than what it does. The locks come last. */
function beginSql({ settings = {}, locks = [] }: Beginning): string {
  const all = { idle_in_transaction_session_timeout: String(longestStandstillMs), ...settings };
  const set = Object.entries(all).map(([name, value]) => `set_config('${name}', '${value}', true)`);
  return `BEGIN ISOLATION LEVEL READ COMMITTED; SELECT ${[boundedWait, ...set, ...locks].join(", ")}`;
}

/**
 * Begins a transaction, and rolls it back when `work` throws. To commit is for `work`, and it sees first that the
 * transaction was begun: what is sent before that may be carried out outside of one.
 */
async function inTransaction<T>(
  session: Session,
  beginning: Beginning,
  work: (begun: Promise<unknown>) => Promise<T>,
): Promise<T> {
  try {
    const begun = session.run(beginSql(beginning));
    const [, answer] = await inOrder([begun, work(begun)]);
    return answer;
  } catch (error) {
    // A connection that cannot even roll back is broken: its pool closes it.
    await session.run("ROLLBACK").catch(() => {});
    throw error;
  }
}

/** Commits what `work` does, or rolls it back when it throws. */
export function committed<T>(session: Session, beginning: Beginning, work: () => Promise<T>): Promise<T> {
  return inTransaction(session, beginning, async (begun) => {
    const [, answer] = await inOrder([begun, work()]);
    await commit(session);
    return answer;
  });
}

async function commit(session: Session): Promise<void> {
  let command: string | undefined;
  try {
    ({ command } = await session.run("COMMIT"));
  } catch (error) {
    if (!(error instanceof QueryFailed) || !error.isDisconnected) throw error;
    throw new UnheardCommit(error);
  }
  // PostgreSQL answers a commit of a failed transaction with ROLLBACK, and no error.
  if (command !== "COMMIT") throw new QueryFailed({ code: "25P02", severity: "ERROR" });
}
