import type { HeedContext } from "../context.ts";
import type { Changed, Choice } from "./choice-event.ts";
import { decideOptIn } from "./decide-opt-in.ts";
import { decideOptOut } from "./decide-opt-out.ts";
import { isOptOut } from "./event.ts";
import { suppressionLookups, type Named } from "./name-subject.ts";
import { transactOnSubjects } from "./under-lock.ts";

/** Whom a choice is about: identifiers as named by the caller, or one known subject. */
export type About = { readonly named: Named } | { readonly subjectId: string };

/**
 * Records a choice in one transaction: event, suppression, revoked permits, steps, evidence.
 * An opt-out always succeeds, for whoever is named, known or not.
 *
 * @throws ConflictError when an opt-in names identifiers of two people
 */
export async function recordChoice(
  context: HeedContext,
  about: About,
  choice: Choice,
  within?: unknown,
): Promise<Changed> {
  const named = "named" in about ? about.named : undefined;
  const digest = suppressionLookups(context, named?.identifiers ?? []);
  const on = {
    select: "named" in about ? { digests: about.named.digests.flat() } : about,
    read: { silences: { from: "suppressions", where: { digest } } } as const,
    ...(within === undefined ? {} : { within }),
  };
  const { changed, revoked } = isOptOut(choice.kind)
    ? await transactOnSubjects(context, {
        ...on,
        isSilencing: true,
        decide: (records, { silences }, now, unreadable) =>
          decideOptOut(context, records, named, choice, now, { unreadable, silences }),
      })
    : await transactOnSubjects(context, {
        ...on,
        needsEveryKey: true,
        decide: (records, { silences }, now) => decideOptIn(context, records, named, choice, silences, now),
      });
  context.livePermits.revoke(revoked);
  // A joined transaction is committed by the application, later or never.
  if (changed.eventId !== undefined && within === undefined)
    context.hub.emit("choice.recorded", { eventId: changed.eventId, steps: changed.steps });
  return changed;
}
