import type { JournalState, ProcessorStatus, WorkStatus } from "@heed/core";
import { duration } from "./amounts.ts";
import type { NeedsHuman } from "./needs-human.ts";
import { table } from "./table.ts";

/** From here on core counts no further. */
const mostCounted = 1_000;
const upTo = (count: number) => (count >= mostCounted ? `${mostCounted}+` : String(count));

const heading = ["", "open", "due", "running", "oldest", "next", "parked", "breaker", "limiter"];

/** What `heed status` prints for people. Times are counted from when the status was read. */
export function statusText(
  status: WorkStatus,
  journal: JournalState | undefined,
  attention: readonly NeedsHuman[],
): string {
  const nowMs = Date.parse(status.at);
  const processors = Object.entries(status.processors).map(([id, each]) => row(id, each, nowMs));
  const { open, overdue } = status.requests;
  const { active, pastReview } = status.holds;
  return [
    ...table([heading, ...processors]),
    "",
    `requests  ${upTo(open)} open, ${upTo(overdue)} overdue`,
    `holds     ${upTo(active)} active, ${upTo(pastReview)} past review`,
    `journal   ${journalText(journal)}`,
    ...attention.flatMap(({ about, because, advice }) => ["", `${about}: ${because}`, `  ${advice}`]),
    "",
  ].join("\n");
}

function row(id: string, status: ProcessorStatus, nowMs: number): readonly string[] {
  const { waiting, due, later, running, failed, manual, oldestDueAt, nextAt, breaker } = status;
  const until = (at: string) => duration(Date.parse(at) - nowMs);
  const limits = Object.entries(status.pushedBackUntil);
  return [
    id,
    upTo(waiting + due + later + running),
    upTo(due),
    upTo(running),
    oldestDueAt === undefined ? "" : duration(nowMs - Date.parse(oldestDueAt)),
    nextAt === undefined ? "" : `in ${until(nextAt)}`,
    upTo(failed + manual),
    breaker.until === undefined ? breaker.state : `${breaker.state} for ${until(breaker.until)}`,
    limits.length === 0 ? "free" : limits.map(([bucket, at]) => `${bucket} in ${until(at)}`).join(", "),
  ];
}

function journalText(journal: JournalState | undefined): string {
  if (journal === undefined) return "none";
  return journal.state === "level" ? "level" : `restore needed, ${upTo(journal.lost)} lost`;
}
