import type { HeedContext } from "../context.ts";
import type { Identifier } from "../contract/identifier.ts";
import type { Call, InputOf, OperationName } from "../contract/operation.ts";
import type { Row } from "../contract/tables.ts";
import { isHeedError, type HeedError } from "../errors/heed-error.ts";
import { evidenceDigests } from "../evidence/evidence.ts";
import { open } from "../keys/sealed.ts";
import { topicsIn, topicState, topicsVia } from "../ledger/choice.ts";
import { identifiersOf } from "../ledger/identifiers.ts";
import { dataKeyOf } from "../ledger/subject-record.ts";
import type { Policy } from "../policy/policy.ts";
import { withEnding } from "../requests/allow-ending.ts";
import { cancelledBecause, isDestructive, type StepPhase } from "../requests/lifecycle.ts";
import { nothingFound, type Found } from "./found.ts";
import { operationOf } from "./operation-of.ts";
import type { Settlement } from "./settle.ts";
import type { KeptOutcome } from "./verdict.ts";

/** A step as it is before it is leased: what there is to call for. */
export interface Prepared {
  readonly phase: StepPhase;
  readonly call: Call;
  readonly found: Found;
  /** The key that seals what the step finds. */
  readonly key: Uint8Array;
  /** Evidence digests of the subject. */
  readonly subjectDigests: readonly string[];
  /** True when a run was begun whose answer is not known. */
  readonly ranBefore: boolean;
  /** True when a guard is asked before the run. */
  readonly isGuarded: boolean;
}

/** What is known of the steps' subjects and requests, by their ids: a claim is about dozens of people. */
export interface Known {
  readonly identifiers: ReadonlyMap<string, readonly Row<"identifiers">[]>;
  readonly events: ReadonlyMap<string, readonly Row<"events">[]>;
  readonly subjectKeys: ReadonlyMap<string, readonly Row<"dataKeys">[]>;
  readonly requestKeys: ReadonlyMap<string, readonly Row<"dataKeys">[]>;
  readonly requests: ReadonlyMap<string, Row<"requests">>;
  /** All steps of each open request. */
  readonly requestSteps: ReadonlyMap<string | null, readonly Row<"steps">[]>;
}

/**
 * A row that cannot be opened ends alone: it must not take its batch with it.
 *
 * @returns the error `unknown-key` where the keyring lacks the key that the row was written under
 */
export function prepareOrEnd(
  context: HeedContext,
  step: Row<"steps">,
  known: Known,
  now: string,
  unknownTopics: readonly string[],
): Prepared | Settlement | HeedError {
  try {
    return prepare(context, step, known, now, unknownTopics);
  } catch (error) {
    if (isHeedError(error) && error.code === "unknown-key") return error;
    return { step, verdict: { to: "end", state: "failed", because: "unreadable" } };
  }
}

/** The call for a step, or its end where there is nothing to call for. */
function prepare(
  context: HeedContext,
  step: Row<"steps">,
  known: Known,
  now: string,
  unknownTopics: readonly string[],
): Prepared | Settlement {
  const processor = context.processors[step.processor];
  const operation = operationOf(processor, step.operation);
  const toHuman = (key: Uint8Array, because: string, instruction: string): Settlement => ({
    step,
    key,
    verdict: { to: "end", state: "manual", because, instruction },
  });
  const overtakenBy = cancelledBecause(step);
  if (overtakenBy !== undefined)
    return { step, verdict: { to: "end", state: "cancelled", because: overtakenBy } };
  const input =
    step.eventId === null
      ? askedInput(step, known)
      : wishedInput(context.policy, step, known.events.get(step.subjectId) ?? [], now);
  if (input === undefined)
    return { step, verdict: { to: "end", state: "superseded", because: "newer-choice" } };
  if (step.processor === "heed") return prepareOwn(step, known, input);

  const subjectKey = dataKeyOf(context, known.subjectKeys.get(step.subjectId), step.subjectId);
  const { requestId } = step;
  const key =
    requestId === null ? subjectKey : dataKeyOf(context, known.requestKeys.get(requestId), requestId);
  if (processor === undefined || operation === undefined) {
    return toHuman(
      key,
      "no-such-operation",
      `Do this by hand, or configure a processor for "${step.processor}" that can ${step.operation}.`,
    );
  }
  const topics = "topics" in input ? (input as InputOf["unsubscribe"]).topics : [];
  const unknown = unknownTopics.filter((topic) => topics !== "all" && topics.includes(topic));
  if (unknown.length > 0) {
    return toHuman(
      key,
      "unknown-topic",
      `"${step.processor}" does not know the list that is bound to ${unknown.map((topic) => `"${topic}"`).join(", ")}. Bind the right one and retry the step, or ${step.operation} this person there by hand.`,
    );
  }
  const request = known.requests.get(requestId ?? "");
  const own = known.identifiers.get(step.subjectId) ?? [];
  // Erasing goes by what was shown to be this person's; silencing by everything that may be.
  const named = new Set(request === undefined ? [] : (JSON.parse(request.named) as string[]));
  const trusted = isDestructive(step.operation)
    ? own.filter((row) => row.verified === 1 || named.has(row.digest))
    : own;
  const found =
    step.sealed === null ? nothingFound : (JSON.parse(open(key, step.sealed, `steps/${step.id}`)) as Found);
  const whose = found.sighted ?? identifiersOf(subjectKey, trusted);
  const identifiers = whose.filter((each) => processor.identifiers[each.kind]?.test(each.value));
  const [first, ...others] = identifiers;
  if (first === undefined) {
    const kinds = Object.keys(processor.identifiers).join(", ");
    return toHuman(
      key,
      "no-identifier",
      `Look this person up by hand at "${step.processor}": no identifier is known that it can search by (${kinds}).`,
    );
  }
  return {
    // The answer of an earlier run was lost, and repeating it is not safe: look first.
    phase:
      step.phase === "run" && step.attempted === 1 && operation.repeat === "verify-first"
        ? "verify"
        : (step.phase as StepPhase),
    call: callFor(step, input, [first, ...others], found),
    found,
    key,
    subjectDigests: evidenceDigests(context, found.sighted ?? identifiersOf(subjectKey, own)),
    ranBefore: step.attempted === 1,
    isGuarded: operation.guard !== undefined && isDestructive(step.operation),
  };
}

/** What the step was planned with, and what was said or done since: paid service may be ended, tokens are gone. */
function askedInput(step: Row<"steps">, { requests, requestSteps }: Known): InputOf[OperationName] {
  const planned = JSON.parse(step.input) as InputOf[OperationName];
  const isAllowed = requests.get(step.requestId ?? "")?.endsPaidService === "allowed";
  const input = isAllowed ? withEnding({ input: planned }, "allowed").input : planned;
  if (step.operation !== "erase" || step.requestId === null) return input;
  const forgot = (requestSteps.get(step.requestId) ?? []).some(
    (other) =>
      other.operation === "forgetTokens" && other.processor === step.processor && mayHaveForgotten(other),
  );
  return forgot ? { ...input, tokensForgotten: true } : input;
}

/** Whether there was something to forget, as far as was heard: of a lost answer, and of a human's word, nobody knows. */
function mayHaveForgotten({ outcome, attempted, state }: Row<"steps">): boolean {
  if (outcome === null) return attempted === 1 || state === "acknowledged";
  const { status, affected } = JSON.parse(outcome) as KeptOutcome;
  return status !== "absent" && affected !== 0;
}

/** heed's own data: found by the ids of its rows, so that the key may be gone already. */
function prepareOwn(step: Row<"steps">, known: Known, input: InputOf[OperationName]): Prepared {
  const request = known.requests.get(step.requestId ?? "");
  const identifiers: [Identifier, Identifier] = [
    { kind: "heedSubject", value: step.subjectId },
    { kind: "heedRequest", value: step.requestId ?? "" },
  ];
  return {
    phase: step.phase as StepPhase,
    call: callFor(step, input, identifiers, nothingFound),
    found: nothingFound,
    key: new Uint8Array(32),
    subjectDigests: JSON.parse(request?.subjectDigests ?? "[]") as string[],
    ranBefore: step.attempted === 1,
    isGuarded: false,
  };
}

function callFor(
  step: Row<"steps">,
  input: InputOf[OperationName],
  identifiers: Call["identifiers"],
  found: Found,
): Call {
  return {
    id: step.id,
    operation: step.operation as OperationName,
    input,
    identifiers,
    targets: found.targets.map(({ kind, id, within }) => ({
      kind,
      id,
      ...(within === undefined ? {} : { within }),
    })),
    ...(found.reference === undefined ? {} : { reference: found.reference }),
  };
}

/**
 * The wished state of a preference step, derived from the ledger as it is now: the topics of the step for
 * which its direction still holds. Undefined when a newer choice has overtaken all of it.
 *
 * @param now RFC 3339; a consent whose validity has ended by then is none
 */
export function wishedInput(
  policy: Policy,
  step: Pick<Row<"steps">, "operation" | "input" | "processor" | "subjectId">,
  events: readonly Row<"events">[],
  now: string,
): InputOf["subscribe"] | InputOf["unsubscribe"] | undefined {
  const input = JSON.parse(step.input) as InputOf["subscribe"] | InputOf["unsubscribe"];
  const own = events.filter((event) => event.subjectId === step.subjectId);
  const stateOf = (topic: string) => topicState(policy, topic, own, now);
  const isGiven = (topic: string) => stateOf(topic).state === "given";
  if (step.operation === "subscribe") {
    const topics = (input.topics as readonly string[]).filter(isGiven);
    // The choices that count now, which may have been renewed since: the oldest of them is what can be relied on.
    const [oldest] = topics
      .map(stateOf)
      .flatMap((state) => (state.state === "given" ? [state] : []))
      .toSorted((a, b) => (a.since < b.since ? -1 : 1));
    if (oldest === undefined) return undefined;
    return { ...(input as InputOf["subscribe"]), topics, evidence: oldest.by, givenAt: oldest.since };
  }
  const through = topicsVia(policy, step.processor);
  const marketing = topicsIn(policy, { scope: "all", name: null });
  const asked = input.topics === "all" ? through.filter((topic) => marketing.includes(topic)) : input.topics;
  const topics = asked.filter((topic) => !isGiven(topic));
  if (topics.length === 0) return undefined;
  return { ...input, topics: input.topics === "all" && topics.length === through.length ? "all" : topics };
}
