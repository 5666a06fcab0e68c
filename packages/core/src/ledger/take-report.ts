import { createHash } from "node:crypto";
import type { HeedContext } from "../context.ts";
import type { DeliveryReport, Reported, ReportKind } from "../contract/messages.ts";
import { parseIdentifier } from "../contract/parse-identifier.ts";
import type { Decision } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { isHeedError } from "../errors/heed-error.ts";
import { evidenceWrite } from "../evidence/evidence.ts";
import { unknownKey } from "../keys/keyring.ts";
import { indexDigests } from "./name-subject.ts";
import { recordChoice } from "./record-choice.ts";
import { addReport, isUndeliverable } from "./reports.ts";
import { isReturnTag } from "./return-tag.ts";
import { suppress } from "./suppression.ts";
import { lockNames } from "./under-lock.ts";
import { untilStill } from "./until-still.ts";

/** What a mail server or a mailbox provider said about a message that had left: see `Messages` in the contract. */
export function takeReport(
  context: HeedContext,
  { tag, kind, recipient }: DeliveryReport,
): Promise<Reported> {
  return untilStill("message", async () => {
    const known = isReturnTag(tag) ? await readMessage(context, tag) : undefined;
    if (known === undefined) return { did: "unknown" };
    const { permit, reports } = known;
    if (recipient !== undefined && !isTo(context, permit, recipient)) return { did: "unknown" };
    if (reports.some((report) => report.kind === kind)) return { did: "noted" };
    if (kind === "complaint" && !(await object(context, permit))) return "moved";
    const reported = await keep(context, permit, kind);
    if (reported === "moved") return reported;
    if (reported.isNew) context.hub.emit("message.reported", { topic: permit.topic, kind });
    return { did: reported.did };
  });
}

function readMessage(context: HeedContext, tag: string) {
  return context.storage.transact({
    lock: [],
    clock: context.clock,
    read: {
      permits: { from: "permits", where: { id: tag } },
      reports: { from: "reports", where: { tag } },
    },
    decide: ({ permits: [permit], reports }) => ({
      writes: [],
      answer: permit === undefined ? undefined : { permit, reports },
    }),
  });
}

/** @throws HeedError `unknown-key` when this process cannot tell */
function isTo(context: HeedContext, { address }: Row<"permits">, recipient: string): boolean {
  const [keyId = ""] = address.split(".", 1);
  if (!context.keys.ids.includes(keyId)) throw unknownKey(keyId);
  try {
    return indexDigests(context, parseIdentifier("email", recipient)).includes(address);
  } catch (error) {
    // It comes from outside, and what is no address was not written to.
    if (isHeedError(error) && error.code === "unparsable-identifier") return false;
    throw error;
  }
}

const answers = { hard: "stopped", soft: "counted", policy: "noted", complaint: "unsubscribed" } as const;

/** Adds the report under the lock of its address, like every permit and every choice. */
function keep(
  context: HeedContext,
  { id: tag, address }: Row<"permits">,
  kind: ReportKind,
): Promise<(Reported & { readonly isNew: boolean }) | "moved"> {
  const subjectId = { via: "identifiers", column: "subjectId", where: { digest: address } } as const;
  return context.storage.transact({
    lock: lockNames({ addresses: [address] }),
    clock: context.clock,
    read: {
      permits: { from: "permits", where: { id: tag } },
      reports: { from: "reports", where: { address } },
      events: { from: "events", where: { subjectId } },
    },
    decide: ({ permits: [permit], reports, events }, now): Decision<Awaited<ReturnType<typeof keep>>> => {
      const nothing = (did: Reported["did"]) => ({ writes: [], answer: { did, isNew: false } });
      if (permit === undefined) return nothing("unknown");
      // Its address is digested anew: that is another lock.
      if (permit.address !== address) return { writes: [], answer: "moved" };
      if (reports.some((row) => row.tag === tag && row.kind === kind)) return nothing("noted");
      const report: Row<"reports"> = { tag, kind, address, message: permit.message, at: now };
      const isStopped = kind === "soft" && isUndeliverable([...reports, report], events, now);
      return {
        writes: [
          ...addReport(report, reports, now),
          evidenceWrite(context, now, { kind: "message.reported", topic: permit.topic, report: kind }),
        ],
        answer: { did: isStopped ? "stopped" : answers[kind], isNew: true },
      };
    },
  });
}

/**
 * A complaint is an objection to all marketing (GDPR Art. 21(3)), of whoever the message was for; it goes the way of every
 * opt-out, so that processors are told. Of an address that is nobody's, the address is silenced.
 *
 * @returns false when whose it is changed meanwhile
 */
async function object(context: HeedContext, permit: Row<"permits">): Promise<boolean> {
  const subjectId = await ownerOf(context, permit);
  if (subjectId === undefined) return silence(context, permit);
  const { changed, eventId } = await recordChoice(
    context,
    { subjectId },
    {
      // The same complaint is the same event, and the tag itself stays here.
      id: `complaint-${createHash("sha256").update(permit.id).digest("base64url")}`,
      kind: "withdrawn",
      scope: { scope: "all", name: null },
      channel: "email",
      method: "complaint",
    },
  );
  return changed || eventId !== undefined;
}

function ownerOf(
  { storage, clock }: HeedContext,
  { address, suppression }: Row<"permits">,
): Promise<string | undefined> {
  return storage.transact({
    lock: [],
    clock,
    read: {
      own: { from: "identifiers", where: { digest: address } },
      since: { from: "identifiers", where: { suppression: suppression ?? [] } },
    },
    decide: ({ own, since }) => ({ writes: [], answer: [...own, ...since][0]?.subjectId }),
  });
}

function silence(
  { storage, clock }: HeedContext,
  { address, suppression }: Row<"permits">,
): Promise<boolean> {
  if (suppression === null) return Promise.resolve(true);
  return storage.transact({
    lock: lockNames({ addresses: [address, suppression] }),
    clock,
    read: { since: { from: "identifiers", where: { digest: address } } },
    decide: ({ since }, now): Decision<boolean> =>
      since.length > 0
        ? { writes: [], answer: false }
        : { writes: suppress([suppression], "marketing", "opted-out", now), answer: true },
  });
}
