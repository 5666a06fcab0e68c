import type { Identifier } from "./identifier.ts";

/** What heed can ask of a processor. */
export type OperationName =
  | "subscribe"
  | "unsubscribe"
  | "erase"
  | "exclude"
  | "forgetTokens"
  | "export"
  | "rectify"
  | "restrict";

/** A vendor's object, as `resolve` found it: `{ kind: "contact", id: "151" }`. Stored sealed. */
export interface Target {
  readonly kind: string;
  readonly id: string;
  /** The object that holds it, where ids are only unique within one. */
  readonly within?: string;
}

/** A category of data that is kept, and why. Slugs and citations only: it goes into evidence. */
export interface Retained {
  /** Slug of the data category, for example `"invoices"`. */
  readonly category: string;
  /** Slug of the reason, for example `"legal-obligation"`. */
  readonly reason: string;
  /** Citation of the law, for example `"SFS 1999:1078 7:2"`. */
  readonly law?: string;
  /** Civil date `YYYY-MM-DD` until which it is kept. */
  readonly until?: string;
}

/** The input of each operation. */
export interface InputOf {
  /** `evidence` is the id of the ledger event that allows it; it holds nothing personal. */
  subscribe: { readonly topics: readonly string[]; readonly basis: string; readonly evidence: string };
  /**
   * `"all"`: every list and every brand of the account, not only those bound to a topic. `onlyIfKnown`: the
   * vendor is told of no address that it does not have already; answer `absent` then. An erasure asks so.
   */
  unsubscribe: { readonly topics: readonly string[] | "all"; readonly onlyIfKnown?: boolean };
  /** `suppress`: also ask the vendor to block the address. `keep`: what law or a hold obliges to keep. */
  erase: { readonly suppress: boolean; readonly keep: readonly Retained[] };
  exclude: Record<never, never>;
  restrict: { readonly restricted: boolean };
  /** `endsPaidService`: whether it may go ahead where forgetting a token ends what was paid for. */
  forgetTokens: { readonly endsPaidService: "allowed" | "refused"; readonly keep: readonly Retained[] };
  export: { readonly categories: readonly string[] | "all" };
  /** Property to new value; `null` clears it. */
  rectify: { readonly changes: Readonly<Record<string, string | null>> };
}

/** One operation for one subject. Arrives parsed and complete: adapters validate nothing. */
export interface Call<N extends OperationName = OperationName, Kind extends string = string> {
  /** Answers are given by this id. */
  readonly id: string;
  readonly operation: N;
  readonly input: InputOf[N];
  /** At least one, and only of the kinds that the processor declared. */
  readonly identifiers: readonly [Identifier<Kind>, ...Identifier<Kind>[]];
  /** What `resolve` found; empty where the operation has no `resolve` or nothing was found. */
  readonly targets: readonly Target[];
  /** From an earlier `pending` outcome. */
  readonly reference?: string;
}

/** One record of an export. */
export interface ExportedRecord {
  readonly category: string;
  readonly data: unknown;
}

interface Done {
  readonly status: "done";
  /** How many vendor objects changed; 0 when all was as asked already. */
  readonly affected: number;
  readonly retained?: never;
  readonly records?: never;
}
interface Destroyed {
  readonly status: "done";
  readonly affected: number;
  /** What is left in place, and why. */
  readonly retained?: readonly Retained[];
  readonly records?: never;
}
interface Exported {
  readonly status: "done";
  readonly records: AsyncIterable<ExportedRecord> | readonly ExportedRecord[];
  readonly affected?: never;
  readonly retained?: never;
}
/** The processor holds nothing of this subject. Counts only after `check()` proved the account. */
interface Absent {
  readonly status: "absent";
}

/** What an operation may say when it worked. */
export interface OutcomeOf {
  subscribe: Done;
  unsubscribe: Done | Absent;
  rectify: Destroyed | Absent;
  restrict: Done | Absent;
  erase: Destroyed | Absent;
  exclude: Destroyed | Absent;
  forgetTokens: Destroyed | Absent;
  export: Exported | Absent;
}

/** What `run` says happened. A vendor's 200 is a statement, not evidence: `verify` reads back. */
export type Outcome<N extends OperationName = OperationName> =
  | OutcomeOf[N]
  /** The vendor works on it. Next: `verify`, with `call.reference`, after `checkAfterMs`. */
  | { readonly status: "pending"; readonly reference: string; readonly checkAfterMs: number }
  /** Something stands in the way. `by` is a slug. Next: `run` again after `checkAfterMs`. */
  | { readonly status: "blocked"; readonly by: string; readonly checkAfterMs: number }
  /** A human must do it; the instruction names nobody. */
  | { readonly status: "manual"; readonly instruction: string }
  /** This call failed, the others of the batch did not. A throw fails the whole batch. */
  | { readonly status: "failed"; readonly error: Error };

/** What `verify` saw on reading back. */
export type Finding =
  | { readonly seen: "as-asked" | "not-as-asked" | "unknown" }
  /** The vendor lags: look again after `checkAfterMs`. */
  | { readonly seen: "not-yet"; readonly checkAfterMs: number };

/** What `resolve` found. An empty list of targets: nothing there under these identifiers. */
export interface Resolution {
  readonly targets: readonly FoundTarget[];
  /** Further identifiers of the same object, for example a merged address: suppressed, never erased by. */
  readonly alsoKnownAs?: readonly Identifier[];
}

/** A target with how it was matched. */
export interface FoundTarget extends Target {
  /** The identifier of the call that matched it. */
  readonly via: Identifier;
  /** False when the match is a guess (a fuzzy search, a shared address): it goes to a human. */
  readonly verified: boolean;
}

/** Answers by call id. An id left out means that nothing is known about that call. */
export type Answers<T> = ReadonlyMap<string, T>;
