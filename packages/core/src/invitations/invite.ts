import { randomBytes } from "node:crypto";
import type { HeedContext } from "../context.ts";
import type { Decision, Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { open } from "../keys/sealed.ts";
import { nothingChanged, type Changed } from "../ledger/choice-event.ts";
import { hasSaidNo } from "../ledger/choice.ts";
import { decideOptIn } from "../ledger/decide-opt-in.ts";
import { isOptOut, type ConsentEvidence, type OneScope } from "../ledger/event.ts";
import { suppressionLookups, type Named } from "../ledger/name-subject.ts";
import type { SubjectRecord } from "../ledger/subject-record.ts";
import { erasedAt } from "../ledger/suppression.ts";
import { transactOnSubjects } from "../ledger/under-lock.ts";
import { aboutOf, stateIn } from "./invitation.ts";
import { writeToken, type InvitationKind } from "./invitation-token.ts";

/** For so long after a no or a complaint nobody is asked again whether a subscription was theirs. */
const leftAloneMs = 90 * 86_400_000;

/** Why nobody is asked, and nothing is to be sent. Do not show it to whoever typed the address. */
export type NotAsked =
  /** They said "it was not me" in the last 90 days. */
  | "refused"
  /** They called a message spam in the last 90 days. */
  | "complained"
  /** They were erased, and have not come back: see `subjects.record`. */
  | "erased"
  /** They are being erased. */
  | "frozen";

/** What came of putting a choice to somebody. */
export type Invited = Changed &
  (
    | {
        readonly asked: true;
        /** For the link that is mailed: at most 64 characters of `[A-Za-z0-9._-]`, nothing personal. */
        readonly token: string;
        /** RFC 3339. */
        readonly expiresAt: string;
      }
    | { readonly asked: false; readonly because: NotAsked }
  );

/** What is put to somebody. */
export interface Proposal {
  readonly kind: Exclude<InvitationKind, "identity">;
  readonly about: OneScope;
  /** What was shown, and is agreed to with a yes. */
  readonly evidence: ConsentEvidence;
  readonly channel?: string;
  readonly method?: string;
  /** When it ends, RFC 3339, by the instant at which it is recorded. */
  readonly until: (now: string) => string;
}

/**
 * Puts a choice to somebody: records that they were asked, which gives leave to nothing, and makes the token that
 * answers. While one about the same notice is open and has more than half of its time left, it is that one again.
 *
 * @throws ConflictError `two-subjects`
 */
export async function invite(
  context: HeedContext,
  named: Named,
  proposal: Proposal,
  within?: unknown,
): Promise<Invited> {
  const { kind } = proposal;
  const digests = named.digests.flat();
  const addresses = suppressionLookups(context, named.identifiers);
  const subjectId = { via: "identifiers", column: "subjectId", where: { digest: digests } } as const;
  const answer = await transactOnSubjects(context, {
    select: { digests },
    needsEveryKey: true,
    ...(within === undefined ? {} : { within }),
    read: {
      silences: { from: "suppressions", where: { digest: addresses } },
      invitations: {
        from: "invitations",
        where: { subjectId, answeredAt: { isNull: true } },
        orderBy: ["expiresAt", "id"],
      },
    },
    decide: (
      records,
      { silences, invitations },
      now,
    ): Decision<{ changed: Changed } & ({ because: NotAsked } | { id: string; expiresAt: string })> => {
      const because = whyNot(context, records, silences, proposal, now);
      if (because !== undefined) return { writes: [], answer: { changed: nothingChanged, because } };
      const same = invitations.findLast((row) => isSame(context, row, records, proposal, now));
      if (same !== undefined) {
        const { id, eventId, expiresAt } = same;
        return { writes: [], answer: { changed: { ...nothingChanged, eventId }, id, expiresAt } };
      }
      const expiresAt = proposal.until(now);
      const { about, evidence, channel, method } = proposal;
      const choice = {
        kind: "requested",
        scope: about,
        until: expiresAt,
        evidence,
        ...(channel === undefined ? {} : { channel }),
        ...(method === undefined ? {} : { method }),
      } as const;
      const asked = decideOptIn(context, records, named, choice, silences, now);
      const event = asked.writes.flatMap(eventIn)[0];
      if (event === undefined) return { writes: [], answer: { changed: nothingChanged, because: "erased" } };
      const row: Row<"invitations"> = {
        id: randomBytes(16).toString("hex"),
        namespace: context.namespace,
        subjectId: event.subjectId,
        kind,
        eventId: event.id,
        expiresAt,
        answer: null,
        answeredAt: null,
      };
      return {
        writes: [...asked.writes, { insert: "invitations", row }],
        answer: { changed: asked.answer.changed, id: row.id, expiresAt },
      };
    },
  });
  const { changed } = answer;
  // A joined transaction is committed by the application, later or never.
  if (changed.changed && changed.eventId !== undefined && within === undefined)
    context.hub.emit("choice.recorded", { eventId: changed.eventId, steps: changed.steps });
  if ("because" in answer) return { ...changed, asked: false, because: answer.because };
  const { id, expiresAt } = answer;
  return { ...changed, asked: true, token: writeToken(context.keys, { kind, id, expiresAt }), expiresAt };
}

const eventIn = (write: Write): readonly Row<"events">[] =>
  "insert" in write && write.insert === "events" ? [write.row] : [];

function whyNot(
  { policy }: HeedContext,
  records: readonly SubjectRecord[],
  silences: readonly Row<"suppressions">[],
  { kind, about }: Proposal,
  now: string,
): NotAsked | undefined {
  if (records.some((record) => record.frozenBy !== null)) return "frozen";
  // Whoever types an address brings nobody back under it.
  if (erasedAt(silences, records[0]) !== undefined) return "erased";
  if (kind !== "opt-in") return undefined;
  const since = new Date(Date.parse(now) - leftAloneMs).toISOString();
  const recent = records
    .flatMap((record) => record.events)
    .filter((event) => event.recordedAt > since && isOptOut(event.kind));
  if (
    recent.some(({ kind, scope, name }) => kind === "refused" && scope === about.scope && name === about.name)
  )
    return "refused";
  const complaints = recent.filter((event) => event.method === "complaint");
  return hasSaidNo(policy, about, complaints, since) ? "complained" : undefined;
}

/** Whether an invitation that is open asks the same: about the same notice, and with time enough to answer. */
function isSame(
  { policy }: HeedContext,
  row: Row<"invitations">,
  records: readonly SubjectRecord[],
  { kind, about, evidence, until }: Proposal,
  now: string,
): boolean {
  const record = records.find(({ id }) => id === row.subjectId);
  const request = record?.events.find((event) => event.id === row.eventId);
  if (record === undefined || request === undefined || row.kind !== kind) return false;
  const { scope, name } = aboutOf(request);
  if (scope !== about.scope || name !== about.name) return false;
  if (stateIn(policy, row, request, record.events, now) !== "open") return false;
  const [left, whole] = [row.expiresAt, until(now)].map((end) => Date.parse(end) - Date.parse(now));
  if ((left ?? 0) * 2 <= (whole ?? 0)) return false;
  const shown = shownBy(record.dataKey, request);
  return shown.noticeVersion === evidence.noticeVersion && shown.noticeSha256 === evidence.noticeSha256;
}

/** What a person was shown when they were asked. */
export function shownBy(dataKey: Uint8Array, request: Row<"events">): ConsentEvidence {
  if (request.sealed === null) return {};
  const text = open(dataKey, request.sealed, `events/${request.subjectId}/${request.id}`);
  return JSON.parse(text) as ConsentEvidence;
}
