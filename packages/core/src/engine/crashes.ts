import { createHash } from "node:crypto";
import type { Row } from "../contract/tables.ts";

/** How often in a row a step may lose its worker before it is parked. */
export const mostCrashes = 5;

/**
 * When a step whose worker was lost is tried again: at once after the first time, then within a span that doubles
 * from two leases on, each step at a moment of its own. What was in hand beside the step that ended the worker
 * so comes back at another time than that step, and is not ended with it again and again.
 *
 * @param now RFC 3339
 */
export function comesBackAt(
  { id, crashes }: Pick<Row<"steps">, "id" | "crashes">,
  now: string,
  leaseMs: number,
): string {
  if (crashes <= 1) return now;
  const hash = createHash("sha256").update(`${id} ${crashes}`).digest().readUInt32BE();
  const spanMs = leaseMs * 2 ** (crashes - 1);
  return new Date(Date.parse(now) + Math.ceil((hash / 2 ** 32) * spanMs)).toISOString();
}
