import { runOnce, type Once, type ProcessorV1 } from "@heed/core";
import { virtualClock } from "../../virtual-clock.ts";
import { inputOf } from "../carry-out.ts";
import type { Scene } from "../processor-case.ts";

/** Long enough for every settling time and wait of an adapter. */
const withinMs = 400 * 86_400_000;

/**
 * Lets heed's own engine carry the operation out, on a clock that goes on by itself while nobody waits for the
 * vendor.
 */
export async function throughEngine(scene: Scene, email: string): Promise<Once> {
  const { operation, processor, wire, world } = scene;
  const clock = virtualClock("2026-01-15T12:00:00.000Z", { autoAdvance: true, quietTurns: 2000 });
  if (wire.isUsed) wire.meet(({ forward }) => clock.during(forward()));
  const identifiers = world.identify?.(email) ?? [{ kind: "email", value: email }];
  const subject = Object.fromEntries(identifiers.map(({ kind, value }) => [kind, value]));
  try {
    return await runOnce(processor as ProcessorV1, operation, subject, {
      input: inputOf(scene, operation),
      withinMs,
      clock,
    });
  } finally {
    wire.heal();
  }
}
