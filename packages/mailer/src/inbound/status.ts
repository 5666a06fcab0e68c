import type { ReportKind } from "@heed/core/contract";

/** Details of x.1.x that say that there is no such mailbox, domain or forwarding (RFC 3463 3.2, RFC 7505 for 10). */
const noMailbox: ReadonlySet<string> = new Set(["1", "2", "3", "6", "10"]);

/**
 * What the final status of a message says (RFC 3463), or nothing, where it says nothing that helps.
 *
 * A wrong guess silences a living address, so whatever is not plainly about the mailbox counts for nothing.
 */
export function kindOfStatus(status: string | undefined): ReportKind | undefined {
  const [, level, subject, detail = ""] = /^([45])\.(\d{1,3})\.(\d{1,3})$/.exec(status ?? "") ?? [];
  if (level === undefined) return undefined;
  if (subject === "7") return "policy";
  if (level === "4" || (subject === "2" && detail === "2")) return "soft";
  return subject === "1" && noMailbox.has(detail) ? "hard" : undefined;
}

/**
 * The enhanced status with which a server's own words begin, for example `550-5.1.1 …`. What stands further on may be
 * anybody's.
 */
export function statusIn(reply: string | undefined): string | undefined {
  return /^\s*(?:smtp\s*;\s*)?(?:[45]\d\d[ -]+)?\(?#?([45]\.\d{1,3}\.\d{1,3})(?!\d)/i.exec(reply ?? "")?.[1];
}

/** Says no more than "for good" or "for now". */
export const isVague = (status: string | undefined): boolean =>
  status === undefined || /^[45]\.0\.0$/.test(status);
