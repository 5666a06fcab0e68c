import type { Finding, Retained } from "../contract/operation.ts";
import type { StepPhase, StepState } from "../requests/lifecycle.ts";
import type { Found } from "./found.ts";

/** The end states that a step settles to. */
type EndState = Exclude<StepState, "waiting" | "due" | "running">;

/** What is kept of an outcome: no records, no reference, nothing personal. */
export interface KeptOutcome {
  /** `partly`: something was carried out, and nobody has said yet that all of it is done. */
  readonly status: "done" | "absent" | "partly";
  readonly affected?: number;
  readonly retained?: readonly Retained[];
  /** Civil date: see `OutcomeOf`. */
  readonly purgedBy?: string;
}

/** What follows from a processor's answer: a transition, and digests of further addresses to silence. */
export type Verdict = Transition & { readonly silence?: readonly string[] };

/** Every transition of a step is one of these. */
type Transition =
  /** Resolved, or no longer held: on to run, when its place comes. */
  | { readonly to: "run"; readonly found?: Found }
  /** Ran, or it is not known whether: read back. `counts`: whether this follows a failed try. */
  | {
      readonly to: "verify";
      readonly dueInMs: number;
      readonly outcome?: KeptOutcome;
      readonly found?: Found;
      readonly because?: string | null;
      readonly counts?: boolean;
      readonly alone?: boolean;
      readonly rounds?: number;
      readonly finding?: Finding["seen"];
    }
  /**
   * Not now. `counts`: whether it is a failed try. `doubtful`: whether a read-back contradicted or knew
   * nothing. `answered`: no run is unknown any more. `until`: when what stands in the way ends, RFC 3339.
   */
  | {
      readonly to: "again";
      readonly phase?: StepPhase;
      readonly dueInMs: number;
      /** Null: nothing stood in its way. */
      readonly because: string | null;
      readonly counts: boolean;
      readonly doubtful?: boolean;
      readonly answered?: boolean;
      readonly alone?: boolean;
      readonly found?: Found;
      readonly outcome?: KeptOutcome;
      readonly until?: string;
      readonly finding?: Finding["seen"];
    }
  | {
      readonly to: "end";
      readonly state: EndState;
      readonly answered?: boolean;
      readonly because?: string;
      readonly outcome?: KeptOutcome;
      readonly finding?: Finding["seen"];
      readonly instruction?: string;
    };

/**
 * A legal hold stands over it: it waits lawfully, also past its deadline. Its release makes it due at once; that it
 * looks again every day is for a release that was interrupted.
 */
export const heldBack = {
  to: "again",
  phase: "run",
  dueInMs: 86_400_000,
  because: "legal-hold",
  counts: false,
} as const satisfies Verdict;
