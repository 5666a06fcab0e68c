import type { Clock } from "@heed/core/contract";
import { WaitingLine, type MailQueue } from "./mail-queue.ts";
import type { SmtpOptions } from "./options.ts";
import { createSlot, type Slot } from "./smtp-slot.ts";

/** A slot, and the way to give it back: at once, however often it is called. */
export interface LentSlot extends Slot {
  readonly giveBack: () => void;
}

/** As many slots as connections. Whoever finds none free waits here, and takes no permit before. */
export interface Pool {
  /** The next free slot, first come first served; none once the pool is closed, or where it was dropped meanwhile. */
  borrow(message: { readonly topic: string; readonly to: string }): Promise<LentSlot | "closed" | "dropped">;
  /** Those who wait. */
  readonly queue: MailQueue;
  /** Turns away those who wait, waits for the slots that are lent, then closes the connections. */
  close(): Promise<void>;
}

/** Makes a pool. It connects when it is first used. */
export function createPool(transport: SmtpOptions, clock: Pick<Clock, "now">): Pool {
  const all = Array.from({ length: transport.connections ?? 5 }, () => createSlot(transport, clock));
  const free = [...all];
  const queue = new WaitingLine<LentSlot | "closed" | "dropped">("dropped");
  let closing: Promise<void> | undefined;
  let allAreBack: (() => void) | undefined;

  function borrow(message: Parameters<Pool["borrow"]>[0]): ReturnType<Pool["borrow"]> {
    if (closing) return Promise.resolve("closed");
    // The one used last comes first, so that few connections are kept open when there is little to send.
    const slot = free.pop();
    return slot ? Promise.resolve(lend(slot)) : queue.join(message);
  }

  function lend(slot: Slot): LentSlot {
    let isLent = true;
    const giveBack = (): void => {
      if (isLent) giveOn(slot);
      isLent = false;
    };
    return { ...slot, giveBack };
  }

  function giveOn(slot: Slot): void {
    const next = queue.next();
    if (next) return next(lend(slot));
    free.push(slot);
    if (free.length === all.length) allAreBack?.();
  }

  async function end(): Promise<void> {
    for (let next = queue.next(); next !== undefined; next = queue.next()) next("closed");
    if (free.length < all.length) await new Promise<void>((resolve) => (allAreBack = resolve));
    await Promise.all(all.map((slot) => slot.close()));
  }

  return { borrow, queue, close: () => (closing ??= end()) };
}
