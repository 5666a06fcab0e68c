import type { Clock } from "../contract/clock.ts";
import type { Decision, HeedStorage, Reads, Transaction, Write } from "../contract/storage.ts";
import { isHeedError } from "../errors/heed-error.ts";
import { restoreNeeded } from "../errors/restore-needed.ts";
import type { Keyring } from "../keys/keyring.ts";
import { beginJournal, proofWith } from "./begin-journal.ts";
import {
  compare,
  droppedBehind,
  isKnown,
  knownRecords,
  refuseForeign,
  type Position,
} from "./journal-position.ts";
import type { Journal } from "./journal.ts";
import { markWrites, journalsOf, marksAnew, marksBefore, marksOfLoss, ownMark } from "./journal-marks.ts";
import { keptOf, type Kept } from "./kept-writes.ts";
import { isBegunAnew, lacksRecord, ownReads, recordReads } from "./known-record.ts";
import { Outbox, outboxWrite, type Tidy } from "./outbox.ts";
import { writeAll } from "./write-all.ts";

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
  /** The newest record that was found to be here by comparing all. */
  #judged: string | undefined;
  /** The id of the journal that it was compared with last. */
  #compared: string | undefined;
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

  /** Whether this database was restored from a back-up, also just now, and what it lost is not replayed yet. */
  async isHeld(): Promise<boolean> {
    await this.#lookAgain();
    return this.#isHeld();
  }

  /** Whether the database knows what was appended last, whoever did: it may have been put back while this process runs. */
  async #lookAgain(): Promise<void> {
    if (this.#state === undefined || (await this.#state).isHeld) return;
    const last = await this.journal.last();
    if (last === undefined || last.id === this.#judged) return;
    const isBehind = await this.inner.transact({
      lock: [],
      clock: this.#clock,
      read: recordReads(last),
      decide: (rows) => ({ writes: [], answer: lacksRecord(rows, last) }),
    });
    if (!isBehind) return;
    await this.#compareAnew();
    // A second copy of a record is known by the first one: that took a look at all of them.
    this.#judged = last.id;
  }

  async #compareAnew(): Promise<State> {
    this.#outbox.startOver();
    this.#state = undefined;
    return this.#ready();
  }

  async #isHeld(within?: unknown): Promise<boolean> {
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
    const known = await knownRecords(this.inner, this.#clock);
    const identity =
      (await this.journal.open()) ??
      (await beginJournal(this.inner, this.journal, this.#keys, this.#clock, journalsOf(known)));
    if (identity === undefined) return this.position();
    refuseForeign(this.#keys, identity);
    await this.#write(await marksAnew(this.journal, identity));
    return this.position();
  }

  /** See {@link Journal.compact}. @throws HeedError `restore-needed` while what would be left out may be lost here */
  async compact(before: string): Promise<number> {
    const { there } = await this.position();
    if (await this.isHeld()) throw restoreNeeded();
    // Counted first: what a row here says of a record that is there no more would be taken for one to append.
    await this.#write(await marksBefore(this.journal, before, there));
    return this.journal.compact(before, proofWith(this.#keys));
  }

  /** Takes for lost what compaction left out of the journal, or was chosen before it was begun, and this database lacks. */
  async acceptCompacted(): Promise<Position> {
    const identity = await this.journal.open();
    if (identity === undefined) return this.position();
    refuseForeign(this.#keys, identity);
    const { marks, journal } = await knownRecords(this.inner, this.#clock);
    await this.#write(marksOfLoss(identity, marks, journal));
    return this.position();
  }

  async transact<const R extends Reads, A>(transaction: Transaction<R, A>): Promise<A> {
    const { within } = transaction;
    const isJoined = within !== undefined;
    const isHeld = await this.#isHeld(within);
    // Nothing of our own is begun beside the application's transaction: it would wait for its end.
    if (!isJoined) await this.#catchUp();
    const found: { kept?: Kept; tidy?: Tidy | undefined } = {};
    const last = isJoined ? undefined : this.#outbox.last;
    const isToTidy = !isJoined && !isHeld && this.#outbox.isUntidy;
    const own = isToTidy ? (await this.#ready()).position.identity?.id : undefined;
    let isCommitted = false;
    try {
      const answer = await this.inner.transact<R, A>({
        ...transaction,
        read: { ...transaction.read, ...recordReads(last), ...ownReads(own) },
        decide: (rows, now): Decision<A> => {
          if (lacksRecord(rows, last) || isBegunAnew(rows)) throw olderCopy;
          const decision = transaction.decide(rows, now);
          const kept = keptOf(decision.writes, now);
          if (kept === undefined) return decision;
          if (isHeld && !kept.isOptOut) throw restoreNeeded();
          found.kept = kept;
          if (own !== undefined) found.tidy ??= this.#outbox.takeTidy();
          const writes: readonly Write[] = [
            ...decision.writes,
            ...(found.tidy?.writes ?? []),
            outboxWrite(kept.record, now, isJoined),
          ];
          return { ...decision, writes };
        },
      });
      isCommitted = true;
      if (found.kept !== undefined && isJoined) this.#outbox.fallBehind();
      else if (found.kept !== undefined) await this.#outbox.append(found.kept);
      return answer;
    } catch (error) {
      // Nobody heard of the commit, perhaps: the record follows if there was one.
      const isUnheard = isHeedError(error) && error.code === "storage-failed";
      if (isUnheard && !isCommitted && found.kept !== undefined) this.#outbox.fallBehind();
      if (error !== olderCopy) throw error;
    } finally {
      if (found.tidy !== undefined) this.#outbox.tidied(found.tidy, isCommitted);
    }
    // It was put back, or a standby took over, or its journal was begun anew, while this process ran.
    if ((await this.#compareAnew()).isHeld) throw restoreNeeded();
    return this.transact(transaction);
  }

  async due(ask: Parameters<HeedStorage["due"]>[0]): ReturnType<HeedStorage["due"]> {
    if (await this.isHeld()) return [];
    await this.#catchUp();
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

  async #catchUp(): Promise<void> {
    // Counted at once: other processes look too.
    if (await this.#outbox.catchUpIfNeeded()) await this.#tidyUp();
  }

  async #tidyUp(): Promise<void> {
    const state = await this.#state;
    if (state !== undefined && !state.isHeld) await this.#outbox.tidyUp(state.position.identity?.id);
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
    const { identity } = position;
    // What was appended to one that is lost is not in the one that was begun anew.
    if (this.#compared !== undefined && this.#compared !== identity?.id) this.#outbox.startOver();
    this.#compared = identity?.id;
    if (identity !== undefined) {
      if (known.journal === undefined) await this.#write(ownMark(identity.id));
      // Known by rows that go: see below.
      await this.#write(droppedBehind(identity, known).flatMap(markWrites));
    }
    const isHeld = position.lost.length > 0 || known.unplanned.length > 0;
    const state: State = { position, isHeld };
    this.#state = Promise.resolve(state);
    await this.#outbox.forget(position.unforgotten);
    // Whoever committed these died before they were appended.
    if (known.outbox.some((row) => !position.there.has(row.id))) await this.#outbox.catchUp(position.there);
    return state;
  }

  #write(writes: readonly Write[]): Promise<void> {
    return writeAll(this.inner, this.#clock, writes);
  }
}

/** Thrown out of a decision, so that nothing is written. */
const olderCopy = restoreNeeded();
