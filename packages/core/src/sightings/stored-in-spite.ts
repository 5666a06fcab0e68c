import type { HeedContext } from "../context.ts";
import type { InputOf } from "../contract/operation.ts";
import type { Row } from "../contract/tables.ts";
import type { Claim } from "../engine/claim.ts";
import type { Verdict } from "../engine/verdict.ts";
import { keyReads, refuseUnknownKeys } from "../keys/known-keys.ts";
import { suppressionLookups, type Named } from "../ledger/name-subject.ts";
import { keptOut, type KeptOut } from "../ledger/kept-out.ts";
import { isExclusion, silencesOf } from "../ledger/subject-record.ts";
import { isParked } from "../requests/lifecycle.ts";
import { mayHaveStored, skewMs } from "./own-work.ts";

const tellsOfRecord = ({ call }: Claim) => (call.input as InputOf["observe"]).saw.includes("record-stored");

/** How long after a look at somebody who is on their way out the next one is, in milliseconds. */
const lookAgainMs = 3_600_000;

/** A vendor may tell of a record before it shows it: there is another look, once it has had its time. */
export function notYetThere({ clock }: HeedContext, claim: Claim, settlingMs: number): Verdict | undefined {
  const settlesInMs = Date.parse(claim.step.createdAt) + settlingMs - clock.now().getTime();
  if (!tellsOfRecord(claim) || settlesInMs <= 0) return undefined;
  return { to: "again", phase: "run", dueInMs: settlesInMs, because: "not-yet", counts: false };
}

/**
 * A record was made, or brought back, of somebody who is not to be there: erased, or taken out. It may be a sync that
 * does not ask, or the person themselves by a form, so heed destroys nothing and a human is told. What was made before
 * they left, or by heed, is nothing; and while they are on their way out, what removes them may still find it.
 *
 * @returns undefined where nobody needs to be told
 */
export async function storedInSpite(
  context: HeedContext,
  claim: Claim,
  named: Named,
): Promise<Verdict | undefined> {
  if (!tellsOfRecord(claim)) return undefined;
  const { processor, createdAt } = claim.step;
  const storedMs = Date.parse(claim.found.storedAt ?? createdAt);
  const nowMs = context.clock.now().getTime();
  const barred = (await eachOf(context, named)).flatMap((about) => {
    const { subject, steps } = about;
    const kept = keptOut(about, processor);
    if (kept === undefined || storedMs < Date.parse(kept.at) - skewMs) return [];
    const there = steps.filter((step) => step.processor === processor);
    if (there.some((step) => mayHaveStored(step, storedMs, nowMs))) return [];
    const isLeaving = (subject?.frozenBy ?? null) !== null || there.some(isUnderWay);
    return [{ ...kept, isLeaving }];
  });
  if (barred.length === 0) return undefined;
  const one = barred.find(({ isLeaving }) => !isLeaving);
  if (one === undefined)
    return { to: "again", phase: "run", dueInMs: lookAgainMs, because: "removal-under-way", counts: false };
  return { to: "end", state: "manual", because: "stored-again", instruction: whatToDo(processor, one) };
}

/** Whether somebody is being taken out, by heed or by a human who was asked to. */
const isUnderWay = (step: Row<"steps">): boolean =>
  isExclusion(step) && (step.endedAt === null || isParked(step));

/** What is known of each of these identifiers by itself: one record may have two people's. */
function eachOf(context: HeedContext, { identifiers, digests }: Named) {
  const { storage, clock, keys } = context;
  const digest = digests.flat();
  const subjectId = { via: "identifiers", column: "subjectId", where: { digest } } as const;
  const lookups = identifiers.map((identifier) => suppressionLookups(context, [identifier]));
  return storage.transact({
    lock: [],
    clock,
    read: {
      ...keyReads(keys),
      suppressions: { from: "suppressions", where: { digest: lookups.flat() } },
      identifiers: { from: "identifiers", where: { subjectId } },
      subjects: { from: "subjects", where: { id: subjectId } },
      steps: { from: "steps", where: { subjectId } },
      silences: silencesOf(subjectId),
    },
    decide: (rows) => {
      refuseUnknownKeys(keys, rows);
      const people = lookups.map((lookup, index) => {
        const owner = rows.identifiers.find((row) => digests[index]?.includes(row.digest))?.subjectId;
        const theirs = rows.identifiers.filter((row) => row.subjectId === owner);
        return {
          suppressions: rows.suppressions.filter((row) => lookup.includes(row.digest)),
          subject: rows.subjects.find(({ id }) => id === owner),
          steps: rows.steps.filter((step) => step.subjectId === owner),
          silences: rows.silences.filter(({ digest }) => theirs.some((row) => row.suppression === digest)),
        };
      });
      return { writes: [], answer: people };
    },
  });
}

function whatToDo(processor: string, { because }: KeptOut): string {
  const [who, request] =
    because === "erased"
      ? ["Somebody who had been erased", '{ right: "erasure" }']
      : [
          `Somebody who is to be kept out of "${processor}"`,
          `{ right: "objection", recipient: "${processor}" }`,
        ];
  return `${who} has a record at "${processor}" that was made, or brought back, since; nothing was done to it. It is among the newest there: heed.suppression.check({ email, recipient: "${processor}" }) says of its address "${because}". If they came back by themselves, acknowledge this step. If not, find out what made it, have them taken out again by heed.requests.open(${request}), and retry this step: it looks again.`;
}
