import type { Decision, HeedStorage, Reads, Row, Transaction, Write } from "@heed/core/storage";

/** What was committed of steps and requests, readable at once: what a storage answers only later. */
export interface Mirror {
  readonly steps: ReadonlyMap<string, Row<"steps">>;
  readonly requests: ReadonlyMap<string, Row<"requests">>;
}

/** A row before and after a commit; `before` is undefined for a new one. */
export interface Moved<T extends "steps" | "requests"> {
  readonly before: Row<T> | undefined;
  readonly after: Row<T>;
}

/** One commit, as it was made. */
export interface Commit {
  readonly writes: readonly Write[];
  readonly now: string;
  readonly steps: readonly Moved<"steps">[];
  readonly requests: readonly Moved<"requests">[];
}

/** A storage that tells of each commit, at the instant it is made, to somebody who knows steps and requests. */
export function mirrored(
  storage: HeedStorage,
  onCommit: (commit: Commit) => void,
): { storage: HeedStorage; mirror: Mirror } {
  const steps = new Map<string, Row<"steps">>();
  const requests = new Map<string, Row<"requests">>();
  const apply = (writes: readonly Write[], now: string): Commit => {
    const moved = {
      steps: new Map<string, Moved<"steps">>(),
      requests: new Map<string, Moved<"requests">>(),
    };
    const put = <T extends "steps" | "requests">(table: T, all: Map<string, Row<T>>, after: Row<T>) => {
      const changes = moved[table] as unknown as Map<string, Moved<T>>;
      const before = changes.has(after.id) ? changes.get(after.id)?.before : all.get(after.id);
      changes.set(after.id, { before, after });
      all.set(after.id, after);
    };
    const write = <T extends "steps" | "requests">(table: T, all: Map<string, Row<T>>, each: Write) => {
      if ("insert" in each && each.insert === table) put(table, all, each.row as Row<T>);
      if ("update" in each && each.update === table)
        for (const row of all.values()) if (fits(row, each.where)) put(table, all, { ...row, ...each.set });
      if ("remove" in each && each.remove === table)
        throw new TypeError(`Nobody removes ${table}: they are lost then.`);
    };
    for (const each of writes) {
      write("steps", steps, each);
      write("requests", requests, each);
    }
    return { writes, now, steps: [...moved.steps.values()], requests: [...moved.requests.values()] };
  };
  async function transact<R extends Reads, A>(transaction: Transaction<R, A>): Promise<A> {
    let made: { writes: readonly Write[]; now: string } | undefined;
    const answer = await storage.transact<R, A>({
      ...transaction,
      decide: (rows, now): Decision<A> => {
        const decision = transaction.decide(rows, now);
        made = { writes: decision.writes, now };
        return decision;
      },
    });
    if (made !== undefined && made.writes.length > 0) onCommit(apply(made.writes, made.now));
    return answer;
  }
  return { storage: { ...storage, transact }, mirror: { steps, requests } };
}

function fits(row: Readonly<Record<string, unknown>>, where: object): boolean {
  return Object.entries(where).every(([column, condition]: [string, unknown]) => {
    const value = row[column];
    if (typeof condition !== "object" || condition === null) return value === condition;
    if (Array.isArray(condition)) return condition.includes(value);
    if ("isNull" in condition) return (value === null) === condition.isNull;
    throw new TypeError(`The mirror does not know this condition on ${column}.`);
  });
}
