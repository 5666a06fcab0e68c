import { HeedError, type Reads, type Transaction } from "@heed/core/storage";
import { installationOf } from "./migrate.ts";
import { QueryFailed } from "./postgres-error.ts";
import { decideInside, type Setting } from "./run-transaction.ts";
import { Session, type Result, type Send } from "./session.ts";

function hasMethod<N extends string>(
  value: unknown,
  name: N,
): value is Record<N, (text: string, values?: unknown[]) => Promise<Result>> {
  return (
    typeof value === "object" &&
    value !== null &&
    name in value &&
    typeof Reflect.get(value, name) === "function"
  );
}

/** One session for each client of the application: two calls at once keep their statements in order. */
const sessions = new WeakMap<object, Session>();

function sessionOf(within: unknown): Session {
  const known = typeof within === "object" && within !== null ? sessions.get(within) : undefined;
  if (known !== undefined) return known;
  let send: Send;
  if (hasMethod(within, "query")) send = (sql, values) => within.query(sql, [...(values ?? [])]);
  else if (hasMethod(within, "executeSql"))
    send = (sql, values) => within.executeSql(sql, [...(values ?? [])]);
  else throw new TypeError("`within` takes a client of pg, or what runs statements in an open transaction.");
  const session = new Session(send, false);
  sessions.set(within, session);
  return session;
}

/** SQLSTATE `no_active_sql_transaction`: SAVEPOINT knows whether a transaction has begun. */
const noTransaction = "25P01";

async function open(session: Session): Promise<void> {
  try {
    await session.run("SAVEPOINT heed");
  } catch (error) {
    if (error instanceof QueryFailed && error.code === noTransaction) {
      throw new TypeError("`within` takes a client whose transaction has begun: BEGIN first.", {
        cause: error,
      });
    }
    throw error;
  }
}

/** @throws TypeError when the transaction is one of another database, or of another isolation level */
async function check(session: Session, schema: string, installation: string): Promise<void> {
  const isolation = await session.run("SELECT current_setting('transaction_isolation') AS level");
  if (isolation.rows[0]?.["level"] !== "read committed") {
    throw new TypeError(
      "`within` takes a transaction at READ COMMITTED: a stricter one would show heed what was true when it began.",
    );
  }
  const { rows } = await session.run("SELECT to_regclass($1)::text AS found", [`"${schema}".heed_schema`]);
  const found = rows[0]?.["found"] === null ? undefined : await installationOf(session, schema);
  if (found !== installation) {
    throw new TypeError("`within` takes a client of the storage's own database: no transaction spans two.");
  }
}

/** One at a time for each client: savepoints of two calls must not cross. */
const running = new WeakMap<Session, Promise<unknown>>();

/**
 * Runs the transaction inside one that the application has begun: the application's `COMMIT` is then the
 * commit, and its `ROLLBACK` leaves nothing. When it throws, the application's transaction goes on without it.
 *
 * @throws TypeError when `within` cannot be joined
 * @throws QueryFailed when a statement failed
 */
export async function runWithin<R extends Reads, A>(
  setting: Setting,
  installation: string,
  transaction: Transaction<R, A>,
): Promise<A> {
  const session = sessionOf(transaction.within);
  const before = running.get(session) ?? Promise.resolve();
  const answer = before.then(() => joined(setting, session, installation, transaction));
  running.set(
    session,
    answer.catch(() => {}),
  );
  return answer;
}

async function joined<R extends Reads, A>(
  setting: Setting,
  session: Session,
  installation: string,
  transaction: Transaction<R, A>,
): Promise<A> {
  await open(session);
  try {
    await check(session, setting.schema, installation);
    const answer = await decideInside(setting, session, transaction);
    await session.run("RELEASE SAVEPOINT heed");
    return answer;
  } catch (error) {
    await session.run("ROLLBACK TO SAVEPOINT heed").catch(() => {
      throw new HeedError("The application's transaction is lost with its connection.", {
        code: "storage-failed",
        cause: error instanceof QueryFailed ? error : undefined,
      });
    });
    await session.run("RELEASE SAVEPOINT heed");
    throw error;
  }
}
