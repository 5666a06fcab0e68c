import type { Answers, Call, Finding, Obstacle, OperationName, Outcome, Resolution } from "./operation.ts";
import type { Sighting } from "./sighting.ts";

/** What the engine lends to each question. */
export interface CallContext<Bucket extends string = string> {
  /**
   * Leave to make one call to the vendor. Await it immediately before every HTTP call; name every bucket
   * that the call counts against. It renews the lease, and rejects when the lease is lost or `signal` aborts.
   */
  turn(...buckets: readonly [Bucket, ...Bucket[]]): Promise<void>;
  /**
   * Proves that the steps are still this worker's, and that no legal hold has landed on them. A turn does so too:
   * await it immediately before what cannot be taken back and needs no turn. It rejects as a turn does.
   */
  proceed?(): Promise<void>;
  /**
   * Tells what the vendor's answer said about a bucket. It only ever slows down, and for everybody: it is how
   * calls of others at the same account, which no turn was taken for, are noticed.
   */
  observed?(bucket: Bucket, seen: Observed): Promise<void>;
  /**
   * The same object in two questions that are put one straight after the other, about the same calls: `guard` and its
   * `run`, a second `resolve` and the `verify` beside it. What the first one read the second need not read again: keep
   * it in a `WeakMap` by this object. Absent where nothing goes together.
   */
  readonly moment?: object;
  /** Aborts when the answer is no longer waited for. A write that is in flight then is unknown. */
  readonly signal: AbortSignal;
  /** The engine's clock. */
  now(): Date;
}

/** What a vendor's headers said. */
export interface Observed {
  /** How many calls it would still take now. */
  readonly remaining: number;
  /** When none remains: in how many milliseconds some will, where the vendor says so. */
  readonly resetInMs?: number;
}

type Ask<N extends OperationName, Kind extends string, Bucket extends string, T> = (
  calls: readonly Call<N, Kind>[],
  context: CallContext<Bucket>,
) => Promise<Answers<T>>;

/** What `guard` answers: go ahead, or what stands in the way (a slug) and when to ask again. */
export type Clearance =
  | { readonly clear: true }
  | ({ readonly blockedBy: string; readonly checkAfterMs: number } & Obstacle);

/** What an operation does besides its purpose, so that a preview can say it. */
export type Effect = "irreversible" | "ends-paid-service" | "notifies-subject" | "blocks-address";

/**
 * One operation of a processor: always a batch, answered by call id. One subject is never twice in a batch.
 *
 * A throw means that nothing is known about any call of the batch. Throw heed's errors:
 * `RateLimitedError`, `UnavailableError` (tried again), `RejectedError` (to a human).
 */
export interface Operation<N extends OperationName, Kind extends string, Bucket extends string> {
  /** Most subjects in one batch (subjects, not vendor rows). */
  readonly batchSize: number;
  /**
   * When an answer was lost: may `run` simply be repeated, or must `verify` look first? What destroys and is `"safe"` is
   * asked again by the same targets for what is retained, which nothing else tells: it says the same then. Where that
   * is not safe, all counts as retained that was to be kept.
   */
  readonly repeat: "safe" | "verify-first";
  /** How long a read-back may lag behind a write, in milliseconds. */
  readonly settlingMs: number;
  /**
   * How long after a run the first read-back is made, in milliseconds. Default 0: at once. For what can be read
   * back in one call for many subjects, and only late.
   */
  readonly verifyAfterMs?: number;
  /**
   * How many objects of one kind an identifier of one person may match. With `"one"` (the default) a second
   * match goes to a human before anything irreversible.
   */
  readonly matches?: "one" | "several";
  /** Asked immediately before each irreversible run. Must fail closed. */
  readonly guard?: Ask<N, Kind, Bucket, Clearance>;
  readonly effects?: readonly Effect[];
  /**
   * Finds the subject's objects. Its answer is stored, sealed, before anything is destroyed. Reads only. It is asked
   * again beside each `verify` of what destroys, and before a run that is repeated because of what `verify` saw.
   */
  readonly resolve?: Ask<N, Kind, Bucket, Resolution>;
  readonly run: Ask<N, Kind, Bucket, Outcome<N>>;
  /** Reads back, or says why nothing can be read back. */
  readonly verify: Ask<N, Kind, Bucket, Finding> | { readonly acknowledgedOnly: string };
}

/** What a vendor allows of one bucket. */
export type Limit = WindowLimit | DailyLimit;

/** At most `calls` in any window of `perMs` milliseconds. */
export interface WindowLimit {
  readonly calls: number;
  readonly perMs: number;
  /** Calls that may go at once. Default: 4, or fewer where `calls` is small. */
  readonly burst?: number;
  /**
   * Longest delay between a grant and the call's arrival at the vendor, in milliseconds. Default 500. A turn
   * that comes up later than half of it is void, and another one is waited for; the rest is the call's way.
   */
  readonly delayMs?: number;
}

/**
 * At most `calls` in a civil day of the vendor's zone. When they are used up, steps wait in the storage until
 * the next day. The last eighth is for requests and opt-outs, and half of that for opt-outs alone. Nothing
 * is called in the second before and after midnight, as clocks differ.
 */
export interface DailyLimit {
  readonly calls: number;
  /** `zone`: IANA name of the zone whose midnight ends the vendor's day. */
  readonly perDay: { readonly zone: string };
  /** As of a {@link WindowLimit}. */
  readonly delayMs?: number;
}

/** What `check()` found out about the account. */
export interface Checked {
  /** The account that the credentials really open. Must equal the processor's `account`. */
  readonly account: string;
  /** Operations that will not work, and what they lack (a scope, a tier). */
  readonly lacks: readonly { readonly operation: OperationName; readonly needs: string }[];
  /** Topics whose bound list the vendor does not know. */
  readonly unknownTopics: readonly string[];
  /**
   * What else an operator should know, in plain words: a setting that does not fit the account, a way that is slower
   * than it could be. Nobody is named.
   */
  readonly remarks?: readonly string[];
}

/**
 * An adapter to one account of one vendor. An operation is supported exactly when its key is present.
 * Adapters hold no validation, retry, sleep or state: they translate.
 */
export interface ProcessorV1<
  Kind extends string = string,
  Topic extends string = string,
  Bucket extends string = string,
> {
  readonly specificationVersion: "v1";
  /** The adapter's name, for example `"hubspot"`. */
  readonly name: string;
  /** The vendor account. Limits belong to it: two processors of one account share its turns. */
  readonly account: string;
  /** The identifiers it can search by, each with the shape of a value. A subject with none goes to a human. */
  readonly identifiers: Readonly<Record<Kind, RegExp>>;
  /** Our topic to the vendor's list. */
  readonly topics: Readonly<Record<Topic, unknown>>;
  readonly limits: Readonly<Record<Bucket, Limit>>;
  readonly operations: { readonly [N in OperationName]?: Operation<N, NoInfer<Kind>, NoInfer<Bucket>> };
  /** Opens the account, proves which one it is, and says what is lacking. */
  check(context: CallContext<NoInfer<Bucket>>): Promise<Checked>;
  /** Turns a vendor's webhook into sightings. Throws `TamperedEvidenceError` on a bad signature. */
  webhook?(request: Request, now: Date): Promise<readonly Sighting[]>;
}
