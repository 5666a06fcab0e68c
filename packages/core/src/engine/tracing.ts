import { tracingChannel, type TracingChannel } from "node:diagnostics_channel";

/**
 * What heed does, for whoever observes it: `node:diagnostics_channel` tracing channels, one per kind of work.
 * Payloads hold slugs and counts, never anything personal. Nothing is made or measured while nobody listens.
 *
 * On an error's event, `error` is what the storage threw. A processor's own errors are never passed on, for they
 * may quote an address; `trouble` says what they meant.
 */
interface Traced {
  readonly namespace: string;
  readonly processor: string;
  readonly operation: string;
}

/** `tracing:heed:batch:*`: one batch, from its claim to its settling. */
export interface BatchTrace extends Traced {
  readonly phase: string;
  /** Steps that delivery told of. */
  readonly steps: number;
  /** Steps that were leased; the rest was taken, overtaken or ended. */
  claimed?: number;
}

/** `tracing:heed:claim:*`: the transaction that leases a batch. */
export interface ClaimTrace extends Traced {
  readonly steps: number;
  claimed?: number;
}

/** `tracing:heed:call:*`: one question to a processor, waiting for turns included. */
export interface CallTrace extends Traced {
  readonly question: "check" | "resolve" | "guard" | "run" | "verify";
  /** Subjects that it is about. */
  readonly calls: number;
  /** Turns that it took: at least as many calls to the vendor. */
  turns?: number;
  /** Why it gave no usable answer: `rate-limited`, `account-refused`, `rejected`, `lease-lost`, `stopped`, `unavailable`, `adapter-failed`, and after a check `wrong-account`. */
  trouble?: string;
}

/** `tracing:heed:settle:*`: the transaction that settles a batch. */
export interface SettleTrace extends Traced {
  readonly steps: number;
  /** How many steps are in which state now. */
  states?: Readonly<Record<string, number>>;
}

export const batchChannel = tracingChannel<unknown, BatchTrace>("heed:batch");
export const claimChannel = tracingChannel<unknown, ClaimTrace>("heed:claim");
export const callChannel = tracingChannel<unknown, CallTrace>("heed:call");
export const settleChannel = tracingChannel<unknown, SettleTrace>("heed:settle");

/** Works, and tells the channel's listeners of it if there are any. `work` may add to the payload. */
export async function traced<P extends object, T>(
  channel: TracingChannel<unknown, P>,
  payload: P,
  work: (payload: P) => Promise<T>,
): Promise<T> {
  if (!channel.hasSubscribers) return work(payload);
  const results: T[] = [];
  // Node hands the result of what it traces to the listeners, and this one can hold addresses.
  await channel.tracePromise(async (): Promise<void> => {
    results.push(await work(payload));
  }, payload);
  const [result] = results as [T];
  return result;
}
