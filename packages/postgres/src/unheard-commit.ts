import {
  conflictOf,
  HeedError,
  type Query,
  type Reads,
  type Transaction,
  type Write,
} from "@heed/core/storage";
import type { QueryFailed } from "./postgres-error.ts";

/** The connection was lost when a commit was on its way. */
export class UnheardCommit extends HeedError {
  constructor(cause: QueryFailed) {
    super(
      "The connection was lost while the transaction committed: it is not known whether it was stored. Look before you repeat it.",
      { code: "storage-failed", cause },
    );
  }
}

/** What a try is about to commit. */
interface Sent<A> {
  readonly writes: readonly Write[];
  /** Finds a row that is there if it went through, and never otherwise. */
  readonly proof: Query | undefined;
  readonly answer: A;
}

const proofName = "commit/proof";

/** A row whose id was drawn at random for this very try. */
function proofOf(writes: readonly Write[]): Query | undefined {
  for (const write of writes) {
    if (!("insert" in write) || conflictOf(write) !== false) continue;
    if (write.insert === "steps" || write.insert === "evidence")
      return { from: write.insert, where: { id: write.row.id } };
  }
  return undefined;
}

/**
 * The tries of one transaction. Where nobody heard of a commit, the next try takes the same locks: when it has them, the
 * one before has ended, and a row of it is there or is not.
 */
export class Tries<A> {
  #sent: Sent<A> | undefined;
  #unheard: UnheardCommit | undefined;

  /** The transaction, as it is tried now: what went through before is answered, and not done again. */
  now<R extends Reads>(transaction: Transaction<R, A>): Transaction<R, A> {
    const before = this.#unheard === undefined ? undefined : this.#sent;
    const proof = before?.proof === undefined ? {} : { [proofName]: before.proof };
    return {
      ...transaction,
      read: { ...transaction.read, ...proof },
      decide: (rows, now) => {
        const found: { readonly [proofName]?: readonly unknown[] } = rows;
        if (before !== undefined && (found[proofName]?.length ?? 0) > 0)
          return { writes: [], answer: before.answer };
        this.#unheard = undefined;
        const decision = transaction.decide(rows, now);
        this.#sent = { ...decision, proof: proofOf(decision.writes) };
        return decision;
      },
    };
  }

  /** @returns whether the next try can find out what became of this one */
  isKnowable(error: unknown): boolean {
    if (!(error instanceof UnheardCommit)) return false;
    this.#unheard = error;
    return this.#sent !== undefined && (this.#sent.writes.length === 0 || this.#sent.proof !== undefined);
  }

  /** What to tell when no further try is made: a failure on the way to finding out tells nothing of what was sent. */
  outcome(error: unknown): unknown {
    return this.#unheard ?? error;
  }
}
