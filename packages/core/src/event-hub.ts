import type { ReportKind } from "./contract/messages.ts";
import type { FarewellOutcome } from "./farewell/farewell.ts";

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
  /** Whoever was erased was told so, or will not be: their address is gone. */
  "farewell.ended": { readonly requestId: string; readonly outcome: FarewellOutcome };
  /** A vendor's webhook told something new: `sightings` of them. A step looks at the vendor next. */
  "webhook.received": { readonly processor: string; readonly sightings: number };
  /** A mail server or a mailbox provider said something of a message: many of kind `policy` are about the sender. */
  "message.reported": { readonly topic: string; readonly kind: ReportKind };
  "hold.placed": { readonly holdId: string };
  "hold.released": { readonly holdId: string };
  /**
   * Something failed that should not have: an adapter threw something unexpected or gave an answer that the
   * contract does not know, a processor refused a step for good (`rejected`), one was parked because it keeps ending its
   * worker, one is left to other workers because this process lacks its key (`unknown-key`, told once a minute), or the
   * worker itself failed. It goes on. `processor` is the policy's recipient. `error` is as it was thrown: an adapter's
   * may quote what it should not, so mind where it is logged.
   */
  "work.failed": { readonly error: unknown; readonly processor?: string; readonly operation?: string };
}

/** Named once more, for callers that the compiler did not check. */
const eventNames: Readonly<Record<keyof HeedEvents, true>> = {
  "choice.recorded": true,
  "request.opened": true,
  "request.changed": true,
  "step.settled": true,
  "farewell.ended": true,
  "webhook.received": true,
  "message.reported": true,
  "hold.placed": true,
  "hold.released": true,
  "work.failed": true,
};

type Listener<K extends keyof HeedEvents> = (event: HeedEvents[K]) => void;

/** Typed listeners. A listener that throws harms nobody: what must not be missed is a processor. */
export class EventHub {
  readonly #listeners = new Map<string, Set<(event: never) => void>>();

  /** @throws TypeError when there is no such event: nothing would ever be told */
  on<K extends keyof HeedEvents>(name: K, listener: Listener<K>): () => void {
    if (!Object.hasOwn(eventNames, name)) {
      const names = Object.keys(eventNames).join(", ");
      throw new TypeError(`heed tells of no event of that name. It tells of: ${names}.`);
    }
    const set = this.#listeners.get(name) ?? new Set();
    set.add(listener);
    this.#listeners.set(name, set);
    return () => set.delete(listener);
  }

  emit<K extends keyof HeedEvents>(name: K, event: HeedEvents[K]): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        const answer: unknown = (listener as Listener<K>)(event);
        // Of an asynchronous one nobody else would take the rejection, and that ends the process.
        if (answer instanceof Promise) answer.catch(() => {});
      } catch {
        // By contract: see the class comment.
      }
    }
  }
}
