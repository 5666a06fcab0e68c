import type { Clock } from "../contract/clock.ts";
import type { Decision, HeedStorage, Reads, Transaction, Write } from "../contract/storage.ts";
import { restoreNeeded } from "../errors/restore-needed.ts";
import type { Keyring } from "../keys/keyring.ts";
import {
  compare,
  droppedBehind,
  isKnown,
  knownRecords,
  proofWith,
  refuseForeign,
  type Position,
} from "./journal-position.ts";
import { readJson, writeJson } from "./journal-line.ts";
import type { Journal, JournalPart, JournalPlace, JournalRecord } from "./journal.ts";
import { keptOf, type Kept } from "./kept-writes.ts";

/** Records that need no row any more. */
interface Tidy {
  readonly ids: readonly string[];
  readonly writes: readonly Write[];
}

/**
 * How often records of joined transactions are looked for that nobody appended, and how old they are then, in
 * milliseconds: whoever joined may have looked before the application committed, and may never look again.
 */
const lookEveryMs = 10_000;

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
  /** Appended, and their rows still there. */
  readonly #done = new Map<string, JournalPlace>();
  /** What this process appended last: a database that does not know it is another, older copy. */
  #last: (JournalPlace & { readonly id: string }) | undefined;
  /** The newest record that was found to be here by comparing all. */
  #judged: string | undefined;
  readonly #inFlight = new Set<Promise<unknown>>();
  readonly #onTheirWay = new Set<string>();
  #isTidying = false;
  #hasBacklog = false;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #forgetting: readonly string[] = [];
  readonly watch?: HeedStorage["watch"] & {};

  constructor(inner: HeedStorage, journal: Journal, keys: Keyring, clock: Clock) {
    this.inner = inner;
    this.name = inner.name;
    this.durable = inner.durable;
    this.serial = inner.serial === true;
    this.journal = journal;
    this.#keys = keys;
    this.#clock = clock;
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
      read: lastReads(last),
      decide: (rows) => ({ writes: [], answer: isOlder(rows, last) }),
    });
    if (!isBehind) return;
    await this.#compareAnew();
    // A second copy of a record is known by the first one: that took a look at all of them.
    this.#judged = last.id;
  }

  async #compareAnew(): Promise<State> {
    this.#last = undefined;
    this.#done.clear();
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

  /** See {@link Journal.compact}. @throws HeedError `restore-needed` while what would be left out may be lost here */
  async compact(before: string): Promise<number> {
    const { there } = await this.position();
    if (await this.isHeld()) throw restoreNeeded();
    // Counted first: what a row here says of a record that is there no more would be taken for one to append.
    const last = new Map<string, number>();
    const counted: string[] = [];
    for await (const { writer, number, record } of this.journal.read()) {
      if (record.at >= before) continue;
      last.set(writer, number);
      if (there.has(record.id)) counted.push(record.id);
    }
    await this.#write([
      { remove: "journal", where: { id: counted } },
      ...[...last].flatMap(([writer, number]) => markWrites({ writer, number })),
    ]);
    return this.journal.compact(before, proofWith(this.#keys));
  }

  /** Takes for lost what compaction left out of the journal and this database lacks. */
  async acceptCompacted(): Promise<Position> {
    const identity = await this.journal.open(undefined);
    if (identity === undefined) return this.position();
    refuseForeign(this.#keys, identity);
    const known = await knownRecords(this.inner, this.#clock);
    await this.#write(droppedBehind(identity, known).flatMap(markWrites));
    return this.position();
  }

  async transact<const R extends Reads, A>(transaction: Transaction<R, A>): Promise<A> {
    const { within } = transaction;
    const isJoined = within !== undefined;
    const isHeld = await this.#isHeld(within);
    // Nothing of our own is begun beside the application's transaction: it would wait for its end.
    if (!isJoined) await this.#catchUpIfNeeded();
    const found: { kept?: Kept; tidy?: Tidy | undefined } = {};
    const last = isJoined ? undefined : this.#last;
    try {
      const answer = await this.inner.transact<R, A>({
        ...transaction,
        read: { ...transaction.read, ...lastReads(last) },
        decide: (rows, now): Decision<A> => {
          if (isOlder(rows, last)) throw olderCopy;
          const decision = transaction.decide(rows, now);
          const kept = keptOf(decision.writes, now);
          if (kept === undefined) return decision;
          if (isHeld && !kept.isOptOut) throw restoreNeeded();
          found.kept = kept;
          if (!isHeld && !isJoined) found.tidy ??= this.#tidyWrites();
          const { record } = kept;
          const joined = isJoined ? 1 : 0;
          const row = { id: record.id, at: now, record: writeJson(withoutKeys(record)), joined };
          const writes: readonly Write[] = [
            ...decision.writes,
            ...(found.tidy?.writes ?? []),
            { insert: "journal", row },
          ];
          return { ...decision, writes };
        },
      });
      for (const id of found.tidy?.ids ?? []) this.#done.delete(id);
      // A joined transaction is committed by the application, later or never: its record follows.
      if (found.kept !== undefined && isJoined) this.#hasBacklog = true;
      else if (found.kept !== undefined) await this.#append(found.kept);
      return answer;
    } catch (error) {
      if (error !== olderCopy) throw error;
    } finally {
      if (found.tidy !== undefined) this.#isTidying = false;
    }
    // It was put back, or a standby took over, while this process ran.
    if ((await this.#compareAnew()).isHeld) throw restoreNeeded();
    return this.transact(transaction);
  }

  async due(ask: Parameters<HeedStorage["due"]>[0]): ReturnType<HeedStorage["due"]> {
    if (await this.isHeld()) return [];
    await this.#catchUpIfNeeded();
    return this.inner.due(ask);
  }

  async scrub(): Promise<boolean> {
    await this.#ready();
    await this.#forget([]);
    return this.inner.scrub();
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#inFlight);
    await this.#tidy().catch(() => {});
    await this.journal.close();
    await this.inner.close();
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
    // Known by rows that go: see below.
    await this.#write(droppedBehind(position.identity, known).flatMap(markWrites));
    const isHeld = position.lost.length > 0 || known.unplanned.length > 0;
    const state: State = { position, isHeld };
    this.#state = Promise.resolve(state);
    await this.#forget(position.unforgotten);
    // Whoever committed these died before they were appended.
    if (known.outbox.some((row) => !position.there.has(row.id)))
      await this.#catchUp({ there: position.there });
    return state;
  }

  async #append({ record, isAwaited, destroyed }: Kept): Promise<void> {
    const appended = this.#toFile(record).then((place) => {
      // Not what was caught up with for another process, which may count it at any moment.
      this.#last = { ...place, id: record.id };
      return this.#forget(destroyed);
    });
    this.#inFlight.add(appended);
    const settled = appended.finally(() => this.#inFlight.delete(appended));
    if (isAwaited || destroyed.length > 0) await settled;
    else settled.catch(() => {});
  }

  async #toFile(record: JournalRecord): Promise<JournalPlace> {
    this.#onTheirWay.add(record.id);
    try {
      const place = await this.journal.append(record);
      this.#done.set(record.id, place);
      return place;
    } catch (error) {
      this.#hasBacklog = true;
      throw error;
    } finally {
      this.#onTheirWay.delete(record.id);
    }
  }

  /** What could not be blanked stays to be blanked: an erasure is not over before. */
  async #forget(owners: readonly string[]): Promise<void> {
    const going = [...new Set([...this.#forgetting, ...owners])];
    if (going.length === 0) return;
    this.#forgetting = going;
    await this.journal.forget(going);
    this.#forgetting = this.#forgetting.filter((owner) => !going.includes(owner));
  }

  async #catchUpIfNeeded(): Promise<void> {
    const nowMs = this.#clock.now().getTime();
    const isTime = nowMs < this.#lookedAtMs || nowMs >= this.#lookedAtMs + lookEveryMs;
    if (isTime) this.#lookedAtMs = nowMs;
    if (this.#hasBacklog) return this.#catchUp();
    if (!isTime) return;
    const before = this.#done.size;
    await this.#catchUp({ before: new Date(nowMs - lookEveryMs).toISOString() });
    // Counted at once: other processes look too.
    if (this.#done.size > before) await this.#tidy();
  }

  /** Appends what is committed and not in the file. @param before RFC 3339: only what was joined, and not since then */
  async #catchUp({
    there = new Set(),
    before,
  }: { there?: ReadonlySet<string>; before?: string } = {}): Promise<void> {
    this.#hasBacklog = false;
    try {
      const { outbox } = await knownRecords(this.inner, this.#clock);
      for (const { id, at, joined, record: text } of outbox) {
        if (before !== undefined && (joined === 0 || at > before)) continue;
        if (there.has(id) || this.#done.has(id) || this.#onTheirWay.has(id)) continue;
        await this.#toFile(await this.#withKeys(readJson(text) as JournalRecord));
      }
    } catch (error) {
      this.#hasBacklog = true;
      throw error;
    }
  }

  /** The data keys of a record's owners, as they are now: one that is gone is not needed any more. */
  async #withKeys(record: JournalRecord): Promise<JournalRecord> {
    const owner = record.parts.map((part) => part.owner);
    const dataKeys = await this.inner.transact({
      lock: [],
      clock: this.#clock,
      read: { dataKeys: { from: "dataKeys", where: { owner } } },
      decide: ({ dataKeys }) => ({ writes: [], answer: dataKeys }),
    });
    const parts = record.parts.map((part): JournalPart => {
      const row = dataKeys.find((each) => each.owner === part.owner);
      const isBegun = part.writes.some(
        (each) => "insert" in each && ["subjects", "parked"].includes(each.insert),
      );
      return row === undefined || !isBegun
        ? part
        : { ...part, writes: [{ insert: "dataKeys", row }, ...part.writes] };
    });
    return { ...record, parts };
  }

  #tidyWrites(): Tidy | undefined {
    if (this.#isTidying || this.#done.size === 0) return undefined;
    this.#isTidying = true;
    const done = [...this.#done];
    return { ids: done.map(([id]) => id), writes: countWrites(done) };
  }

  async #tidy(): Promise<void> {
    if (this.#state === undefined || (await this.#state).isHeld || this.#done.size === 0) return;
    const done = [...this.#done];
    await this.#write(countWrites(done));
    for (const [id] of done) this.#done.delete(id);
  }

  async #write(writes: readonly Write[]): Promise<void> {
    if (writes.length === 0) return;
    await this.inner.transact({
      lock: [],
      clock: this.#clock,
      read: {},
      decide: (): Decision<void> => ({ writes, answer: undefined }),
    });
  }
}

/** Thrown out of a decision, so that nothing is written. */
const olderCopy = restoreNeeded();

function lastReads(last: { readonly id: string; readonly writer: string } | undefined): Reads {
  if (last === undefined) return {};
  return {
    "journal/last": { from: "journal", where: { id: last.id } },
    "journal/mark": { from: "journalMarks", where: { writer: last.writer } },
  };
}

function isOlder(rows: object, last: { readonly number: number } | undefined): boolean {
  if (last === undefined) return false;
  const read = rows as Readonly<
    Record<"journal/last" | "journal/mark", readonly { readonly number?: number }[]>
  >;
  return read["journal/last"].length === 0 && (read["journal/mark"][0]?.number ?? 0) < last.number;
}

/** The records are in the journal: their rows go, and the writers' marks move on. Never back. */
function countWrites(done: readonly (readonly [string, JournalPlace])[]): readonly Write[] {
  return [
    { remove: "journal", where: { id: done.map(([id]) => id) } },
    ...[...new Map(done.map(([, place]) => [place.writer, place])).values()].flatMap(markWrites),
  ];
}

/** Notes that the database has a writer's records up to this one. */
export function markWrites({ writer, number }: JournalPlace): readonly Write[] {
  return [
    { insert: "journalMarks", row: { writer, number, journal: "" }, orKeep: true },
    { update: "journalMarks", where: { writer, number: { atMost: number } }, set: { number } },
  ];
}

/** In the database, a data key lies in the table of data keys and nowhere else. */
function withoutKeys(record: JournalRecord): JournalRecord {
  const parts = record.parts.map(({ owner, writes }) => ({
    owner,
    writes: writes.filter((write) => !("insert" in write && write.insert === "dataKeys")),
  }));
  return { ...record, parts };
}
