/** What `heed.on` tells of, after the commit and at best effort. Ids and slugs only. */
export interface HeedEvents {
  "choice.recorded": { readonly eventId: string; readonly steps: readonly string[] };
  "request.opened": { readonly requestId: string; readonly right: string };
  "request.changed": { readonly requestId: string; readonly state: string };
  "step.settled": {
    readonly stepId: string;
    readonly requestId: string | undefined;
    readonly processor: string;
    readonly operation: string;
    readonly state: string;
    readonly phase: string;
    readonly because: string | undefined;
    /** Whether the step has ended; otherwise it goes on in `phase`. */
    readonly ended: boolean;
  };
  /**
   * Something failed that should not have: an adapter threw something unexpected, or the worker itself did. It
   * goes on. `error` is as it was thrown: an adapter's may quote what it should not, so mind where it is logged.
   */
  "work.failed": { readonly error: unknown; readonly processor?: string; readonly operation?: string };
}

type Listener<K extends keyof HeedEvents> = (event: HeedEvents[K]) => void;

/** Typed listeners. A listener that throws harms nobody: what must not be missed is a processor. */
export class EventHub {
  readonly #listeners = new Map<string, Set<(event: never) => void>>();

  on<K extends keyof HeedEvents>(name: K, listener: Listener<K>): () => void {
    const set = this.#listeners.get(name) ?? new Set();
    set.add(listener);
    this.#listeners.set(name, set);
    return () => set.delete(listener);
  }

  emit<K extends keyof HeedEvents>(name: K, event: HeedEvents[K]): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        (listener as Listener<K>)(event);
      } catch {
        // By contract: see the class comment.
      }
    }
  }
}
