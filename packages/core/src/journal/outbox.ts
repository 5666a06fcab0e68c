import type { Clock } from "../contract/clock.ts";
import type { HeedStorage, Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { readJson, writeJson } from "./journal-line.ts";
import { markWrites } from "./journal-marks.ts";
import { knownRecords } from "./journal-position.ts";
import type { Journal, JournalPart, JournalPlace, JournalRecord } from "./journal.ts";
import { destroyedBy, type Kept } from "./kept-writes.ts";
import { isBegunAnew, ownReads } from "./known-record.ts";

/** Records that need no row any more. */
export interface Tidy {
  readonly ids: readonly string[];
  readonly writes: readonly Write[];
}

/** Where a record was appended, and which one. */
export type Appended = JournalPlace & { readonly id: string };

/**
 * How often records of joined transactions are looked for that nobody appended, and how old they are then, in
 * milliseconds: whoever joined may have looked before the application committed, and may never look again.
 */
const lookEveryMs = 10_000;

/**
 * Records on their way from the database to the journal. Each is committed as a row of `journal` with what it
 * tells of, then appended to the file; a later transaction removes the row and moves the writer's mark on.
 */
export class Outbox {
  readonly #storage: HeedStorage;
  readonly #journal: Journal;
  readonly #clock: Clock;
  /** Appended, and their rows still there. */
  readonly #done = new Map<string, JournalPlace>();
  readonly #inFlight = new Set<Promise<unknown>>();
  readonly #onTheirWay = new Set<string>();
  #isTidying = false;
  #isBehind = false;
  #last: Appended | undefined;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #forgetting: readonly string[] = [];

  constructor(storage: HeedStorage, journal: Journal, clock: Clock) {
    this.#storage = storage;
    this.#journal = journal;
    this.#clock = clock;
  }

  /** What this process appended last of its own: a database that does not know it is another, older copy. */
  get last(): Appended | undefined {
    return this.#last;
  }

  /** What was written is committed by somebody else, or unheard, or never: its record follows. */
  fallBehind(): void {
    this.#isBehind = true;
  }

  /** Appends a record whose row is committed, and resolves when its caller may be answered. */
  async append({ record, isAwaited, destroyed }: Kept): Promise<void> {
    const appended = this.#inOrder(record).then((place) => {
      // Not what was caught up with for another process, which may count it at any moment.
      this.#last = { ...place, id: record.id };
      return this.forget(destroyed);
    });
    this.#inFlight.add(appended);
    const settled = appended.finally(() => this.#inFlight.delete(appended));
    if (isAwaited || destroyed.length > 0) await settled;
    else settled.catch(() => {});
  }

  /**
   * Two people become one: what other processes have committed of whom it was that goes, and have not appended yet,
   * comes first. Behind this record it would be about nobody.
   */
  async #inOrder(record: JournalRecord): Promise<JournalPlace> {
    if (record.linked !== undefined) {
      this.#onTheirWay.add(record.id);
      await this.catchUp();
    }
    return this.#toFile(record);
  }

  async #toFile(record: JournalRecord): Promise<JournalPlace> {
    this.#onTheirWay.add(record.id);
    try {
      const place = await this.#journal.append(record);
      this.#done.set(record.id, place);
      return place;
    } catch (error) {
      this.#isBehind = true;
      throw error;
    } finally {
      this.#onTheirWay.delete(record.id);
    }
  }

  /** What could not be blanked stays to be blanked: an erasure is not over before. */
  async forget(owners: readonly string[]): Promise<void> {
    const going = [...new Set([...this.#forgetting, ...owners])];
    if (going.length === 0) return;
    this.#forgetting = going;
    await this.#journal.forget(going);
    this.#forgetting = this.#forgetting.filter((owner) => !going.includes(owner));
  }

  /**
   * Appends what this process knows to be missing from the file, and every {@link lookEveryMs} what was joined and
   * nobody appended.
   *
   * @returns whether it appended what other processes may find too
   */
  async catchUpIfNeeded(): Promise<boolean> {
    const nowMs = this.#clock.now().getTime();
    const isTime = nowMs < this.#lookedAtMs || nowMs >= this.#lookedAtMs + lookEveryMs;
    if (isTime) this.#lookedAtMs = nowMs;
    if (this.#isBehind) {
      await this.catchUp();
      return false;
    }
    if (!isTime) return false;
    const before = new Date(nowMs - lookEveryMs).toISOString();
    return (await this.#appendLeft((row) => row.joined === 1 && row.at <= before)) > 0;
  }

  /** Appends what is committed and not in the file. @param there what the file is known to have */
  async catchUp(there: ReadonlySet<string> = new Set()): Promise<void> {
    await this.#appendLeft((row) => !there.has(row.id));
  }

  /** @returns how many were appended */
  async #appendLeft(isMeant: (row: Row<"journal">) => boolean): Promise<number> {
    this.#isBehind = false;
    let appended = 0;
    try {
      const { outbox } = await knownRecords(this.#storage, this.#clock);
      for (const row of outbox.filter(isMeant)) {
        if (this.#done.has(row.id) || this.#onTheirWay.has(row.id)) continue;
        const record = readJson(row.record) as JournalRecord;
        await this.#toFile(await this.#withKeys(record));
        await this.forget(destroyedBy(record));
        appended += 1;
      }
    } catch (error) {
      this.#isBehind = true;
      throw error;
    }
    return appended;
  }

  /** Forgets what was appended from another copy of the database. */
  startOver(): void {
    this.#last = undefined;
    this.#done.clear();
  }

  /** What the next transaction takes along; whoever takes it says with {@link tidied} what became of it. */
  takeTidy(): Tidy | undefined {
    if (this.#isTidying || this.#done.size === 0) return undefined;
    this.#isTidying = true;
    return tidyOf(this.#done);
  }

  /** @param isCommitted otherwise a later transaction takes it */
  tidied({ ids }: Tidy, isCommitted: boolean): void {
    this.#isTidying = false;
    if (isCommitted) for (const id of ids) this.#done.delete(id);
  }

  /** Waits for what is being appended. */
  async rest(): Promise<void> {
    await Promise.allSettled(this.#inFlight);
  }

  /** Whether rows are left that are needed no more. */
  get isUntidy(): boolean {
    return this.#done.size > 0;
  }

  /** Removes the rows that are left, in a transaction of its own. @param journal what they were appended to */
  async tidyUp(journal: string | undefined): Promise<void> {
    if (this.#done.size === 0) return;
    const { ids, writes } = tidyOf(this.#done);
    await this.#storage.transact({
      lock: [],
      clock: this.#clock,
      read: ownReads(journal),
      decide: (rows) => ({ writes: isBegunAnew(rows) ? [] : writes, answer: undefined }),
    });
    for (const id of ids) this.#done.delete(id);
  }

  /** The data keys of a record's owners, as they are now: one that is gone is not needed any more. */
  async #withKeys(record: JournalRecord): Promise<JournalRecord> {
    const owner = record.parts.map((part) => part.owner);
    const dataKeys = await this.#storage.transact({
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
}

/** The row by which a record is committed. @param isJoined in a transaction that the application commits, or does not */
export function outboxWrite(record: JournalRecord, now: string, isJoined: boolean): Write {
  const row = { id: record.id, at: now, record: writeJson(withoutKeys(record)), joined: isJoined ? 1 : 0 };
  return { insert: "journal", row };
}

/** The records are in the journal: their rows go, and the writers' marks move on. Never back. */
function tidyOf(done: ReadonlyMap<string, JournalPlace>): Tidy {
  const ids = [...done.keys()];
  const last = new Map([...done.values()].map((place) => [place.writer, place]));
  return {
    ids,
    writes: [{ remove: "journal", where: { id: ids } }, ...[...last.values()].flatMap(markWrites)],
  };
}

/** In the database, a data key lies in the table of data keys and nowhere else. */
function withoutKeys(record: JournalRecord): JournalRecord {
  const parts = record.parts.map(({ owner, writes }) => ({
    owner,
    writes: writes.filter((write) => !("insert" in write && write.insert === "dataKeys")),
  }));
  return { ...record, parts };
}
