import type { Clock } from "./contract/clock.ts";
import type { ProcessorV1 } from "./contract/processor.ts";
import type { HeedStorage } from "./contract/storage.ts";
import type { JournaledStorage } from "./journal/journaled-storage.ts";
import type { TurnQueues } from "./engine/turn-queues.ts";
import type { Farewell } from "./farewell/farewell.ts";
import type { EventHub } from "./event-hub.ts";
import type { Keyring } from "./keys/keyring.ts";
import type { LivePermits } from "./ledger/live-permits.ts";
import type { NewId } from "./new-id.ts";
import type { Policy } from "./policy/policy.ts";

/** What every room of one heed works with. Put together in `createHeed`, passed on, never global. */
export interface HeedContext {
  readonly namespace: string;
  readonly policy: Policy;
  readonly storage: HeedStorage;
  readonly keys: Keyring;
  readonly clock: Clock;
  readonly processors: Readonly<Record<string, ProcessorV1>>;
  /** How whoever was erased is told of it, where they are. */
  readonly farewell?: Farewell;
  /** The storage again, when it has a journal beside it. */
  readonly journaled?: JournaledStorage;
  readonly hub: EventHub;
  readonly livePermits: LivePermits;
  readonly turns: TurnQueues;
  readonly newId: NewId;
}
