import type { RejectedError } from "@heed/core/contract";
import { concernsOneCall } from "./hubspot-error.ts";

/** Says of one call that HubSpot refused it, so that the others of its batch are asked for all the same. */
export async function orFailed<T>(
  run: () => Promise<T>,
): Promise<T | { readonly status: "failed"; readonly error: RejectedError }> {
  try {
    return await run();
  } catch (error) {
    if (!concernsOneCall(error)) throw error;
    return { status: "failed", error };
  }
}
