import type { HeedContext } from "../context.ts";
import type { Messages, SentMessage } from "../contract/messages.ts";
import { parseIdentifier } from "../contract/parse-identifier.ts";
import type { SendOutcome, TopicClass } from "../contract/permit.ts";
import type { Decision } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { keyReads, refuseUnknownKeys } from "../keys/known-keys.ts";
import { indexDigests } from "./name-subject.ts";
import { takeReport } from "./take-report.ts";
import { lockNames } from "./under-lock.ts";

/** The send log, and what came back: see `Messages` in the contract. */
export function messagesOf(context: HeedContext): Messages {
  return {
    sent: (ask) => readSent(context, ask.email),
    forget: (ask) => forget(context, ask.email),
    report: (report) => takeReport(context, report),
  };
}

/** Under every key that may be looked up. */
function digestsOf(context: HeedContext, email: string): readonly string[] {
  return indexDigests(context, parseIdentifier("email", email));
}

async function readSent(context: HeedContext, email: string): Promise<readonly SentMessage[]> {
  return context.storage.transact({
    lock: [],
    clock: context.clock,
    read: {
      permits: { from: "permits", where: { address: digestsOf(context, email) }, orderBy: ["takenAt"] },
      ...keyReads(context.keys),
    },
    decide: (rows) => {
      refuseUnknownKeys(context.keys, rows);
      const sent = rows.permits.map((row) => sentMessage(row));
      return { writes: [], answer: sent.toSorted((a, b) => Number(a.at > b.at) - Number(a.at < b.at)) };
    },
  });
}

function sentMessage(row: Row<"permits">): SentMessage {
  const outcome = row.state === "revoked" ? "revoked" : (row.outcome as SendOutcome | null);
  return {
    topic: row.topic,
    class: row.class as TopicClass,
    at: row.handedOverAt ?? row.takenAt,
    handedOver: row.handedOverAt !== null,
    ...(outcome === null ? {} : { outcome }),
  };
}

async function forget(context: HeedContext, email: string): Promise<{ forgotten: number }> {
  const address = digestsOf(context, email);
  const ids = await context.storage.transact({
    lock: lockNames({ addresses: address }),
    clock: context.clock,
    read: { permits: { from: "permits", where: { address } }, ...keyReads(context.keys) },
    decide: (rows): Decision<readonly string[]> => {
      refuseUnknownKeys(context.keys, rows);
      return {
        writes: [
          { remove: "permits", where: { address } },
          { remove: "reports", where: { address } },
        ],
        answer: rows.permits.map(({ id }) => id),
      };
    },
  });
  context.livePermits.revoke(ids);
  return { forgotten: ids.length };
}
