import { asked, subjectOf, text } from "../asked.ts";
import type { HeedContext } from "../context.ts";
import type { Subject } from "../contract/identifier.ts";
import { slugSchema } from "../contract/slug.ts";
import { InvalidInputError } from "../errors/invalid-input-error.ts";
import { parseInstant } from "../ledger/event.ts";
import { nameSubject } from "../ledger/name-subject.ts";
import type { HoldAsk } from "./place-hold.ts";

/** What `holds.place` is given. */
interface GivenHold {
  readonly subject?: Subject;
  readonly everyone?: true;
  readonly processor?: string;
  readonly reason: string;
  readonly orderedBy: string;
  readonly reviewAt: string;
}

/** Reads what a caller passes to place a hold. @throws InvalidInputError that says what to pass */
export function readHold(context: HeedContext, given: GivenHold): HoldAsk {
  const { subject, everyone, processor, reason, orderedBy, reviewAt } = asked(
    given,
    "holds.place",
    "{ subject, reason, orderedBy, reviewAt }",
    { subject: true, everyone: true, processor: true, reason: true, orderedBy: true, reviewAt: true },
  );
  // Never everyone by a slip: a subject that was left out, or a variable that was empty.
  if ((subject === undefined) === (everyone !== true))
    throw refuse(
      "subject",
      "A hold stands over one subject or over everyone. Pass `subject`, or `everyone: true`.",
    );
  if (processor !== undefined && !Object.hasOwn(context.policy.recipients, processor)) {
    const known = Object.keys(context.policy.recipients).join(", ");
    throw refuse("processor", `The policy names no such recipient. Pass one of: ${known}.`);
  }
  return {
    named: subject === undefined ? undefined : nameSubject(context, subjectOf({ subject })),
    processor: processor ?? null,
    reason: slug(reason, "reason", "why, for example the number of the case"),
    orderedBy: slug(orderedBy, "orderedBy", "whose decision it is, as a role"),
    reviewAt: reviewFrom(context, reviewAt),
  };
}

function slug(given: string, name: string, what: string): string {
  const parsed = slugSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw refuse(
    name,
    `A hold needs \`${name}\`: ${what}. Pass a slug, lower-case letters, digits and hyphens, that names no person.`,
  );
}

function reviewFrom({ clock }: HeedContext, given: string): string {
  const reviewAt = parseInstant("reviewAt", text(given, "holds.place", "reviewAt"));
  if (reviewAt > clock.now().toISOString()) return reviewAt;
  throw refuse(
    "reviewAt",
    "`reviewAt` has passed. Pass when somebody is to ask whether the hold is still needed.",
  );
}

function refuse(path: string, message: string): InvalidInputError {
  return new InvalidInputError(message, { issues: [{ path, message: "unusable" }] });
}
