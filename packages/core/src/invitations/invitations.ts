import type { HeedContext } from "../context.ts";
import type { Decision } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { restoreNeeded } from "../errors/restore-needed.ts";
import { TamperedEvidenceError } from "../errors/tampered-evidence-error.ts";
import type { Choice, DecidedChoice } from "../ledger/choice-event.ts";
import { decideOptIn } from "../ledger/decide-opt-in.ts";
import { decideOptOut } from "../ledger/decide-opt-out.ts";
import { dataKeyOf, type SubjectRecord } from "../ledger/subject-record.ts";
import { transactOnSubjects } from "../ledger/under-lock.ts";
import { untilStill } from "../ledger/until-still.ts";
import { answerIdentity, openIdentity } from "./identity.ts";
import { aboutOf, stateIn, titleOf, type Invitation, type InvitationAnswer } from "./invitation.ts";
import { readToken, type InvitationToken } from "./invitation-token.ts";
import { shownBy } from "./invite.ts";

/** What came of an answer: where the invitation stands now. */
export type Answered = Invitation & {
  /** False for a repeat, and where it no longer counts. */
  readonly changed: boolean;
};

/** What pages that put a choice to a person need: `@heed/web` serves them. */
export interface Invitations {
  /**
   * What a token asks; undefined when it is not authentic, and after the person was erased. Changes nothing.
   * @throws HeedError `restore-needed` when it may be in what a restored database lost
   */
  open(token: string): Promise<Invitation | undefined>;
  /**
   * Records the answer; resolves after the commit. The same again is answered the same. A no counts at any time, also
   * after a yes; a yes counts only while the invitation is open, so neither after a no nor when it has expired or was
   * overtaken: then nothing is recorded, and the answer says where it stands. Makes nobody anew.
   *
   * @param ask.language BCP 47, of the page that asked: kept with the evidence
   * @throws TamperedEvidenceError when the token is not authentic, or the person was erased; HeedError
   *   `restore-needed`, as `open`; ConflictError `frozen` when another erasure of whoever asks is under way
   */
  answer(ask: {
    readonly token: string;
    readonly answer: InvitationAnswer;
    readonly language?: string;
  }): Promise<Answered>;
}

export function invitationsOf(context: HeedContext): Invitations {
  const open = async (token: string): Promise<Invitation | undefined> => {
    const read = readToken(context.keys, token);
    if (read === undefined) return undefined;
    return read.kind === "identity" ? openIdentity(context, read) : openChoice(context, read);
  };
  return {
    open,
    answer: async ({ token, answer, language }) => {
      const read = readToken(context.keys, token);
      const before = await open(token);
      if (read === undefined || before === undefined) throw notAuthentic();
      if (!mayCount(before, answer)) return { ...before, changed: false };
      const { changed } =
        read.kind === "identity"
          ? await answerIdentity(context, read, answer)
          : await answerChoice(context, read, answer, language);
      const after = await open(token);
      if (after === undefined) throw notAuthentic();
      return { ...after, changed };
    },
  };
}

function notAuthentic(): TamperedEvidenceError {
  return new TamperedEvidenceError("The token is not authentic.", { code: "tampered-token" });
}

/** A yes as long as it is open; a no at any time but after the end of what nobody answered. */
function mayCount(invitation: Pick<Invitation, "state" | "answer">, answer: InvitationAnswer): boolean {
  if (answer === "yes") return invitation.state === "open";
  return invitation.state !== "expired" && invitation.answer !== "no";
}

async function openChoice(context: HeedContext, token: InvitationToken): Promise<Invitation | undefined> {
  const { kind, id, expiresAt } = token;
  const subjectId = { via: "invitations", column: "subjectId", where: { id } } as const;
  const found = await context.storage.transact({
    lock: [],
    clock: context.clock,
    read: {
      invitations: { from: "invitations", where: { id, kind, namespace: context.namespace } },
      subjects: { from: "subjects", where: { id: subjectId } },
      events: { from: "events", where: { subjectId } },
      dataKeys: { from: "dataKeys", where: { owner: subjectId } },
    },
    decide: (rows, now) => ({ writes: [], answer: { ...rows, now } }),
  });
  const [row] = found.invitations;
  const [subject] = found.subjects;
  const request = found.events.find((event) => event.id === row?.eventId);
  if (row === undefined || subject === undefined || request === undefined) {
    if (expiresAt <= found.now) return { kind, state: "expired", expiresAt };
    // It may be in what a restored database lost: whoever asks again will be heard.
    if ((await context.journaled?.isHeld()) === true) throw restoreNeeded();
    return undefined;
  }
  const shown = shownBy(dataKeyOf(context, found.dataKeys, subject.id), request);
  return viewOf(context, row, { ...subject, events: found.events }, request, shown.noticeVersion, found.now);
}

function viewOf(
  { policy }: HeedContext,
  row: Row<"invitations">,
  { frozenBy, events }: Pick<SubjectRecord, "frozenBy" | "events">,
  request: Row<"events">,
  noticeVersion: string | undefined,
  now: string,
): Invitation {
  const state = stateIn(policy, row, request, events, now);
  const about = aboutOf(request);
  return {
    kind: row.kind as Invitation["kind"],
    // What is said during an erasure would make the person anew when it has ended.
    state: state === "open" && frozenBy !== null ? "overtaken" : state,
    expiresAt: row.expiresAt,
    name: about.name,
    title: titleOf(policy, about),
    ...(noticeVersion === undefined ? {} : { noticeVersion }),
    ...(row.answer === null ? {} : { answer: row.answer as InvitationAnswer }),
  };
}

/** Decides again under the lock: somebody else may have answered, or said no, since it was opened. */
function answerChoice(
  context: HeedContext,
  { id }: InvitationToken,
  answer: InvitationAnswer,
  language: string | undefined,
): Promise<{ readonly changed: boolean }> {
  return untilStill("subject", async () => {
    const row = await context.storage.transact({
      lock: [],
      clock: context.clock,
      read: { invitations: { from: "invitations", where: { id } } },
      decide: ({ invitations }) => ({ writes: [], answer: invitations[0] }),
    });
    if (row === undefined) return { changed: false };
    const { subjectId } = row;
    const decided = await transactOnSubjects(context, {
      select: { subjectId },
      read: { invitations: { from: "invitations", where: { id } } },
      decide: ([record], { invitations }, now): Decision<DecidedChoice["answer"] | "moved" | "too-late"> => {
        const [current] = invitations;
        const request = record?.events.find((event) => event.id === current?.eventId);
        if (record === undefined || current?.subjectId !== subjectId || request === undefined)
          return { writes: [], answer: "moved" };
        const shown = shownBy(record.dataKey, request);
        if (!mayCount(viewOf(context, current, record, request, shown.noticeVersion, now), answer))
          return { writes: [], answer: "too-late" };
        const choice: Choice = {
          kind: answer === "no" ? "refused" : current.kind === "renewal" ? "renewed" : "confirmed",
          scope: aboutOf(request),
          confirms: request.id,
          evidence: { ...shown, ...(language === undefined ? {} : { language }) },
          channel: "email",
          method: "link",
        };
        const { writes, answer: recorded } =
          answer === "yes"
            ? decideOptIn(context, [record], undefined, choice, record.silences, now)
            : decideOptOut(context, [record], undefined, choice, now);
        // Whose it is does not change: it tells the journal, which forgets by subject.
        const set = { subjectId, answer, answeredAt: now };
        return {
          writes: [...writes, { update: "invitations", where: { id }, set }],
          answer: recorded,
        };
      },
    });
    if (decided === "moved") return "moved";
    if (decided === "too-late") return { changed: false };
    context.livePermits.revoke(decided.revoked);
    const { eventId, steps } = decided.changed;
    if (eventId !== undefined) context.hub.emit("choice.recorded", { eventId, steps });
    return { changed: true };
  });
}
