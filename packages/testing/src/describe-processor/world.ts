import type { OperationName, ProcessorV1 } from "@heed/core/contract";

/** What a stand-in can be told to do wrong, as HTTP shows it. */
export type WorldFault =
  | "unauthorized"
  | "forbidden"
  /** The vendor says that there is no such URL: a capability is missing. */
  | "unknown-url"
  | "rate-limited"
  | "unavailable"
  | "garbage"
  /** The connection is cut before the request has an effect. */
  | "cut-before"
  /** The connection is cut after the effect, before the answer. */
  | "cut-after"
  /** No answer at all. */
  | "hang"
  /** Writes are answered as always and change nothing. */
  | "ignores-writes";

/**
 * The vendor's side of a processor under test. Everything is asked of the vendor's own state, never of the
 * adapter.
 */
export interface World {
  /** Puts a person in, with something for every operation to act on. */
  add(email: string): Promise<void> | void;
  /** Is anything left at the vendor that this operation is there to end? */
  holds(operation: OperationName, email: string): Promise<boolean> | boolean;
  /** All that the vendor holds of this person, as text: compared byte for byte. */
  snapshot(email: string): Promise<string> | string;
  /** From now on every request meets this, until {@link heal}. */
  fault(fault: WorldFault): void;
  heal(): void;
  /** Requests that reached the vendor so far. */
  requests(): { readonly total: number; readonly mutating: number };
}

/** The operations that the kit knows how to judge. */
export type JudgedOperation = "unsubscribe" | "erase" | "forgetTokens";

/** A processor with its world, fresh for one case. */
export interface Setup {
  // oxlint-disable-next-line typescript/no-explicit-any -- any processor: the kit uses only the contract
  readonly processor: ProcessorV1<any, any, any>;
  readonly world: World;
  /** The same adapter, with credentials for another account than it declares. */
  // oxlint-disable-next-line typescript/no-explicit-any -- as above
  readonly misconfigured?: ProcessorV1<any, any, any>;
  close?(): Promise<void>;
}
