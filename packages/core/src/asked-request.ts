import { asked, oneOf, subjectOf, text } from "./asked.ts";
import type { HeedContext } from "./context.ts";
import { slugSchema } from "./contract/slug.ts";
import { type Looking, previewRequest } from "./engine/preview.ts";
import { ConflictError } from "./errors/conflict-error.ts";
import { InvalidInputError } from "./errors/invalid-input-error.ts";
import type { Heed, MayEndService } from "./heed-types.ts";
import { parseInstant } from "./ledger/event.ts";
import { nameSubject } from "./ledger/name-subject.ts";
import { known } from "./policy/known-name.ts";
import type { EndsPaidService, Identity, RequestRight } from "./requests/lifecycle.ts";
import { openRequest } from "./requests/open-request.ts";

const shownIdentities = [
  "signed-in",
  "confirmed-by-link",
  "operator-checked",
] as const satisfies readonly Identity[];
const identities = [...shownIdentities, "unverified"] as const satisfies readonly Identity[];
const rights = ["erasure", "forget-tokens", "withdrawal", "objection", "inquiry"] as const;
const previewed = ["erasure", "forget-tokens", "objection"] as const;
const endings = ["allowed", "refused"] as const satisfies readonly EndsPaidService[];

const openKeys = {
  right: true,
  subject: true,
  identity: true,
  receivedAt: true,
  preview: true,
  purpose: true,
  recipient: true,
  endsPaidService: true,
  about: true,
  follows: true,
};

// Also the identity: one ask may serve for the preview and for the request that is opened with it.
const previewKeys = { right: true, subject: true, identity: true, recipient: true, endsPaidService: true };

/**
 * Opens a request as the caller asks for it. With a preview, it is opened only if it would do today what the preview
 * said.
 *
 * @throws ConflictError `plan-changed`; InvalidInputError
 */
export async function openAsked(
  context: HeedContext,
  looking: Looking,
  ask: Parameters<Heed["requests"]["open"]>[0],
): ReturnType<Heed["requests"]["open"]> {
  asked(ask, "requests.open", "{ right, subject, identity }", openKeys);
  const who = nameSubject(context, subjectOf(ask));
  oneOf(ask.identity, identities, "identity");
  oneOf(ask.right, rights, "right");
  const what = whatIsAsked(context, ask);
  if (
    what.right !== "withdrawal" &&
    what.right !== "inquiry" &&
    "preview" in ask &&
    ask.preview !== undefined
  ) {
    const { digest } = asked(ask.preview, "requests.open's preview", "what requests.preview answered");
    text(digest, "requests.open's preview", "digest");
    const today = await previewRequest(context, looking, who, { ...what, right: what.right });
    if (today.digest !== digest) {
      throw new ConflictError("What the request would do has changed since the preview. Preview again.", {
        code: "plan-changed",
      });
    }
  }
  return openRequest(context, who, {
    ...what,
    identity: ask.identity,
    ...(ask.receivedAt === undefined ? {} : { receivedAt: receivedFrom(ask.receivedAt) }),
    ...("purpose" in ask && ask.purpose !== undefined
      ? { purpose: known(context.policy, "purposes", ask.purpose) }
      : {}),
    ...("about" in ask && ask.about !== undefined ? { about: slugFrom("about", ask.about) } : {}),
    ...(ask.follows === undefined ? {} : { follows: followed(ask) }),
  });
}

/** What a preview is asked of. */
export function previewAsked(
  context: HeedContext,
  looking: Looking,
  ask: Parameters<Heed["requests"]["preview"]>[0],
): ReturnType<Heed["requests"]["preview"]> {
  asked(ask, "requests.preview", '{ right: "erasure", subject }', previewKeys);
  const who = nameSubject(context, subjectOf(ask));
  const right = oneOf(ask.right, previewed, "right");
  return previewRequest(context, looking, who, { ...whatIsAsked(context, ask), right });
}

/** The right, for an objection the recipient, and elsewhere whether what is paid for may be ended. */
function whatIsAsked<Right extends RequestRight>(
  { policy }: HeedContext,
  ask: { readonly right: Right; readonly recipient?: string } & MayEndService,
): { readonly right: Right; readonly recipient?: string } & MayEndService {
  const { right, recipient = "", endsPaidService } = ask;
  if (right === "objection") return { right, recipient: known(policy, "recipients", recipient) };
  if (right === "withdrawal" || right === "inquiry" || endsPaidService === undefined) return { right };
  return { right, endsPaidService: oneOf(endsPaidService, endings, "endsPaidService") };
}

/** How identity was shown for a request that awaits it. */
export function shownIdentity(given: (typeof shownIdentities)[number]): (typeof shownIdentities)[number] {
  return oneOf(given, shownIdentities, "identity");
}

/** Why a request is denied, or what was answered. */
export const reasonFrom = (because: string): string => slugFrom("because", because);

function slugFrom(name: "because" | "about", given: string): string {
  if (slugSchema.safeParse(given).success) return given;
  throw new InvalidInputError(`\`${name}\` must be a slug: lower-case letters, digits and hyphens.`, {
    issues: [{ path: name, message: "not a slug" }],
  });
}

/** The inquiry that a request takes the place of: when it arrived is known by that. */
function followed({ right, follows, receivedAt }: Parameters<Heed["requests"]["open"]>[0]): string {
  if (right === "inquiry" || receivedAt !== undefined)
    throw new InvalidInputError(
      "A request that follows an inquiry is none itself, and was received when that was: leave `receivedAt` out.",
      { issues: [{ path: "follows", message: "with another inquiry, or with receivedAt" }] },
    );
  return text(follows ?? "", "requests.open", "follows");
}

/** The day from which the GDPR applies (Art. 99(2)), where it began first. */
const firstReceivedAt = "2018-05-24T21:00:00.000Z";

/** When a request reached the controller. A typing mistake in the year would be a deadline long gone. */
function receivedFrom(given: string): string {
  const receivedAt = parseInstant("receivedAt", given);
  if (receivedAt >= firstReceivedAt) return receivedAt;
  throw new InvalidInputError(
    "`receivedAt` lies before 2018-05-25, when the rights of the GDPR began. Pass the instant at which this request arrived.",
    { issues: [{ path: "receivedAt", message: "too early" }] },
  );
}
