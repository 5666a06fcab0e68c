import type { Identifier, InputOf, OperationName, ProcessorV1 } from "@heed/core/contract";

/** An operation with its input. */
export type Asked = {
  readonly [N in OperationName]: { readonly operation: N; readonly input: InputOf[N] };
}[OperationName];

/** One request that an adapter made of the vendor. */
export interface VendorRequest {
  /** In capitals. */
  readonly method: string;
  /** With the query, percent-encoded as it was sent. */
  readonly path: string;
  readonly body: string;
}

/** An answer in the vendor's own words. A `body` that is no string is sent as JSON. */
export interface VendorReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/**
 * The vendor's side of a processor under test. Everything is asked of the vendor's own state (the stand-in's,
 * a database), never of the adapter.
 *
 * The first three are needed. Each of the others lets the kit show one or two more cases: without it those
 * fail, unless `cannot` says why this vendor has nothing of the kind.
 */
export interface World {
  /**
   * Puts in a person for whom the operation has something to do: subscribed to every topic for `unsubscribe`,
   * known and subscribed to none for `subscribe`, a record with all that hangs on one for `erase` and
   * `export`, stored credentials for `forgetTokens`.
   */
  add(email: string, operation: OperationName): Promise<void> | void;
  /** Is the vendor's state of this person as the operation, asked so, is to leave it? Not asked of what only looks: `export`, `observe`. */
  isDone(email: string, asked: Asked): Promise<boolean> | boolean;
  /**
   * All that the vendor holds of this person, as text that is compared byte for byte; empty when it is
   * nothing. Leave out only what two runs alike write differently: the instant of a write, an id drawn at random.
   */
  snapshot(email: string): Promise<string> | string;

  /**
   * May the request change anything at the vendor? Default: every one but GET and HEAD. A vendor that is also
   * read by POST says so here.
   */
  writes?(request: VendorRequest): boolean;
  /** How the person is named in a call. Default: by the e-mail address. */
  identify?(email: string): readonly [Identifier, ...Identifier[]];
  /**
   * How this vendor says no, where that is not plain HTTP with `{ "message": … }`: `missingScope` (403),
   * `unknownUrl` (404), `rateLimited` (429; the kit adds and removes `Retry-After`), `unauthorized` (401).
   */
  readonly replies?: {
    readonly [Refusal in "unauthorized" | "missingScope" | "unknownUrl" | "rateLimited"]?: VendorReply;
  };
  /**
   * Puts in a person as {@link add} does, with more of what the operation works through than the vendor gives
   * on one page. The answered function takes one of these things away, as somebody else would: best the one
   * that the next page would go on after.
   */
  crowd?(email: string, operation: OperationName): Promise<() => void> | (() => void);
  /** Puts in one more record that the same address matches, without doubt. */
  twin?(email: string, operation: OperationName): Promise<void> | void;
  /**
   * Puts in somebody else whom the vendor's own search also finds under this address (by another letter case,
   * a part of the address, an address that two share). Answers that person's address, for {@link snapshot}.
   */
  alike?(email: string, operation: OperationName): Promise<string> | string;
  /** From now on the vendor refuses to change this one person, and nobody else. Default: the kit does, by ids and addresses. */
  refuse?(email: string): Promise<void> | void;
  /**
   * Takes the key's permission for it away. Default: the kit refuses every request but the first, which tells nothing
   * where one answer of the vendor lists all that the key may do.
   */
  forbid?(operation: OperationName): Promise<void> | void;
  /** A category of what {@link add} puts in that a law may oblige to keep, and whether it is still there. */
  readonly keep?: { readonly category: string; isThere(email: string): Promise<boolean> | boolean };
  /** Lets pass whatever time the vendor needs to finish (a job, a lag), before it is read back. */
  settle?(): Promise<void> | void;
  /** Texts that an export of this person must hold. */
  facts?(email: string): readonly string[];
}

/** The parts of a {@link World} that a case may need. */
export type WorldPart = "crowd" | "twin" | "alike" | "keep" | "facts";

/**
 * Puts the kit between adapter and vendor: takes the vendor's base URL, or a function that answers for it, and
 * answers the base URL to give to the adapter. Every fault happens in between, on real connections.
 */
export type Between = (vendor: string | ((request: Request) => Promise<Response>)) => Promise<string>;

// oxlint-disable-next-line typescript/no-explicit-any -- any processor: the kit uses only the contract
type AnyProcessor = ProcessorV1<any, any, any>;

/** A processor with its world, fresh for one case. */
export interface Setup {
  readonly processor: AnyProcessor;
  readonly world: World;
  /** The same adapter and credentials, declared to be of another account than they open. */
  readonly misconfigured?: AnyProcessor;
  /**
   * The same adapter and account, with a topic bound to a list that the vendor does not have, best beside one that is bound
   * as it should be. Needed where topics are bound and there are preferences to change.
   */
  readonly misbound?: AnyProcessor;
  /** What the operations are asked for. Needed for `rectify`; see the kit's README for the others' defaults. */
  readonly inputs?: { readonly [N in OperationName]?: InputOf[N] };
  /** Operations whose `run` leaves everything to a human, with an instruction. They have cases of their own. */
  readonly byHand?: readonly OperationName[];
  close?(): Promise<void>;
}
