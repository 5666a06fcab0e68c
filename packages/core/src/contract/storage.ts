import type { Clock } from "./clock.ts";
import type { OperationName } from "./operation.ts";
import type { Row, TableName, Tables } from "./tables.ts";

export type Scalar = string | number;

/**
 * Values of another table's column: `{ via: "identifiers", column: "subjectId", where: { digest } }`. They are read
 * first, all of them, and the rows are then found by them: begin where few are.
 */
export interface Via<T extends TableName = TableName> {
  readonly via: T;
  readonly column: string;
  readonly where: Where;
}

/** Equal to one value, to one of several, compared, or null. */
export type Condition =
  | Scalar
  | readonly Scalar[]
  | { readonly atMost: Scalar }
  | { readonly above: Scalar }
  | { readonly isNull: boolean }
  | Via;

export type Where = Readonly<Record<string, Condition>>;

/**
 * Which rows to read. All conditions must hold. Text compares by code point, null equals nothing and sorts
 * first; a condition that is `undefined` or `null` is a `TypeError`, never "any".
 */
export type Query<T extends TableName = TableName> = {
  [K in T]: {
    readonly from: K;
    readonly where: WhereOf<K>;
    readonly orderBy?: readonly (keyof Tables[K]["columns"] & string)[];
    readonly limit?: number;
  };
}[T];

/** Conditions on the columns of one table. */
export type WhereOf<T extends TableName> = { readonly [C in keyof Tables[T]["columns"]]?: Condition };

/**
 * What a transaction changes, in this order. An insert of a key that exists fails the transaction, unless
 * `orKeep` or `orRaise` is given, which excuse the key and no other unique rule. `orKeep` keeps the row that is there;
 * `orRaise` replaces it, unless that one is higher in the column that it names: text or an integer, never null, not of
 * the key. No `secret` table takes `orRaise`.
 */
export type Write = {
  [T in TableName]:
    | {
        readonly insert: T;
        readonly row: Row<T>;
        readonly orKeep?: boolean;
        readonly orRaise?: keyof Tables[T]["columns"] & string;
      }
    | { readonly update: T; readonly where: WhereOf<T>; readonly set: Partial<Row<T>> }
    | { readonly remove: T; readonly where: WhereOf<T> };
}[TableName];

export type Reads = Readonly<Record<string, Query>>;
export type RowsOf<R extends Reads> = { readonly [K in keyof R]: readonly Row<R[K]["from"]>[] };

/** What a decision comes to. */
export interface Decision<A> {
  readonly writes: readonly Write[];
  readonly answer: A;
}

/**
 * Data in, decision, data out. The storage takes the locks in the order given, reads, calls `decide` once
 * per try, writes, and commits; nothing is awaited inside. `decide` is a pure function of its arguments.
 */
export interface Transaction<R extends Reads, A> {
  /** Names to lock, already in heed's one order: addresses, subjects, requests, steps, each sorted. */
  readonly lock: readonly string[];
  readonly read: R;
  /** `now` is an RFC 3339 instant taken under the locks. */
  readonly decide: (rows: RowsOf<R>, now: string) => Decision<A>;
  readonly clock: Clock;
  /** The application's own open transaction to join; its commit is then the commit. Storage-specific. */
  readonly within?: unknown;
}

/** A step that may be claimed. A hint: claiming looks again, under the lock. */
export interface DueStep {
  readonly id: string;
  readonly subjectId: string;
  /** Null for a step of a choice that was no request. */
  readonly requestId: string | null;
  readonly processor: string;
  readonly operation: OperationName;
  readonly phase: string;
  /** How urgent it is: 0 before 1 before 2. */
  readonly lane: number;
  /** Its batch failed, or whoever had it is gone: it runs alone. */
  readonly alone: boolean;
}

/** What the engine asks of delivery. */
export interface DueAsk {
  readonly namespace: string;
  /** RFC 3339. */
  readonly now: string;
  readonly max: number;
  /** Only this processor's steps. */
  readonly processor?: string;
  /** Only steps of this lane and of more urgent ones, as far as delivery knows of them without a search. */
  readonly mostLane?: number;
  /** Processors whose steps are left out. */
  readonly except?: readonly string[];
  /** Steps that are left out, by id. They stay for other workers, and hide nothing that is due behind them. */
  readonly exceptSteps?: readonly string[];
}

/**
 * Where heed's truth lies. One transaction commits everything it writes, or nothing.
 * The step table is the truth about steps; how a storage finds those that are due is its own affair.
 */
export interface HeedStorage {
  readonly specificationVersion: "v1";
  /** For example `"sqlite"`. */
  readonly name: string;
  /** Whether what is committed outlives the process. */
  readonly durable: boolean;
  /** True when transactions run one after another, so that nothing changes under one that locked too little. */
  readonly serial?: boolean;
  transact<const R extends Reads, A>(transaction: Transaction<R, A>): Promise<A>;
  /**
   * Steps for this worker to claim now: those that are due and those whose lease ran out, most urgent first
   * (lane, then due time). Delivery may lend them: what one worker was told, no other is told until it is due
   * again or a lease has passed. So ask for what is begun at once, and no more.
   */
  due(ask: DueAsk): Promise<readonly DueStep[]>;
  /**
   * Calls `wake` when steps may have become due through other processes. Only a hint that saves time.
   * @returns ends the watch
   */
  watch?(wake: () => void): () => void;
  /**
   * Makes sure that no byte of a removed row of a `secret` table is left in the storage's files. False when
   * that could not be done now (a reader is in the way): ask again later.
   */
  scrub(): Promise<boolean>;
  /**
   * Copies everything as it is at one moment to a new file, while others go on reading and writing. Resolves
   * when the copy is on the disk and was read back. Absent where the storage has back-ups of its own.
   * @param keysTo where to copy the data keys, if they have a store of their own; otherwise they are not copied
   * @throws HeedError `backup-exists` when the file exists, `backup-failed`
   */
  backup?(to: string, keysTo?: string): Promise<void>;
  /**
   * Makes what the storage needs, or brings an earlier version's forward, as a step of a deployment. Absent where
   * the storage does so by itself at its first use.
   * @returns the names of what was added; none where nothing was missing
   */
  migrate?(): Promise<{ readonly added: readonly string[] }>;
  /** Waits for what was asked before; every call after it is a HeedError `storage-closed`. */
  close(): Promise<void>;
}
