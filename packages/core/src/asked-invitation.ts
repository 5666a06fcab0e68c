import { asked, evidenceFrom, oneOf, subjectOf, text } from "./asked.ts";
import type { HeedContext } from "./context.ts";
import { slugSchema } from "./contract/slug.ts";
import { InvalidInputError } from "./errors/invalid-input-error.ts";
import type { Heed, RequestDetails } from "./heed-types.ts";
import type { InvitationAnswer } from "./invitations/invitation.ts";
import type { Invitations } from "./invitations/invitations.ts";
import { invite, type Invited, type Proposal } from "./invitations/invite.ts";
import { parseInstant, type OneScope } from "./ledger/event.ts";
import { nameSubject } from "./ledger/name-subject.ts";
import { known } from "./policy/known-name.ts";

const dayMs = 86_400_000;
const defaultDays = 7;
const mostDays = 90;
/** So long a notice of a changed policy can be answered, unless something else is said. */
const noticeDays = 30;

const requestKeys = {
  subject: true,
  evidence: true,
  expiresAfterDays: true,
  channel: true,
  method: true,
  within: true,
};
const inviteKeys = { subject: true, purpose: true, evidence: true, until: true, within: true };

/** Asks whether an opt-in was really theirs, as the caller says. */
export function requestAsked(
  context: HeedContext,
  ask: RequestDetails & { readonly subject: Parameters<typeof nameSubject>[1] } & (
      | { readonly topic: string }
      | { readonly purpose: string }
    ),
): Promise<Invited> {
  const isTopic = "topic" in ask;
  const call = isTopic ? "subscriptions.request" : "consent.request";
  const name = isTopic ? { topic: true } : { purpose: true };
  asked(ask, call, `{ subject, ${isTopic ? "topic" : "purpose"}, evidence }`, {
    ...name,
    ...requestKeys,
  } as never);
  const { expiresAfterDays = defaultDays, channel, method } = ask;
  if (!Number.isInteger(expiresAfterDays) || expiresAfterDays < 1 || expiresAfterDays > mostDays) {
    throw unusable("expiresAfterDays", `Pass whole days, from 1 to ${mostDays}.`);
  }
  const about: OneScope = isTopic
    ? { scope: "topic", name: known(context.policy, "topics", ask.topic) }
    : { scope: "purpose", name: known(context.policy, "purposes", ask.purpose) };
  const proposal: Proposal = {
    kind: "opt-in",
    about,
    evidence: evidenceFrom(ask.evidence),
    ...(channel === undefined ? {} : { channel: slug("channel", channel) }),
    ...(method === undefined ? {} : { method: slug("method", method) }),
    until: after(expiresAfterDays),
  };
  return invite(context, nameSubject(context, subjectOf(ask)), proposal, ask.within);
}

/** Puts a purpose to a person anew, under a notice that has changed. */
export function inviteAsked(
  context: HeedContext,
  ask: Parameters<Heed["consent"]["invite"]>[0],
): Promise<Invited> {
  asked(ask, "consent.invite", "{ subject, purpose, evidence }", inviteKeys);
  const evidence = evidenceFrom(ask.evidence);
  if (typeof evidence.noticeVersion !== "string" || evidence.noticeVersion === "") {
    throw unusable(
      "evidence.noticeVersion",
      "Pass the version of the notice that the person is to agree to.",
    );
  }
  if (!/^[0-9a-f]{64}$/.test(String(evidence.noticeSha256))) {
    throw unusable(
      "evidence.noticeSha256",
      "Pass the SHA-256 of the exact text, as 64 lower-case hexadecimal digits.",
    );
  }
  const until = ask.until === undefined ? undefined : parseInstant("until", ask.until);
  if (until !== undefined && until <= context.clock.now().toISOString()) {
    throw unusable(
      "until",
      "It lies in the past: nobody could answer. Pass when the invitation ends, or nothing.",
    );
  }
  const proposal: Proposal = {
    kind: "renewal",
    about: { scope: "purpose", name: known(context.policy, "purposes", ask.purpose) },
    evidence,
    until: until === undefined ? after(noticeDays) : () => until,
  };
  return invite(context, nameSubject(context, subjectOf(ask)), proposal, ask.within);
}

/** A person's answer to an invitation. */
export function answerAsked(ask: Parameters<Invitations["answer"]>[0]): Parameters<Invitations["answer"]>[0] {
  const call = "invitations.answer";
  const { token, answer, language } = asked(ask, call, "{ token, answer }", {
    token: true,
    answer: true,
    language: true,
  });
  if (
    language !== undefined &&
    !/^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,5}$/.test(text(language, call, "language"))
  ) {
    throw unusable("language", "Pass a language tag (BCP 47), for example `en` or `sv-SE`.");
  }
  const answers = ["yes", "no"] as const satisfies readonly InvitationAnswer[];
  return {
    token: text(token, call, "token"),
    answer: oneOf(answer, answers, "answer"),
    ...(language === undefined ? {} : { language }),
  };
}

const after =
  (days: number) =>
  (now: string): string =>
    new Date(Date.parse(now) + days * dayMs).toISOString();

function slug(name: string, given: string): string {
  if (slugSchema.safeParse(given).success) return given;
  throw unusable(name, "Pass a slug: lower-case letters, digits and hyphens.");
}

function unusable(path: string, advice: string): InvalidInputError {
  return new InvalidInputError(`\`${path}\` cannot be used. ${advice}`, {
    issues: [{ path, message: "unusable" }],
  });
}
