import { HeedError } from "../errors/heed-error.ts";

const stopped = () => new HeedError("The worker was stopped.", { code: "stopped" });

/** @throws HeedError `stopped`, when nobody waits for answers any longer */
export function throwIfStopped(stop: AbortSignal): void {
  if (stop.aborted) throw stopped();
}

/**
 * Waits for work as long as nobody gives up waiting. What the work still does after that is nobody's answer.
 * @throws HeedError `stopped`
 */
export async function unlessStopped<T>(stop: AbortSignal, work: () => Promise<T>): Promise<T> {
  throwIfStopped(stop);
  const { promise, reject } = Promise.withResolvers<never>();
  const giveUp = () => reject(stopped());
  stop.addEventListener("abort", giveUp, { once: true });
  try {
    return await Promise.race([work(), promise]);
  } finally {
    stop.removeEventListener("abort", giveUp);
  }
}
