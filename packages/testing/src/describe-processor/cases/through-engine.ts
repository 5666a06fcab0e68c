import { runOnce, type Once, type ProcessorV1, type Subject } from "@heed/core";
import { virtualClock, type VirtualClock } from "../../virtual-clock.ts";
import { inputOf, operationOf } from "../carry-out.ts";
import type { Scene } from "../processor-case.ts";
import type { Rule } from "../wire.ts";

/** How long heed keeps at it: what has not ended when everything has settled several times will not. */
export function longEnoughMs(scene: Scene): number {
  return 3_600_000 + 10 * operationOf(scene).settlingMs;
}

/** A clock that goes on by itself, and waits longer than most for connections that are being made. */
export function patientClock(): VirtualClock {
  return virtualClock("2026-01-15T12:00:00.000Z", { autoAdvance: true, quietTurns: 500 });
}

/** The person as an application names one. */
export function subjectOf({ world }: Pick<Scene, "world">, email: string): Subject {
  const identifiers = world.identify?.(email) ?? [{ kind: "email", value: email }];
  const byKind = Map.groupBy(identifiers, ({ kind }) => kind);
  return Object.fromEntries([...byKind].map(([kind, own]) => [kind, own.map(({ value }) => value)]));
}

/**
 * Lets heed's own engine carry the operation out, on a clock that goes on by itself while nobody waits for the
 * vendor.
 * @param rule what becomes of each request. Default: it passes
 */
export async function throughEngine(
  scene: Scene,
  email: string,
  rule: Rule = ({ forward }) => forward(),
): Promise<Once> {
  const { operation, processor, wire } = scene;
  const clock = patientClock();
  if (wire.isUsed) wire.meet((request) => clock.during(Promise.resolve(rule(request))));
  const subject = subjectOf(scene, email);
  try {
    return await runOnce(processor as ProcessorV1, operation, subject, {
      input: inputOf(scene, operation),
      withinMs: longEnoughMs(scene),
      clock,
    });
  } finally {
    wire.heal();
  }
}
