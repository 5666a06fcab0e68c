import { setImmediate as turn } from "node:timers/promises";
import { HeedError, type Reads, type Transaction } from "@heed/core/storage";
import type { KeyedConnection } from "./keyed-connection.ts";
import { decideAndWrite, runTransaction } from "./run-transaction.ts";
import { translated } from "./sqlite-error.ts";
import type { UntilFree } from "./until-free.ts";

/** A longer group would hold the event loop for more than some milliseconds. */
const largestGroup = 200;

interface Waiting {
  /**
   * Runs the transaction, and returns what tells its caller: not to be called before the commit.
   *
   * @param isAlone nothing else is in the group, so what fails needs no savepoint to go back to
   */
  run(isAlone: boolean): () => void;
  reject(error: unknown): void;
}

/** Transactions of one connection, which share their commits. */
export interface GroupCommit {
  transact<R extends Reads, A>(transaction: Transaction<R, A>): Promise<A>;
}

/**
 * Commits in groups: transactions that come in one turn of the event loop, or while the file is locked by
 * another process, share one `BEGIN IMMEDIATE` and one `COMMIT`, and so one fsync. Each has a savepoint of
 * its own, unless it is alone, so that one that fails takes no other with it. Nobody is answered before the commit.
 */
export function groupCommit(connection: KeyedConnection, untilFree: UntilFree): GroupCommit {
  const waiting: Waiting[] = [];
  let isFlushing = false;

  function begin(): void {
    connection.run("BEGIN IMMEDIATE");
    try {
      connection.keyFile?.begin();
    } catch (error) {
      rollBack();
      throw error;
    }
  }

  function rollBack(): void {
    connection.keyFile?.rollBack();
    if (!connection.database.isTransaction) return;
    try {
      connection.run("ROLLBACK");
    } catch {
      // The callers know already; the next group cannot begin, and tells its own.
    }
  }

  function commit(group: readonly Waiting[]): void {
    const answers: (() => void)[] = [];
    try {
      for (const each of group) {
        answers.push(each.run(group.length === 1));
        if (!connection.database.isTransaction) {
          throw new HeedError("SQLite rolled the whole transaction back.", { code: "storage-failed" });
        }
      }
      // A key is on the disk before what refers to it.
      connection.keyFile?.commit();
      connection.run("COMMIT");
    } catch (error) {
      for (const each of group) each.reject(translated(error));
      rollBack();
      return;
    }
    for (const answer of answers) answer();
  }

  async function flush(): Promise<void> {
    isFlushing = true;
    while (waiting.length > 0) {
      await turn();
      try {
        // In one go: nothing else may come upon the open transaction.
        await untilFree(() => {
          begin();
          commit(waiting.splice(0, largestGroup));
        });
      } catch (error) {
        for (const each of waiting.splice(0)) each.reject(translated(error));
      }
    }
    isFlushing = false;
  }

  return {
    transact: (transaction) =>
      new Promise((resolve, reject) => {
        waiting.push({
          run(isAlone) {
            // The group fails as a whole, and tells its only caller.
            if (isAlone) {
              const answer = decideAndWrite(connection, transaction);
              return () => resolve(answer);
            }
            try {
              const answer = runTransaction(connection, transaction);
              return () => resolve(answer);
            } catch (error) {
              return () => reject(error);
            }
          },
          reject,
        });
        if (!isFlushing) void flush();
      }),
  };
}
