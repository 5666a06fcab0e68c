import type { Clock } from "@heed/core/contract";
import type { SmtpOptions } from "./options.ts";
import { createSlot, type Slot } from "./smtp-slot.ts";

/** As many slots as connections. Whoever finds none free waits here, and takes no permit before. */
export interface Pool {
  /** The next free slot, first come first served; nothing once the pool is closed. */
  borrow(): Promise<Slot | undefined>;
  giveBack(slot: Slot): void;
  /** Turns away those who wait, waits for the slots that are lent, then closes the connections. */
  close(): Promise<void>;
}

/** Makes a pool. It connects when it is first used. */
export function createPool(transport: SmtpOptions, clock: Pick<Clock, "now">): Pool {
  const all = Array.from({ length: transport.connections ?? 5 }, () => createSlot(transport, clock));
  const free = [...all];
  const waiting: ((slot: Slot | undefined) => void)[] = [];
  let closing: Promise<void> | undefined;
  let allAreBack: (() => void) | undefined;

  function borrow(): Promise<Slot | undefined> {
    if (closing) return Promise.resolve(undefined);
    // The one used last comes first, so that few connections are kept open when there is little to send.
    const slot = free.pop();
    return slot ? Promise.resolve(slot) : new Promise((resolve) => waiting.push(resolve));
  }

  function giveBack(slot: Slot): void {
    const next = waiting.shift();
    if (next) return next(slot);
    free.push(slot);
    if (free.length === all.length) allAreBack?.();
  }

  async function end(): Promise<void> {
    for (const turnAway of waiting.splice(0)) turnAway(undefined);
    if (free.length < all.length) await new Promise<void>((resolve) => (allAreBack = resolve));
    await Promise.all(all.map((slot) => slot.close()));
  }

  return { borrow, giveBack, close: () => (closing ??= end()) };
}
