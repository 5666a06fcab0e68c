import type { Clock } from "../contract/clock.ts";
import type { Decision, HeedStorage, Reads, Transaction, Write } from "../contract/storage.ts";
import { restoreNeeded } from "../errors/restore-needed.ts";
import type { Keyring } from "../keys/keyring.ts";
import {
  compare,
  isKnown,
  knownRecords,
  markWrites,
  proofWith,
  refuseForeign,
  type Position,
} from "./journal-position.ts";
import type { Journal } from "./journal.ts";
import { keptOf, type Kept } from "./kept-writes.ts";
import { Outbox, outboxWrite, type Tidy } from "./outbox.ts";

interface State {
  readonly position: Position;
  isHeld: boolean;
}

/**
 * A storage whose choices are also in a journal. What {@link keptOf} keeps of a transaction is committed with
 * it as a row of `journal`, appended to the file, and only then is the caller answered; a later transaction
 * removes the row and notes how far the database knows the journal. So a database that lacks a record of its
 * journal is an older copy of itself. Until what it lost is replayed it is held: nothing is due, and only what
 * silences is recorded.
 */
export class JournaledStorage implements HeedStorage {
  readonly specificationVersion = "v1";
  readonly name: string;
  readonly durable: boolean;
  readonly serial: boolean;
  /** The storage underneath, for a restoration, which appends nothing. */
  readonly inner: HeedStorage;
  readonly journal: Journal;
  readonly #keys: Keyring;
  readonly #clock: Clock;
  #state: Promise<State> | undefined;
  readonly #outbox: Outbox;
  readonly watch?: HeedStorage["watch"] & {};

  constructor(inner: HeedStorage, journal: Journal, keys: Keyring, clock: Clock) {
    this.inner = inner;
    this.name = inner.name;
    this.durable = inner.durable;
    this.serial = inner.serial === true;
    this.journal = journal;
    this.#keys = keys;
    this.#clock = clock;
    this.#outbox = new Outbox(inner, journal, clock);
    const watch = inner.watch?.bind(inner);
    if (watch !== undefined) this.watch = watch;
  }

  /** Whether this database was restored from a back-up and what it lost is not replayed yet. */
  async isHeld(within?: unknown): Promise<boolean> {
    const state = await this.#ready(within);
    if (!state.isHeld) return false;
    // Another process may have restored it in the meantime.
    const known = await knownRecords(this.inner, this.#clock, within);
    state.isHeld = known.unplanned.length > 0 || state.position.lost.some((line) => !isKnown(line, known));
    return state.isHeld;
  }

  /** Compares anew. */
  async position(): Promise<Position> {
    this.#state = undefined;
    return (await this.#ready()).position;
  }

  /** Takes the journal as it is, or a new one where there is none: what it lacks is accepted as lost. */
  async beginAnew(): Promise<Position> {
    const identity = await this.journal.open(proofWith(this.#keys));
    if (identity === undefined) return this.position();
    refuseForeign(this.#keys, identity);
    const last = new Map(Object.entries(identity.dropped));
    for await (const { writer, number } of this.journal.read()) last.set(writer, number);
    await this.#write([
      { remove: "journalMarks", where: {} },
      { insert: "journalMarks", row: { writer: identity.id, number: 0, journal: identity.id } },
      ...[...last].flatMap(([writer, number]) => markWrites({ writer, number })),
    ]);
    return this.position();
  }

  async transact<const R extends Reads, A>(transaction: Transaction<R, A>): Promise<A> {
    const { within } = transaction;
    const isJoined = within !== undefined;
    const isHeld = await this.isHeld(within);
    // Nothing of our own is begun beside the application's transaction: it would wait for its end.
    if (this.#outbox.isBehind && !isJoined) await this.#outbox.catchUp();
    const found: { kept?: Kept; tidy?: Tidy | undefined } = {};
    let isCommitted = false;
    try {
      const answer = await this.inner.transact<R, A>({
        ...transaction,
        decide: (rows, now): Decision<A> => {
          const decision = transaction.decide(rows, now);
          const kept = keptOf(decision.writes, now);
          if (kept === undefined) return decision;
          if (isHeld && !kept.isOptOut) throw restoreNeeded();
          found.kept = kept;
          if (!isHeld && !isJoined) found.tidy ??= this.#outbox.takeTidy();
          const writes: readonly Write[] = [
            ...decision.writes,
            ...(found.tidy?.writes ?? []),
            outboxWrite(kept.record, now),
          ];
          return { ...decision, writes };
        },
      });
      isCommitted = true;
      if (found.kept !== undefined && isJoined) this.#outbox.fallBehind();
      else if (found.kept !== undefined) await this.#outbox.append(found.kept);
      return answer;
    } finally {
      if (found.tidy !== undefined) this.#outbox.tidied(found.tidy, isCommitted);
    }
  }

  async due(ask: Parameters<HeedStorage["due"]>[0]): ReturnType<HeedStorage["due"]> {
    if (await this.isHeld()) return [];
    if (this.#outbox.isBehind) await this.#outbox.catchUp();
    return this.inner.due(ask);
  }

  async scrub(): Promise<boolean> {
    await this.#ready();
    await this.#outbox.forget([]);
    return this.inner.scrub();
  }

  async close(): Promise<void> {
    await this.#outbox.rest();
    await this.#tidyUp().catch(() => {});
    await this.journal.close();
    await this.inner.close();
  }

  async #tidyUp(): Promise<void> {
    if (this.#state !== undefined && !(await this.#state).isHeld) await this.#outbox.tidyUp();
  }

  #ready(within?: unknown): Promise<State> {
    // What such a transaction shows may be rolled back: it is not kept as known.
    if (within !== undefined && this.#state === undefined) return this.#compareWithin(within);
    this.#state ??= this.#compare().catch((error: unknown) => {
      this.#state = undefined;
      throw error;
    });
    return this.#state;
  }

  async #compareWithin(within: unknown): Promise<State> {
    const position = await compare(this.inner, this.journal, this.#keys, this.#clock, within);
    const { unplanned } = await knownRecords(this.inner, this.#clock, within);
    return { position, isHeld: position.lost.length > 0 || unplanned.length > 0 };
  }

  async #compare(): Promise<State> {
    const position = await compare(this.inner, this.journal, this.#keys, this.#clock);
    const known = await knownRecords(this.inner, this.#clock);
    if (known.journal === undefined) {
      const { id } = position.identity;
      await this.#write([
        { insert: "journalMarks", row: { writer: id, number: 0, journal: id }, orKeep: true },
      ]);
    }
    const isHeld = position.lost.length > 0 || known.unplanned.length > 0;
    const state: State = { position, isHeld };
    this.#state = Promise.resolve(state);
    await this.#outbox.forget(position.unforgotten);
    // Whoever committed these died before they were appended.
    if (known.outbox.some((row) => !position.there.has(row.id))) await this.#outbox.catchUp(position.there);
    return state;
  }

  async #write(writes: readonly Write[]): Promise<void> {
    await this.inner.transact({
      lock: [],
      clock: this.#clock,
      read: {},
      decide: (): Decision<void> => ({ writes, answer: undefined }),
    });
  }
}
