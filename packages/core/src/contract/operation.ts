import type { Identifier } from "./identifier.ts";
import type { Sighting } from "./sighting.ts";

/** What heed can ask of a processor. */
export type OperationName =
  | "subscribe"
  | "unsubscribe"
  | "erase"
  | "exclude"
  | "forgetTokens"
  | "export"
  | "rectify"
  | "restrict"
  | "observe";

/** A vendor's object, as `resolve` found it: `{ kind: "contact", id: "151" }`. Stored sealed. */
export interface Target {
  readonly kind: string;
  readonly id: string;
  /**
   * The id of the object that holds it, or that it was found through: ids may be unique only within one. What lies
   * within another target of the person was matched with it, however many there are.
   */
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
  /**
   * `evidence` is the id of the ledger event that allows it; it holds nothing personal. `givenAt`: when the person
   * chose so, RFC 3339. An opt-out that the vendor knows of and that is no older stands: answer `manual` then.
   */
  subscribe: {
    readonly topics: readonly string[];
    readonly basis: string;
    readonly evidence: string;
    readonly givenAt: string;
  };
  /**
   * `"all"`: every list and every brand of the account, not only those bound to a topic. `onlyIfKnown`: the
   * vendor is told of no address that it does not have already; answer `absent` then. An erasure asks so.
   */
  unsubscribe: { readonly topics: readonly string[] | "all"; readonly onlyIfKnown?: boolean };
  /**
   * `suppress`: also ask the vendor to block the address. `keep`: what law or a hold obliges to keep. `tokensForgotten`:
   * the same request had, or may have had, tokens forgotten there before: what the vendor keeps of those, and shows
   * nobody any more, is for this outcome to tell. Left out where there were none.
   */
  erase: {
    readonly suppress: boolean;
    readonly keep: readonly Retained[];
    readonly tokensForgotten?: true;
  };
  exclude: Record<never, never>;
  restrict: { readonly restricted: boolean };
  /**
   * `endsPaidService`: whether what is paid for may be ended for it, because whoever pays wants that. With what is paid
   * for where the vendor can, and nothing is let go of before; at once where forgetting a token ends it.
   */
  forgetTokens: { readonly endsPaidService: "allowed" | "refused"; readonly keep: readonly Retained[] };
  export: { readonly categories: readonly string[] | "all" };
  /** Property to new value; `null` clears it. */
  rectify: { readonly changes: Readonly<Record<string, string | null>> };
  /**
   * Look at what the vendor has of a person, because of what its webhooks told. Changes nothing there. Where they told
   * `record-stored` alone, whose it is will do: `choices` may be left empty.
   */
  observe: { readonly saw: readonly Sighting["saw"][] };
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
  /**
   * Civil date `YYYY-MM-DD`, where the vendor names a term of its own: what was destroyed is out of sight now, and
   * off the vendor's disks by then.
   */
  readonly purgedBy?: string;
  readonly records?: never;
}
interface Exported {
  readonly status: "done";
  readonly records: AsyncIterable<ExportedRecord> | readonly ExportedRecord[];
  readonly affected?: never;
  readonly retained?: never;
}
/** A choice of a person, as the vendor has it. */
export interface SeenChoice {
  readonly saw: "opted-out" | "opted-in";
  readonly topics: readonly string[] | "all";
  /** RFC 3339; since when, by the vendor's clock. */
  readonly at: string;
  /**
   * Whether heed's own call made it so. Left out where the vendor does not show it: then it counts as heed's own when
   * it was made while a step of heed's was under way to do so.
   */
  readonly own?: boolean;
  /** True of one that was changed since, where the vendor keeps a history: a no is a no, whoever overwrote it. */
  readonly over?: boolean;
}
/** What `observe` saw. */
export interface Observation {
  readonly status: "done";
  /** Of each of the person's addresses: what holds now and, where the vendor tells, what did before. */
  readonly choices: readonly SeenChoice[];
  /** The addresses under which the vendor has the person: whose choices these are. */
  readonly addresses: readonly Identifier[];
  readonly affected?: never;
  readonly retained?: never;
  readonly records?: never;
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
  observe: Observation | Absent;
}

/**
 * What was carried out already where the whole is not done yet. It is kept, and counts together with what follows:
 * say only what is new in each answer. What is retained belongs to the first of them: `verify` may be all that follows.
 */
interface SoFar {
  readonly affected?: number;
  readonly retained?: readonly Retained[];
}

/** Something that stands in the way, and that ends by itself or does not. */
export interface Obstacle {
  /**
   * RFC 3339, where its end is settled and needs nobody: a subscription that was told to end with its period. The
   * deadline counts from then on. Left out where it may go on: then a human decides at the deadline.
   */
  readonly until?: string;
}

/** What `run` says happened. A vendor's 200 is a statement, not evidence: `verify` reads back. */
export type Outcome<N extends OperationName = OperationName> =
  | OutcomeOf[N]
  /**
   * The vendor works on it. Next, after `checkAfterMs` and with `call.reference`: `verify`. Where nothing can be read
   * back, `run` again, if repeating is safe, until the vendor says that it is done; if not, a human looks.
   */
  | ({ readonly status: "pending"; readonly reference: string; readonly checkAfterMs: number } & SoFar)
  /** Something stands in the way. `by` is a slug. Next: `run` again after `checkAfterMs`. */
  | ({ readonly status: "blocked"; readonly by: string; readonly checkAfterMs: number } & Obstacle & SoFar)
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
