import { z } from "zod";
import { asked, evidenceFrom, evidenceKept, subjectOf } from "./asked.ts";
import type { HeedContext } from "./context.ts";
import { slugSchema } from "./contract/slug.ts";
import { InvalidInputError } from "./errors/invalid-input-error.ts";
import type { ChoiceDetails, Heed, OptInDetails } from "./heed-types.ts";
import type { Choice } from "./ledger/choice-event.ts";
import { parseInstant, type Scope } from "./ledger/event.ts";
import { nameSubject } from "./ledger/name-subject.ts";
import type { AskedChoice } from "./ledger/record-choices.ts";
import type { KnownKeys } from "./only-keys.ts";
import { known } from "./policy/known-name.ts";

/** What a call of one section takes. */
type AskOf<S extends "consent" | "subscriptions", C extends keyof Heed[S]> = Heed[S][C] extends (
  ask: infer A,
) => unknown
  ? A
  : never;

const detailKeys: KnownKeys<OptInDetails & { readonly subject: unknown }> = {
  subject: true,
  id: true,
  at: true,
  channel: true,
  method: true,
  imported: true,
  within: true,
  // Of no use to an opt-out, and no reason to refuse one.
  evidence: true,
  until: true,
  identityVerified: true,
};
const purposeKeys: KnownKeys<AskOf<"consent", "give">> = { purpose: true, ...detailKeys };
const topicKeys: KnownKeys<AskOf<"subscriptions", "subscribe">> = { topic: true, ...detailKeys };

/** Reads what a caller passes to record a choice, alone or as one of many. */
export function choicesAsked(context: HeedContext) {
  const { policy } = context;
  const purposeOf = ({ purpose }: { readonly purpose: string }): Scope => ({
    scope: "purpose",
    name: known(policy, "purposes", purpose),
  });
  const topicOf = ({ topic }: { readonly topic: string }): Scope => ({
    scope: "topic",
    name: known(policy, "topics", topic),
  });
  const named = (ask: ChoiceDetails & { readonly subject: Parameters<typeof nameSubject>[1] }) =>
    nameSubject(context, subjectOf(ask));
  return {
    give: (ask: AskOf<"consent", "give">): AskedChoice => {
      asked(ask, "consent.give", "{ subject, purpose, evidence }", purposeKeys);
      return { named: named(ask), choice: optIn(context, purposeOf(ask), ask) };
    },
    withdraw: (ask: AskOf<"consent", "withdraw">): AskedChoice => {
      asked(ask, "consent.withdraw", "{ subject, purpose }", purposeKeys);
      return { named: named(ask), choice: optOut(purposeOf(ask), ask) };
    },
    subscribe: (ask: AskOf<"subscriptions", "subscribe">): AskedChoice => {
      asked(ask, "subscriptions.subscribe", "{ subject, topic, evidence }", topicKeys);
      return { named: named(ask), choice: optIn(context, topicOf(ask), ask) };
    },
    unsubscribe: (ask: AskOf<"subscriptions", "unsubscribe">): AskedChoice => {
      asked(ask, "subscriptions.unsubscribe", "{ subject, topic }", topicKeys);
      const scope: Scope = ask.topic === "all" ? { scope: "all", name: null } : topicOf(ask);
      return { named: named(ask), choice: optOut(scope, ask) };
    },
  };
}

function optIn(context: HeedContext, scope: Scope, details: OptInDetails): Choice {
  const choice = { ...choiceFrom(details), evidence: evidenceFrom(details.evidence) };
  const now = context.clock.now().toISOString();
  const begins = choice.imported === true ? (choice.claimedAt ?? now) : now;
  if (choice.until !== undefined && choice.until <= begins) {
    throw new InvalidInputError(
      "`until` lies in the past: the consent would be over before it begins. Pass when its validity ends, or nothing.",
      { issues: [{ path: "until", message: "over already" }] },
    );
  }
  // "It was imported now" would outweigh every opt-out there ever was.
  const isDated = choice.claimedAt !== undefined && choice.claimedAt <= now;
  if (choice.imported === true && !isDated) {
    throw new InvalidInputError(
      "An imported opt-in needs `at`, the instant at which the person chose, and it cannot lie in the future: an opt-out since then outweighs it.",
      { issues: [{ path: "at", message: "missing, or in the future" }] },
    );
  }
  return { ...choice, kind: "given", scope };
}

function optOut(scope: Scope, details: ChoiceDetails): Choice {
  return { ...choiceFrom(details), kind: "withdrawn", scope };
}

const detailsSchema = z.object({
  id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, "use letters, digits, - and _, at most 64")
    .optional(),
  channel: slugSchema.optional(),
  method: slugSchema.optional(),
  imported: z.boolean().optional(),
  identityVerified: z.boolean().optional(),
});

function choiceFrom(details: ChoiceDetails & Partial<OptInDetails>): Omit<Choice, "kind" | "scope"> {
  const parsed = detailsSchema.safeParse(details);
  if (!parsed.success) {
    const issues = parsed.error.issues.map((issue) => ({
      path: issue.path.join("."),
      message: issue.message,
    }));
    throw new InvalidInputError(
      `The choice cannot be read: ${issues.map(({ path, message }) => `${path}: ${message}`).join("; ")}.`,
      { issues },
    );
  }
  return Object.fromEntries(
    Object.entries({
      ...parsed.data,
      claimedAt: details.at === undefined ? undefined : parseInstant("at", details.at),
      until: details.until === undefined ? undefined : parseInstant("until", details.until),
      // An opt-out needs no evidence, so none that cannot be kept stands in its way.
      evidence: evidenceKept(details.evidence),
    }).filter(([, value]) => value !== undefined),
  );
}
