import type { HeedContext } from "../context.ts";
import type { Write } from "../contract/storage.ts";
import type { Changed, Choice, DecidedChoice } from "./choice-event.ts";
import { decideOptIn } from "./decide-opt-in.ts";
import { decideOptOut } from "./decide-opt-out.ts";
import { isOptOut } from "./event.ts";
import { suppressionLookups, type Named } from "./name-subject.ts";
import type { SubjectRecord } from "./subject-record.ts";
import { transactOnSubjects } from "./under-lock.ts";

/** A choice, with whom it is about. */
export interface AskedChoice {
  readonly named: Named;
  readonly choice: Choice;
}

/**
 * Records choices of many people in one transaction, each exactly as `recordChoice` would. One that is about a
 * person whom an earlier one of the same call is about is left out, and so is absent from the answer: it must
 * see what that one did, so it belongs in a later transaction.
 *
 * @param how.isDry decides and writes nothing
 * @param how.underWay choices that another transaction may be about to record: whoever one of them is about is left
 * out as well
 * @returns what each changed, by its place in `asks`; the first is always among them, unless something is under way
 * @throws what one of them throws, having recorded none
 */
export async function recordChoices(
  context: HeedContext,
  asks: readonly AskedChoice[],
  { isDry, underWay }: { readonly isDry: boolean; readonly underWay: readonly AskedChoice[] },
): Promise<ReadonlyMap<number, Changed>> {
  const optIns = asks.filter((ask) => !isOptOut(ask.choice.kind));
  const silenced = new Map(asks.map((ask) => [ask, suppressionLookups(context, ask.named.identifiers)]));
  const decided = await transactOnSubjects(context, {
    select: { digests: asks.flatMap((ask) => ask.named.digests.flat()) },
    needsEveryKey: optIns.length > 0,
    isSilencing: optIns.length === 0,
    read: { silences: { from: "suppressions", where: { digest: [...silenced.values()].flat() } } },
    decide: (records, { silences }, now, unreadable) => {
      const answers = new Map<number, DecidedChoice["answer"]>();
      const writes: Write[] = [];
      const find = finder(records);
      const isTaken = firstComers(underWay.flatMap((ask) => ask.named.digests.flat()));
      asks.forEach((ask, place) => {
        const { named, choice } = ask;
        const own = find(named);
        const theirs = own.flatMap(({ id, identifiers }) => [id, ...identifiers.map(({ digest }) => digest)]);
        if (isTaken([...named.digests.flat(), ...theirs])) return;
        const lookups = silenced.get(ask) ?? [];
        const theirSilences = silences.filter((row) => lookups.includes(row.digest));
        const decision = isOptOut(choice.kind)
          ? decideOptOut(context, own, named, choice, now, { unreadable, silences: theirSilences })
          : decideOptIn(context, own, named, choice, theirSilences, now);
        answers.set(place, decision.answer);
        if (!isDry) for (const write of decision.writes) writes.push(write);
      });
      return { writes, answer: answers };
    },
  });
  for (const { changed, revoked } of isDry ? [] : decided.values()) {
    context.livePermits.revoke(revoked);
    if (changed.eventId !== undefined)
      context.hub.emit("choice.recorded", { eventId: changed.eventId, steps: changed.steps });
  }
  return new Map([...decided].map(([place, { changed }]) => [place, changed]));
}

/** Finds the subjects that a call names, in the order in which they were read. */
function finder(records: readonly SubjectRecord[]): (named: Named) => readonly SubjectRecord[] {
  const places = new Map<string, number>();
  records.forEach((record, place) => {
    for (const row of record.identifiers) places.set(row.digest, place);
  });
  return (named) => {
    const found = named.digests.flat().flatMap((digest) => places.get(digest) ?? []);
    return [...new Set(found)].toSorted((one, other) => one - other).flatMap((place) => records[place] ?? []);
  };
}

/**
 * Answers whether any of the names was mentioned before. They count as mentioned either way, so that whoever
 * is put off puts off all that come after about the same person.
 */
function firstComers(taken: readonly string[]): (names: readonly string[]) => boolean {
  const mentioned = new Set(taken);
  return (names) => {
    const isTaken = names.some((name) => mentioned.has(name));
    for (const name of names) mentioned.add(name);
    return isTaken;
  };
}
