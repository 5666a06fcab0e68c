import { createHash, randomUUID } from "node:crypto";
import type { HeedContext } from "../context.ts";
import type { Identifier } from "../contract/identifier.ts";
import type { InputOf, Observation, SeenChoice } from "../contract/operation.ts";
import type { Decision, Write } from "../contract/storage.ts";
import type { Claim } from "../engine/claim.ts";
import type { Row } from "../contract/tables.ts";
import { isHeedError } from "../errors/heed-error.ts";
import { stepWrites } from "../ledger/choice-event.ts";
import { topicsIn, topicState } from "../ledger/choice.ts";
import type { ConsentState } from "../ledger/consent-fold.ts";
import type { Scope } from "../ledger/event.ts";
import { nameSubject, suppressionLookups, type Named } from "../ledger/name-subject.ts";
import { recordChoice } from "../ledger/record-choice.ts";
import { recordSubject } from "../ledger/record-subject.ts";
import { newDataKey } from "../keys/sealed.ts";
import { erasedAt } from "../ledger/suppression.ts";
import { stateOf } from "../ledger/state-of.ts";
import type { SubjectRecord } from "../ledger/subject-record.ts";
import { transactOnSubjects } from "../ledger/under-lock.ts";
import { openRequest } from "../requests/open-request.ts";
import { lanes, preferenceTermMs, seqOf, stepRows, type PlannedStep } from "../requests/plan.ts";

/**
 * What follows from what a vendor shows of a person. May be repeated: each choice has an id of the step's.
 *
 * - An opt-out that is the person's own and newer than what the ledger has is recorded, and the other processors are
 *   told.
 * - Our own write changes nothing, however late it is seen.
 * - An opt-in needs its proof, which no vendor's state is.
 * - Where the vendor does not have what the ledger says, and no step is on its way to tell it, it is told again.
 */
export async function takeIn(context: HeedContext, claim: Claim, seen: Observation): Promise<void> {
  const { step, call } = claim;
  const named = nameThose(context, seen.addresses);
  if (named !== undefined) {
    const steps = await stepsAt(context, step.processor, named);
    const now = context.clock.now().getTime();
    const choices = seen.choices.map((choice) => ({ ...choice, own: isOwn(choice, steps, now) }));
    for (const topic of topicsAt(context, step.processor))
      await followTopic(context, claim, named, topic, covering(choices, topic));
    await followAll(context, claim, named, choices);
  }
  const { saw } = call.input as InputOf["observe"];
  if (saw.includes("credential-stored"))
    await raiseAlarm(context, claim, [...call.identifiers, ...seen.addresses]);
  if (saw.includes("paid-service-ended")) await forgetTokensOf(context, call.identifiers, seen.addresses);
}

/** The steps, over or not, that told a processor of these people's choices. */
function stepsAt(context: HeedContext, processor: string, named: Named): Promise<readonly Row<"steps">[]> {
  return transactOnSubjects(context, {
    select: { digests: named.digests.flat() },
    read: {},
    decide: (records) => ({
      writes: [],
      answer: records.flatMap(({ preferences }) =>
        preferences.filter((each) => each.processor === processor),
      ),
    }),
  });
}

/** How long a call may take, and how far a vendor's clock may be from ours, in milliseconds. */
const callMs = 60_000;
const skewMs = 60_000;

/** Whether heed made it so: the vendor says it, or the last that heed asked for there by then was just that. */
function isOwn(choice: SeenChoice, steps: readonly Row<"steps">[], nowMs: number): boolean {
  if (choice.own !== undefined) return choice.own;
  const operation = choice.saw === "opted-out" ? "unsubscribe" : "subscribe";
  const atMs = Date.parse(choice.at);
  const about = steps.filter((step) =>
    choice.topics === "all"
      ? (JSON.parse(step.input) as InputOf["unsubscribe"]).topics === "all"
      : choice.topics.every((topic) => isAbout(step, topic)),
  );
  const overtaken = (ranAt: string | null) =>
    ranAt !== null &&
    about.some(
      (step) =>
        step.operation !== operation &&
        step.ranAt !== null &&
        step.ranAt > ranAt &&
        Date.parse(step.ranAt) <= atMs,
    );
  return about.some(
    (step) => step.operation === operation && wasAskedAt(step, atMs, nowMs) && !overtaken(step.ranAt),
  );
}

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

/** Topics that the processor has. */
function topicsAt({ policy }: HeedContext, processor: string): readonly string[] {
  return Object.keys(policy.topics).filter((topic) => policy.topics[topic]?.via?.includes(processor));
}

function covering(choices: readonly SeenChoice[], topic: string): readonly SeenChoice[] {
  return choices.filter(({ topics }) => topics !== "all" && topics.includes(topic));
}

/** The newest opt-out that was not heed's own doing. */
function newestNo(choices: readonly SeenChoice[]): string | undefined {
  return choices
    .filter(({ saw, own }) => saw === "opted-out" && !own)
    .map(({ at }) => new Date(at).toISOString())
    .toSorted()
    .at(-1);
}

const isNews = (state: ConsentState, at: string): boolean =>
  state.state === "never-asked" || at > state.since;

async function followTopic(
  context: HeedContext,
  claim: Claim,
  named: Named,
  topic: string,
  choices: readonly SeenChoice[],
): Promise<void> {
  if (choices.length === 0) return;
  const at = newestNo(choices);
  if (at !== undefined && isNews(await stateOf(context, named, { topic }), at))
    await recordNo(context, claim, named, { scope: "topic", name: topic }, at);
  const state = await stateOf(context, named, { topic });
  const now = choices.filter(({ over }) => over !== true);
  if (now.length === 0) return;
  const told = now.some(({ saw }) => saw === "opted-in") ? "given" : "not-given";
  if (state.state !== "never-asked" && state.state !== told)
    await tellAgain(context, claim.step.processor, named, topic, state.state);
}

/** An opt-out of everything that the vendor sends is one of all marketing. */
async function followAll(
  context: HeedContext,
  claim: Claim,
  named: Named,
  choices: readonly SeenChoice[],
): Promise<void> {
  const at = newestNo(choices.filter(({ topics }) => topics === "all"));
  if (at === undefined) return;
  for (const topic of topicsIn(context.policy, { scope: "all", name: null })) {
    if (!isNews(await stateOf(context, named, { topic }), at)) continue;
    return recordNo(context, claim, named, { scope: "all", name: null }, at);
  }
}

async function recordNo(
  context: HeedContext,
  { step }: Claim,
  named: Named,
  scope: Scope,
  at: string,
): Promise<void> {
  await recordChoice(
    context,
    { named },
    {
      // Of this step and scope, and no other: a repeat records nothing.
      id: createHash("sha256").update(`${step.id}/${scope.scope}/${scope.name}`).digest("base64url"),
      kind: "withdrawn",
      scope,
      claimedAt: at,
      // By the vendor's clock: it counts from then, also where it is heard of late.
      imported: true,
      channel: step.processor,
      method: "sighting",
    },
  );
}

/** Plans the step once more that brings a processor to what the ledger says, unless one is on its way. */
async function tellAgain(
  context: HeedContext,
  processor: string,
  named: Named,
  topic: string,
  wished: "given" | "not-given",
): Promise<void> {
  const operation = wished === "given" ? "subscribe" : "unsubscribe";
  if (context.processors[processor]?.operations[operation] === undefined) return;
  await transactOnSubjects(context, {
    select: { digests: named.digests.flat() },
    read: {},
    decide: (records, _rows, now): Decision<void> => ({
      writes: records.flatMap((record) => againWrites(context, record, { processor, operation, topic }, now)),
      answer: undefined,
    }),
  });
}

function againWrites(
  context: HeedContext,
  record: SubjectRecord,
  { processor, operation, topic }: Pick<PlannedStep, "processor" | "operation"> & { readonly topic: string },
  now: string,
): readonly Write[] {
  const isUnderWay = record.openSteps.some((step) => step.processor === processor && isAbout(step, topic));
  const state = topicState(context.policy, topic, record.events, now);
  const wished = operation === "subscribe" ? "given" : "not-given";
  if (record.frozenBy !== null || isUnderWay || state.state !== wished) return [];
  const input: InputOf["subscribe"] | InputOf["unsubscribe"] =
    operation === "subscribe"
      ? { topics: [topic], basis: "consent", evidence: state.by, givenAt: state.since }
      : { topics: [topic] };
  const deadlineAt = new Date(Date.parse(now) + preferenceTermMs).toISOString();
  const lane = operation === "subscribe" ? lanes.optIn : lanes.optOut;
  const rows = stepRows(context, record, [{ processor, operation, stage: 0, lane, input, deadlineAt }], {
    seal: record.dataKey,
    seq: seqOf(now),
    now,
    requestId: null,
    eventId: state.by,
  });
  return stepWrites(rows);
}

function isAbout({ input }: Row<"steps">, topic: string): boolean {
  const { topics = [] } = JSON.parse(input) as Partial<InputOf["unsubscribe"]>;
  return topics === "all" || topics.includes(topic);
}

/**
 * Somebody stopped paying: what was stored to charge them is forgotten. The vendor's own id is what names them; that
 * the vendor has an address beside it only tells whose it most likely is.
 */
async function forgetTokensOf(
  context: HeedContext,
  ids: readonly Identifier[],
  addresses: readonly Identifier[],
): Promise<void> {
  const named = nameThose(context, ids);
  if (named === undefined) return;
  const both = nameThose(context, [...ids, ...addresses]);
  try {
    if (both !== undefined) await recordSubject(context, both, false);
  } catch (error) {
    // The id and the address are two people's here, or one of them is being erased.
    if (!isHeedError(error) || (error.code !== "two-subjects" && error.code !== "frozen")) throw error;
  }
  await openRequest(context, named, { right: "forget-tokens", identity: "operator-checked" });
}

/**
 * Something to pay with was stored of somebody of whom that had been forgotten: heed forgets nothing that a person may
 * just have given anew, and a human is told to look.
 */
async function raiseAlarm(
  context: HeedContext,
  { step }: Claim,
  identifiers: readonly Identifier[],
): Promise<void> {
  const named = nameThose(context, identifiers);
  if (named === undefined) return;
  const digests = named.digests.flat();
  await transactOnSubjects(context, {
    select: { digests },
    read: {
      requests: {
        from: "requests",
        where: {
          subjectId: { via: "identifiers", column: "subjectId", where: { digest: digests } },
          right: "forget-tokens",
          closedAt: { isNull: false },
        },
      },
      silences: {
        from: "suppressions",
        where: { digest: suppressionLookups(context, named.identifiers), scope: "everything" },
      },
    },
    decide: (records, { requests, silences }, now): Decision<void> => {
      const record = records.find(({ id }) => requests.some((request) => request.subjectId === id));
      const isErased = erasedAt(silences, records[0]) !== undefined;
      if (record === undefined && !isErased) return { writes: [], answer: undefined };
      return { writes: alarmWrites(context, record, step, now), answer: undefined };
    },
  });
}

function alarmWrites(
  context: HeedContext,
  record: SubjectRecord | undefined,
  { id, processor }: Row<"steps">,
  now: string,
): readonly Write[] {
  const [owner, key] = [record?.id ?? randomUUID(), record?.dataKey ?? newDataKey()];
  const instruction = `A payment method was stored at "${processor}" for somebody whose payment methods had been forgotten. If they gave it anew, acknowledge this step. If not, find out what stored it, and have it forgotten: heed.paidService.ended().`;
  const input: InputOf["forgetTokens"] = { endsPaidService: "refused", keep: [] };
  const planned: PlannedStep = {
    processor,
    operation: "forgetTokens",
    stage: 1,
    lane: lanes.request,
    deadlineAt: new Date(Date.parse(now) + preferenceTermMs).toISOString(),
    input,
    ended: { state: "manual", because: "stored-again", instruction },
  };
  const about = { seal: key, seq: seqOf(now), now, requestId: null, eventId: null };
  // Once for this look, also where it is repeated.
  const alarmId = createHash("sha256").update(`${id}/stored-again`).digest("base64url");
  return [
    ...(record === undefined
      ? [{ insert: "dataKeys", row: { owner, ...context.keys.wrap(key, owner) } } as const]
      : []),
    ...stepRows(
      context,
      { id: owner, openSteps: record?.openSteps ?? [] },
      [planned],
      about,
      () => alarmId,
    ).map((row): Write => ({ insert: "steps", row, orKeep: true })),
  ];
}

/** Undefined where nobody can be named: what a vendor has is not always an address. */
function nameThose(context: HeedContext, identifiers: readonly Identifier[]): Named | undefined {
  const readable = identifiers.filter((each) => {
    try {
      nameSubject(context, { [each.kind]: each.value });
      return true;
    } catch {
      return false;
    }
  });
  if (readable.length === 0) return undefined;
  const byKind = Map.groupBy(readable, ({ kind }) => kind);
  const subject = Object.fromEntries(
    [...byKind].map(([kind, each]) => [kind, each.map(({ value }) => value)]),
  );
  return nameSubject(context, subject);
}
