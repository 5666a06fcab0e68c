import { virtualClock, type VirtualClock } from "@heed/testing";

/**
 * A clock that jumps to whatever is waited for next as soon as nothing is under way. All that takes time here tells the
 * clock, so nothing is jumped over.
 */
export function jumpingClock(): VirtualClock {
  return virtualClock("2026-01-15T12:00:00.000Z", { autoAdvance: true, quietTurns: 3 });
}

interface Working {
  readonly work: { drain(): Promise<{ readonly nextAt?: string | undefined }> };
}

/** Works and lets time pass until nothing is open for forty days. */
export async function workedOff({ work }: Working, clock: VirtualClock): Promise<void> {
  const until = clock.now().getTime() + 40 * 86_400_000;
  for (;;) {
    const { nextAt } = await work.drain();
    if (nextAt === undefined || Date.parse(nextAt) > until) return;
    if (Date.parse(nextAt) > clock.now().getTime()) await clock.set(nextAt);
  }
}
