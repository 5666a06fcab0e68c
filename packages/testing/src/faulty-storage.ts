import { HeedError, type Decision, type HeedStorage, type Reads, type Transaction } from "@heed/core/storage";

/** What goes wrong with one commit. */
export type CommitFault =
  /** The transaction fails and changes nothing: a full disk, a locked file. */
  | { readonly before: "throws" | "dies" }
  /** It is committed, and the answer never comes: a lost connection, a process that is killed. */
  | { readonly after: "throws" | "dies" };

/** A storage that fails when it is told to, and knows that its process has died. */
export interface FaultyStorage extends HeedStorage {
  /** Commits that were tried so far. A transaction that writes nothing is none. */
  readonly commits: number;
  /** Resolves when the process has died. */
  readonly died: Promise<void>;
  readonly isDead: boolean;
  /** The process dies now: nothing that it asked is ever answered again. */
  die(): void;
}

const never = <T>(): Promise<T> => new Promise(() => {});

/**
 * What a process sees of a storage whose commits fail, at instants that a test chooses, before or after they
 * are made. A process that dies is one whose storage never answers again: what it holds in memory is lost, and
 * its leases run out. Give each process of a test its own `faulty` over one and the same storage.
 *
 * A fault that throws is a `HeedError` `storage-failed`, as a full disk is. Leave `close` to whoever made the
 * storage: this one closes nothing.
 *
 * @param faultOf asked once for each transaction that writes, counted from 1
 *
 * @example
 * // The process dies right after its third commit.
 * faulty(memory(), (commit) => (commit === 3 ? { after: "dies" } : undefined));
 */
export function faulty(
  storage: HeedStorage,
  faultOf: (commit: number) => CommitFault | undefined = () => undefined,
): FaultyStorage {
  let commits = 0;
  let isDead = false;
  let die = () => {};
  const died = new Promise<void>((resolve) => {
    die = () => {
      isDead = true;
      resolve();
    };
  });
  const whileAlive = async <T>(work: () => Promise<T>): Promise<T> => {
    if (isDead) return never();
    try {
      return isDead ? await never() : await work();
    } finally {
      // What was in flight when the process died is answered to nobody.
      if (isDead) await never();
    }
  };

  async function transact<R extends Reads, A>(transaction: Transaction<R, A>): Promise<A> {
    let fault: CommitFault | undefined;
    let isCounted = false;
    const decide: typeof transaction.decide = (rows, now): Decision<A> => {
      const decision = transaction.decide(rows, now);
      if (decision.writes.length === 0) return decision;
      // A storage may decide again when it tries again: that is the same commit.
      if (!isCounted) {
        commits += 1;
        fault = faultOf(commits);
      }
      isCounted = true;
      if (fault !== undefined && "before" in fault) throw failed();
      return decision;
    };
    const strike = (kind: "throws" | "dies") => {
      if (kind === "dies") die();
      else throw failed();
    };
    let answer: A;
    try {
      answer = await storage.transact<R, A>({ ...transaction, decide });
    } catch (error) {
      if (fault !== undefined && "before" in fault) strike(fault.before);
      throw error;
    }
    if (fault !== undefined && "after" in fault) strike(fault.after);
    return answer;
  }

  return {
    specificationVersion: storage.specificationVersion,
    name: storage.name,
    durable: storage.durable,
    get commits() {
      return commits;
    },
    get isDead() {
      return isDead;
    },
    died,
    die,
    transact: (transaction) => whileAlive(() => transact(transaction)),
    due: (ask) => whileAlive(() => storage.due(ask)),
    scrub: () => whileAlive(() => storage.scrub()),
    close: async () => {},
  };
}

function failed(): HeedError {
  return new HeedError("The storage failed, because a test said so.", { code: "storage-failed" });
}
