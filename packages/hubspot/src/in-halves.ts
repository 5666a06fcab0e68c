import type { RejectedError } from "@heed/core/contract";
import { concernsOneCall } from "./hubspot-error.ts";

/** What came of asking for many at once. */
export interface Halved<T> {
  /** Those that were refused even alone, and why. */
  readonly refused: ReadonlyMap<T, RejectedError>;
  /** The largest part that was taken where a larger one was refused with nobody in it refused alone. */
  readonly fits: number | undefined;
}

/**
 * Sends items together; where HubSpot refuses for what was asked, in halves, down to the ones that it refuses alone.
 * A refusal of the account, and a throw of any other kind, ends it.
 */
export async function inHalves<T>(
  items: readonly T[],
  send: (part: readonly T[]) => Promise<void>,
): Promise<Halved<T>> {
  if (items.length === 0) return { refused: new Map(), fits: undefined };
  try {
    await send(items);
    return { refused: new Map(), fits: undefined };
  } catch (error) {
    if (!concernsOneCall(error)) throw error;
    const [only] = items;
    if (only !== undefined && items.length === 1)
      return { refused: new Map([[only, error]]), fits: undefined };
  }
  const middle = Math.ceil(items.length / 2);
  const first = await inHalves(items.slice(0, middle), send);
  const second = await inHalves(items.slice(middle), send);
  const refused = new Map([...first.refused, ...second.refused]);
  const fits = refused.size > 0 ? undefined : Math.min(first.fits ?? middle, second.fits ?? middle);
  return { refused, fits };
}
