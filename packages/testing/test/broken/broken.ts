import type { Call, OperationName } from "@heed/core/contract";
import type { Slip } from "../register/scene.ts";

/** An adapter that is wrong in one way. */
export interface Broken {
  /** What is wrong with it. */
  readonly that: string;
  /** An operation that it shows in. */
  readonly in: OperationName;
  readonly slip: Slip;
}

/** At least one for each case of a group, under the case that is there to catch it. */
export type BrokenFor<Cases> = Readonly<Record<keyof Cases, readonly [Broken, ...Broken[]]>>;

export const done = { status: "done", affected: 1 } as const;

export const emailOf = (call: Pick<Call, "identifiers">) => call.identifiers[0].value;
