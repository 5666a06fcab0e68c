import type { HeedContext } from "../context.ts";
import type { Decision } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { ConflictError } from "../errors/conflict-error.ts";
import { isHeedError } from "../errors/heed-error.ts";
import { restoreNeeded } from "../errors/restore-needed.ts";
import { verifyIdentity, withdrawRequest } from "../requests/change-request.ts";
import type { RequestRight, RequestState } from "../requests/lifecycle.ts";
import { noSuchRequest } from "../requests/read-request.ts";
import type { Invitation, InvitationAnswer, InvitationState } from "./invitation.ts";
import { writeToken, type InvitationToken } from "./invitation-token.ts";

const lifeMs = 7 * 86_400_000;

/** A link that was made to be mailed. */
export interface IssuedInvitation {
  /** At most 64 characters of `[A-Za-z0-9._-]`, nothing personal. */
  readonly token: string;
  /** RFC 3339. */
  readonly expiresAt: string;
}

/**
 * Makes a token by which whoever asked shows that the address they asked under is theirs. It points at the request
 * itself and is stored nowhere.
 *
 * @throws InvalidInputError `no-such-request`; ConflictError `already-verified`, `request-ended`, `subject-erased`,
 *   `not-one-address`
 */
export async function inviteIdentity(context: HeedContext, requestId: string): Promise<IssuedInvitation> {
  const expiresAt = await context.storage.transact({
    lock: [],
    clock: context.clock,
    read: requestReads(context, requestId),
    decide: ({ requests, subjects, identifiers }, now): Decision<string> => {
      const [request] = requests;
      if (request === undefined) throw noSuchRequest();
      if (request.state !== "awaiting_verification")
        throw new ConflictError("This request waits for nobody's identity any more.", {
          code: request.closedAt === null ? "already-verified" : "request-ended",
        });
      if (request.dueAt <= now)
        throw new ConflictError("The deadline of this request has passed; it ends unanswered.", {
          code: "request-ended",
        });
      if (subjects.length === 0)
        throw new ConflictError("Another request has erased this person since.", { code: "subject-erased" });
      const named = new Set(JSON.parse(request.named) as string[]);
      const kinds = identifiers.filter((row) => named.has(row.digest)).map((row) => row.kind);
      if (kinds.length !== 1 || kinds[0] !== "email")
        throw new ConflictError(
          "A link shows who has one e-mail address, and this request names something else, or more. Establish the identity behind it another way, and call requests.verify.",
          { code: "not-one-address" },
        );
      const latest = new Date(Date.parse(now) + lifeMs).toISOString();
      return { writes: [], answer: latest < request.dueAt ? latest : request.dueAt };
    },
  });
  const id = requestId.replaceAll("-", "");
  return { token: writeToken(context.keys, { kind: "identity", id, expiresAt }), expiresAt };
}

/** @returns undefined when nothing is known of whoever asked any more */
export async function openIdentity(
  context: HeedContext,
  token: InvitationToken,
): Promise<Invitation | undefined> {
  const found = await context.storage.transact({
    lock: [],
    clock: context.clock,
    read: requestReads(context, requestIdOf(token)),
    decide: (rows, now) => ({ writes: [], answer: { ...rows, now } }),
  });
  const { now } = found;
  const [request] = found.requests;
  // With the end of a request that nobody had shown to be theirs, they may be forgotten: what became of it, it says itself.
  const isKnown = found.subjects.length > 0 || (request !== undefined && endedEarly.has(request.state));
  if (request === undefined || !isKnown) {
    if ((await context.journaled?.isHeld()) === true) throw restoreNeeded();
    return undefined;
  }
  const answer = answerIn(request);
  const state = stateOf(request, token.expiresAt <= now);
  const { kind, expiresAt } = token;
  const right = request.right as RequestRight;
  return { kind, state, expiresAt, right, ...(state === "answered" ? { answer } : {}) };
}

/** Goes on with the request, or takes it back. Where it can no longer, nothing happens. */
export async function answerIdentity(
  context: HeedContext,
  token: InvitationToken,
  answer: InvitationAnswer,
): Promise<{ readonly changed: boolean }> {
  const id = requestIdOf(token);
  try {
    await (answer === "yes"
      ? verifyIdentity(context, id, "confirmed-by-link")
      : withdrawRequest(context, id));
    return { changed: true };
  } catch (error) {
    if (isHeedError(error) && overtaking.has(error.code)) return { changed: false };
    throw error;
  }
}

const endedEarly: ReadonlySet<string> = new Set<RequestState>(["expired", "denied", "withdrawn"]);

const overtaking: ReadonlySet<string> = new Set([
  "already-verified",
  "request-ended",
  "subject-erased",
  "too-late",
]);

function stateOf(request: Row<"requests">, isOver: boolean): InvitationState {
  if (request.state === "awaiting_verification") return isOver ? "expired" : "open";
  return request.state === "withdrawn" || request.identity === "confirmed-by-link" ? "answered" : "overtaken";
}

const answerIn = (request: Row<"requests">): InvitationAnswer =>
  request.state === "withdrawn" ? "no" : "yes";

function requestReads({ namespace }: HeedContext, id: string) {
  const subjectId = { via: "requests", column: "subjectId", where: { id, namespace } } as const;
  return {
    requests: { from: "requests", where: { id, namespace } },
    subjects: { from: "subjects", where: { id: subjectId } },
    identifiers: { from: "identifiers", where: { subjectId } },
  } as const;
}

function requestIdOf({ id }: InvitationToken): string {
  return id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
