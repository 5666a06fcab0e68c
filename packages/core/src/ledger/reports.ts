import type { Write } from "../contract/storage.ts";
import type { Row } from "../contract/tables.ts";
import { isOptIn, type LedgerEvent } from "./event.ts";

const dayMs = 86_400_000;
/** How long a message that was not taken for the moment counts against its address. */
const softForMs = 30 * dayMs;
const softReports = 5;
const softMessages = 3;
/** Newest of a kind that are kept of one address: several times what decides. */
const keptOfAKind = 20;

/**
 * Whether nothing reaches an address any more: there is no such mailbox, or five messages within 30 days were given up,
 * under at least three message keys. What was reported before the person's newest opt-in counts no longer, since then
 * the mailbox was theirs to use.
 */
export function isUndeliverable(
  reports: readonly Row<"reports">[],
  events: readonly LedgerEvent[],
  now: string,
): boolean {
  const optedInAt = events
    .filter((event) => isOptIn(event.kind))
    .reduce((newest, event) => (event.effectiveAt > newest ? event.effectiveAt : newest), "");
  const standing = reports.filter((report) => report.at >= optedInAt);
  if (standing.some((report) => report.kind === "hard")) return true;
  const since = softSince(now);
  const soft = standing.filter((report) => report.kind === "soft" && report.at >= since);
  return soft.length >= softReports && new Set(soft.map((report) => report.message)).size >= softMessages;
}

/** Adds a report to those of its address, and drops what decides nothing any more. */
export function addReport(
  report: Row<"reports">,
  others: readonly Row<"reports">[],
  now: string,
): readonly Write[] {
  const since = softSince(now);
  const places = new Map<string, number>();
  const dropped = [report, ...others.toSorted((a, b) => (a.at > b.at ? -1 : 1))].filter(({ kind, at }) => {
    const place = places.get(kind) ?? 0;
    places.set(kind, place + 1);
    return place >= keptOfAKind || (at < since && (kind === "soft" || kind === "policy"));
  });
  return [
    { insert: "reports", row: report },
    ...dropped.map(({ tag, kind }): Write => ({ remove: "reports", where: { tag, kind } })),
  ];
}

function softSince(now: string): string {
  return new Date(Date.parse(now) - softForMs).toISOString();
}
