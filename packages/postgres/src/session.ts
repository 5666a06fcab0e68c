import { QueryFailed } from "./postgres-error.ts";

/** What a statement answered. */
export interface Result {
  readonly rows: readonly Record<string, unknown>[];
  /** The tag of the server, for example `COMMIT`. */
  readonly command?: string;
}

/** SQL with the values that it is run with. */
export interface Statement {
  readonly sql: string;
  readonly values: readonly unknown[];
}

/** How a statement reaches a connection. Without values it may be several. */
export type Send = (
  sql: string,
  values: readonly unknown[] | undefined,
) => Promise<Result | readonly Result[]>;

/**
 * One connection, for as long as it is held. Statements run in the order in which they are given, and may be
 * given before the last one has answered. What fails is a {@link QueryFailed}.
 */
export class Session {
  readonly #send: Send;
  /** Whether the connection itself takes a statement before the last one has answered. */
  readonly isPipelined: boolean;
  #last: Promise<unknown> = Promise.resolve();

  constructor(send: Send, isPipelined: boolean) {
    this.#send = send;
    this.isPipelined = isPipelined;
  }

  /** Runs one statement, or, where no values are given, several. */
  run(sql: string, values?: readonly unknown[]): Promise<Result> {
    const send = () => this.#sent(sql, values);
    const answered = this.isPipelined ? send() : this.#last.then(send);
    this.#last = answered.catch(() => {});
    return answered;
  }

  /** The `db` of a call to pg-boss: its statements run on this connection. */
  get db() {
    return {
      executeSql: async (text: string, values: readonly unknown[] = []) => ({
        rows: [...(await this.run(text, values)).rows],
      }),
    };
  }

  /**
   * The `db` of a call that is one statement, and when that is on its way: what is run from then on comes behind it.
   * A second one is refused, for it may come after the commit.
   */
  dbOnce() {
    const { db } = this;
    const { promise: sent, resolve } = Promise.withResolvers<void>();
    let isUsed = false;
    const executeSql: typeof db.executeSql = (text, values) => {
      if (isUsed)
        throw new TypeError("pg-boss sends more than one statement, where one was all that it needs.");
      isUsed = true;
      const answer = db.executeSql(text, values);
      resolve();
      return answer;
    };
    return { db: { executeSql }, sent };
  }

  async #sent(sql: string, values: readonly unknown[] | undefined): Promise<Result> {
    try {
      const answer = await this.#send(sql, values);
      // Several statements have as many answers; the last one's is theirs.
      return "rows" in answer ? answer : (answer.at(-1) ?? { rows: [] });
    } catch (error) {
      throw new QueryFailed(error);
    }
  }
}

/** Waits for all, and only then throws what the first of them to be given threw: none is left behind. */
export async function inOrder<const T extends readonly Promise<unknown>[]>(
  promises: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
