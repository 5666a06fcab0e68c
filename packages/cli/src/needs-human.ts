import type { JournalState, WorkStatus } from "@heed/core";
import { counted } from "./amounts.ts";

/** What does not go on by itself. */
export interface NeedsHuman {
  /** A processor, `"requests"`, `"holds"`, `"journal"` or `"keys"`. */
  readonly about: string;
  readonly because:
    | "parked"
    | "account-refused"
    | "wrong-account"
    | "overdue"
    | "review-due"
    | "restore-needed"
    | "unknown-key";
  readonly advice: string;
}

/**
 * What somebody has to look at. An open breaker is not among them: it is probed, and closes, by itself, and what
 * waits behind it is `overdue` when its deadline passes.
 *
 * @param journal undefined where there is none
 */
export function needsHuman(status: WorkStatus, journal: JournalState | undefined): readonly NeedsHuman[] {
  const found: NeedsHuman[] = [];
  if (journal?.state === "restore-needed")
    found.push({ about: "journal", because: "restore-needed", advice: heldAdvice(journal) });
  for (const id of status.unknownKeys) {
    found.push({
      about: "keys",
      because: "unknown-key",
      advice: `The database was written with the key ${id}, which this process lacks or has as retired: it refuses permits and opt-ins. Add the key to HEED_KEYS as lookup, here and wherever else it is lacking.`,
    });
  }
  for (const [about, { refused }] of Object.entries(status.processors)) {
    if (refused === undefined) continue;
    const what =
      refused === "account-refused"
        ? "The vendor refuses the credentials"
        : "The credentials are those of another account";
    found.push({
      about,
      because: refused,
      advice: `${what}, and steps wait for that: mend them, and see with heed doctor that they are accepted. They are tried again every 15 minutes.`,
    });
  }
  for (const [about, { failed, manual }] of Object.entries(status.processors)) {
    if (failed + manual === 0) continue;
    found.push({
      about,
      because: "parked",
      advice: `${counted(failed + manual, "step")} went to a human: heed todo (steps.parked) says which, why and what to do.`,
    });
  }
  const { overdue } = status.requests;
  if (overdue > 0) {
    found.push({
      about: "requests",
      because: "overdue",
      advice: `${counted(overdue, "request has", "requests have")} passed the deadline: tell the people why it takes longer (GDPR Art. 12(3)), and see with heed todo (requests.list) which they are.`,
    });
  }
  const { pastReview } = status.holds;
  if (pastReview > 0) {
    found.push({
      about: "holds",
      because: "review-due",
      advice: `${counted(pastReview, "legal hold has", "legal holds have")} passed the review date: release it, or place it anew with a later one.`,
    });
  }
  return found;
}

const empty =
  " It is empty, without subjects and events: where the back-up was not, look first whether the path to the database is right.";

/** What is held while a restored database lacks what its journal has, and what lets it go. */
export function heldAdvice({ lost, isEmpty }: JournalState): string {
  const lacks = lost === 0 ? "" : ` and lacks ${counted(lost, "record")} of its journal`;
  return `The database was restored from a back-up${lacks}: nothing is sent or carried out until heed restore.${isEmpty === true ? empty : ""}`;
}
