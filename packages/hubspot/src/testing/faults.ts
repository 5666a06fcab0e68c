import type { Reply } from "./replies.ts";

/** Something that goes wrong with the next calls that match. */
export interface PortalFault {
  /** Only calls with this method, for example `"POST"`. */
  readonly method?: string;
  /** Only calls whose path (without the query, percent-encoded) contains or matches this. */
  readonly path?: string | RegExp;
  /** Let so many matching calls pass first. Default 0. */
  readonly skip?: number;
  /** How many calls it hits. Default 1. */
  readonly times?: number;
  /** Whether the portal does what was asked before the fault. Default false. */
  readonly afterEffect?: boolean;
  /**
   * `"drop"`: the connection breaks. `"hang"`: no answer ever. `"garbage"`: 200 with half a JSON.
   * `"empty"`: 200 without a body. Or an answer of your own, for example `{ status: 204 }` that lies.
   */
  readonly fault: "drop" | "hang" | "garbage" | "empty" | Reply;
}

export interface Faults {
  add(fault: PortalFault): void;
  /** The fault that this call meets, used up by it. */
  take(method: string, path: string): PortalFault | undefined;
  /** Forgets what was still to come. */
  clear(): void;
}

export function createFaults(): Faults {
  const waiting: { fault: PortalFault; skip: number; times: number }[] = [];

  function matches({ method, path }: PortalFault, calledMethod: string, calledPath: string): boolean {
    if (method !== undefined && method.toUpperCase() !== calledMethod) return false;
    if (path === undefined) return true;
    return typeof path === "string" ? calledPath.includes(path) : path.test(calledPath);
  }

  return {
    add(fault) {
      waiting.push({ fault, skip: fault.skip ?? 0, times: fault.times ?? 1 });
    },
    take(method, path) {
      const next = waiting.find((each) => each.times > 0 && matches(each.fault, method, path));
      if (next === undefined) return undefined;
      if (next.skip > 0) {
        next.skip -= 1;
        return undefined;
      }
      next.times -= 1;
      return next.fault;
    },
    clear: () => void waiting.splice(0),
  };
}
