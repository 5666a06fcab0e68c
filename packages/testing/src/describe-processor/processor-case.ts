import type { OperationName } from "@heed/core/contract";
import type { Wire } from "./wire.ts";
import type { Setup, World, WorldPart } from "./world.ts";

/** A processor, its world, and the wire between them, fresh. */
export interface Scene extends Setup {
  readonly operation: OperationName;
  readonly wire: Wire;
  readonly world: World;
}

/** Where a case is judged. */
export interface Stage {
  readonly operation: OperationName;
  /** Sets up anew, as often as the case needs it: what was opened before stays as it is. */
  open(): Promise<Scene>;
  /** Ends the case without a verdict, where it turns out that the vendor gives no occasion for it. */
  skip(because: string): never;
}

/** One thing that every processor must do, for one of its operations. */
export interface ProcessorCase {
  /** The operations that it makes sense for; default: all. */
  readonly of?: readonly OperationName[];
  /** What else of the processor it makes sense for. */
  readonly when?: (scene: Scene) => boolean;
  /** What the world must offer to show it. `wire`: that the adapter speaks HTTP through the kit. */
  readonly needs?: readonly (WorldPart | "wire" | "misconfigured" | "misbound" | "two topics")[];
  /** Of operations that leave everything to a human, or (default) of those that do not. */
  readonly byHand?: boolean;
  judge(stage: Stage): Promise<void>;
}

/** What ends something for good: absent people are `absent`, and a match in doubt goes to a human. */
export const destructive: readonly OperationName[] = ["erase", "exclude", "forgetTokens"];
export const preferences: readonly OperationName[] = ["subscribe", "unsubscribe"];
/** Those that leave nothing at the vendor to look at. */
export const looking: readonly OperationName[] = ["export", "observe"];
/** Those that leave something at the vendor to look at. */
export const changing: readonly OperationName[] = [...preferences, ...destructive, "rectify", "restrict"];
