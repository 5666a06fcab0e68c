import type { HeedContext } from "../context.ts";
import type { InputOf, SeenChoice } from "../contract/operation.ts";
import type { Row } from "../contract/tables.ts";
import type { Named } from "../ledger/name-subject.ts";
import { transactOnSubjects } from "../ledger/under-lock.ts";

/** The steps, over or not, that told a processor of these people's choices, or that took them out of it. */
export function stepsAt(
  context: HeedContext,
  processor: string,
  named: Named,
): Promise<readonly Row<"steps">[]> {
  return transactOnSubjects(context, {
    select: { digests: named.digests.flat() },
    read: {},
    decide: (records) => ({
      writes: [],
      answer: records.flatMap(({ preferences, exclusions }) =>
        [...preferences, ...exclusions].filter((each) => each.processor === processor),
      ),
    }),
  });
}

/** How long a call may take, and how far a vendor's clock may be from ours, in milliseconds. */
const callMs = 60_000;
export const skewMs = 60_000;

/** Whether heed made it so: the vendor says it, or the last that heed asked for there by then was just that. */
export function isOwn(choice: SeenChoice, steps: readonly Row<"steps">[], nowMs: number): boolean {
  if (choice.own !== undefined) return choice.own;
  const operation = choice.saw === "opted-out" ? "unsubscribe" : "subscribe";
  const atMs = Date.parse(choice.at);
  const about = steps.filter((step) =>
    choice.topics === "all" ? silencesAll(step) : choice.topics.every((topic) => isAbout(step, topic)),
  );
  const overtaken = (ranAt: string | null) =>
    ranAt !== null &&
    about.some(
      (step) =>
        directionOf(step) !== operation &&
        step.ranAt !== null &&
        step.ranAt > ranAt &&
        Date.parse(step.ranAt) <= atMs,
    );
  return about.some(
    (step) => directionOf(step) === operation && wasAskedAt(step, atMs, nowMs) && !overtaken(step.ranAt),
  );
}

/** Whether heed may have made a record of somebody then, at a vendor that keeps what it is told of an address in one. */
export function mayHaveStored(step: Row<"steps">, atMs: number, nowMs: number): boolean {
  const { onlyIfKnown } = JSON.parse(step.input) as Partial<InputOf["unsubscribe"]>;
  const tells = step.operation === "subscribe" || step.operation === "unsubscribe";
  return tells && onlyIfKnown !== true && wasAskedAt(step, atMs, nowMs);
}

/** Whoever is taken out of a processor is opted out of everything there first. */
const silencesAll = ({ operation, input }: Row<"steps">): boolean =>
  operation === "exclude" || (JSON.parse(input) as InputOf["unsubscribe"]).topics === "all";

const directionOf = ({ operation }: Row<"steps">) => (operation === "exclude" ? "unsubscribe" : operation);

/** Whether the vendor may have carried a call of this step out then. One that was overtaken made none. */
function wasAskedAt(step: Row<"steps">, atMs: number, nowMs: number): boolean {
  if (step.ranAt !== null) {
    const ranMs = Date.parse(step.ranAt);
    return atMs >= ranMs - callMs - skewMs && atMs <= ranMs + skewMs;
  }
  // A call whose answer was lost, or was read back in its place.
  const isUnknown = step.attempted === 1 || step.state === "verified" || step.state === "acknowledged";
  const untilMs = step.endedAt === null ? nowMs : Date.parse(step.endedAt);
  return isUnknown && atMs >= Date.parse(step.createdAt) - skewMs && atMs <= untilMs + skewMs;
}

export function isAbout({ operation, input }: Row<"steps">, topic: string): boolean {
  if (operation === "exclude") return true;
  const { topics = [] } = JSON.parse(input) as Partial<InputOf["unsubscribe"]>;
  return topics === "all" || topics.includes(topic);
}
