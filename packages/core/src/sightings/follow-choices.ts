import { createHash } from "node:crypto";
import type { HeedContext } from "../context.ts";
import type { SeenChoice } from "../contract/operation.ts";
import type { Claim } from "../engine/claim.ts";
import { topicsIn, topicsVia } from "../ledger/choice.ts";
import type { ConsentState } from "../ledger/consent-fold.ts";
import type { Scope } from "../ledger/event.ts";
import type { Named } from "../ledger/name-subject.ts";
import { recordChoice } from "../ledger/record-choice.ts";
import { stateOf } from "../ledger/state-of.ts";
import { isOwn, stepsAt } from "./own-work.ts";
import { tellAgain } from "./tell-again.ts";

/** Brings ledger and vendor together about what people chose: see `takeIn`. */
export async function followChoices(
  context: HeedContext,
  claim: Claim,
  named: Named,
  seen: readonly SeenChoice[],
): Promise<void> {
  const { processor } = claim.step;
  const steps = await stepsAt(context, processor, named);
  const now = context.clock.now().getTime();
  const choices = seen.map((choice) => ({ ...choice, own: isOwn(choice, steps, now) }));
  for (const topic of topicsVia(context.policy, processor))
    await followTopic(context, claim, named, topic, covering(choices, topic));
  await followAll(context, claim, named, choices);
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
  let state = await stateOf(context, named, { topic });
  if (at !== undefined && isNews(state, at)) {
    await recordNo(context, claim, named, { scope: "topic", name: topic }, at);
    state = await stateOf(context, named, { topic });
  }
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
