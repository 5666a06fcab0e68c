import {
  createHeed,
  ephemeralKeys,
  keyring,
  memory,
  newKey,
  type Heed,
  type HeedOptions,
  type HeedStorage,
  type Journal,
  type Names,
  type Policy,
  type ProcessorV1,
} from "@heed/core";
import type { Row, TableName } from "@heed/core/storage";
import { tables } from "@heed/core/storage";
import { virtualClock, type VirtualClock } from "./virtual-clock.ts";

/** A heed whose time a test moves, and whose storage it can read. */
export interface TestHeed<N extends Names> {
  readonly heed: Heed<N>;
  readonly clock: VirtualClock;
  readonly storage: HeedStorage;
  /**
   * Works and lets time pass until no step is open, or none is due within `withinMs` (default 40 days).
   * @returns how many steps ended
   */
  settle(withinMs?: number): Promise<number>;
  /** All rows of a table, as they lie in the storage. */
  rows<T extends TableName>(table: T): Promise<readonly Row<T>[]>;
  /** Where a text occurs in the clear anywhere in the storage: `table.column`. */
  search(text: string): Promise<readonly string[]>;
}

/** What a test may replace. */
export interface TestHeedOptions<N extends Names> {
  readonly policy: Policy<N>;
  // oxlint-disable-next-line typescript/no-explicit-any -- any processor; a test that misfits the policy is told at run time
  readonly processors?: Readonly<Record<string, ProcessorV1<any, any, any>>>;
  readonly storage?: HeedStorage;
  readonly keys?: HeedOptions<N, Record<never, never>>["keys"];
  readonly clock?: VirtualClock;
  readonly namespace?: string;
  readonly journal?: Journal;
  readonly work?: HeedOptions<N, Record<never, never>>["work"];
  readonly evidence?: HeedOptions<N, Record<never, never>>["evidence"];
  readonly farewell?: HeedOptions<N, Record<never, never>>["farewell"];
}

const fortyDaysMs = 40 * 86_400_000;

/**
 * Puts a heed together for a test: memory storage, keys of its own, a virtual clock that lets limiters and
 * time-outs pass by themselves.
 */
export function createTestHeed<N extends Names>(options: TestHeedOptions<N>): TestHeed<N> {
  const clock = options.clock ?? virtualClock("2026-01-15T12:00:00.000Z", { autoAdvance: true });
  const storage = options.storage ?? memory();
  const keys = options.keys ?? (storage.durable ? keyring(newKey()) : ephemeralKeys());
  const heed = createHeed({
    policy: options.policy,
    storage,
    keys,
    clock,
    ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
    ...(options.journal === undefined ? {} : { journal: options.journal }),
    ...(options.work === undefined ? {} : { work: options.work }),
    ...(options.evidence === undefined ? {} : { evidence: options.evidence }),
    ...(options.farewell === undefined ? {} : { farewell: options.farewell }),
    ...(options.processors === undefined ? {} : { processors: options.processors as never }),
  }) as unknown as Heed<N>;
  const rows = <T extends TableName>(table: T): Promise<readonly Row<T>[]> =>
    storage.transact({
      lock: [],
      clock,
      read: { all: { from: table, where: {} } as never },
      decide: (read) => ({ writes: [], answer: (read as { all: readonly Row<T>[] }).all }),
    });
  return {
    heed,
    clock,
    storage,
    rows,
    async settle(withinMs = fortyDaysMs) {
      const until = clock.now().getTime() + withinMs;
      let ended = 0;
      for (;;) {
        const { settled, nextAt } = await heed.work.drain();
        ended += settled;
        if (nextAt === undefined || Date.parse(nextAt) > until) return ended;
        if (Date.parse(nextAt) > clock.now().getTime()) await clock.set(nextAt);
      }
    },
    async search(text) {
      const found = new Set<string>();
      for (const table of Object.keys(tables) as TableName[]) {
        for (const row of await rows(table)) {
          for (const [column, value] of Object.entries(row)) {
            const read = value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : String(value);
            if (read.toLowerCase().includes(text.toLowerCase())) found.add(`${table}.${column}`);
          }
        }
      }
      return [...found];
    },
  };
}
