import type { HeedContext } from "../context.ts";
import type { Row } from "../contract/tables.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { parsedJson } from "./canonical-json.ts";
import { logEntrySchema, type LogEntry } from "./log-entry.ts";
import { checkpointFrom } from "./seal-evidence.ts";
import { read } from "./verify-evidence.ts";

const pageSize = 500;

/** Rows of sealed entries, in the order of the log, a page at a time. @param to the place to stop before */
export async function* entryPages(
  context: HeedContext,
  from: number,
  to = Number.POSITIVE_INFINITY,
): AsyncGenerator<readonly Row<"evidence">[]> {
  const { namespace, storage, clock } = context;
  let next = from;
  while (next < to) {
    const page = await storage.transact({
      lock: [],
      clock,
      read: {
        rows: {
          from: "evidence",
          where: { namespace, sealedAs: { above: next - 1 } },
          orderBy: ["sealedAs"],
          limit: Math.min(pageSize, to - next),
        },
      },
      decide: ({ rows }) => ({ writes: [], answer: rows }),
    });
    if (page.length === 0) return;
    yield page;
    next = (page.at(-1)?.sealedAs ?? next) + 1;
  }
}

/** Rows of checkpoints after one, in their order, a page at a time. */
export async function* checkpointPages(
  context: HeedContext,
  after: number,
): AsyncGenerator<readonly Row<"checkpoints">[]> {
  const { namespace, storage, clock } = context;
  let last = after;
  for (;;) {
    const page = await storage.transact({
      lock: [],
      clock,
      read: {
        rows: {
          from: "checkpoints",
          where: { namespace, seq: { above: last } },
          orderBy: ["seq"],
          limit: pageSize,
        },
      },
      decide: ({ rows }) => ({ writes: [], answer: rows }),
    });
    if (page.length === 0) return;
    yield page;
    last = page.at(-1)?.seq ?? last;
  }
}

/** The log's entries as they can be checked elsewhere. @throws TamperedEvidenceError `unreadable` */
export async function* exportEntries(context: HeedContext, from: number): AsyncGenerator<LogEntry> {
  for await (const page of entryPages(context, from)) {
    for (const { sealedAs, id, at, commitment, salt, entry } of page) {
      const content = entry === null ? {} : { salt, entry: parsedJson(entry) };
      yield read(logEntrySchema, { index: sealedAs, id, at, commitment, ...content });
    }
  }
}

/** The log's checkpoints as they can be checked elsewhere. @throws TamperedEvidenceError `unreadable` */
export async function* exportCheckpoints(context: HeedContext): AsyncGenerator<Checkpoint> {
  for await (const page of checkpointPages(context, 0)) {
    for (const row of page) yield checkpointFrom(row);
  }
}

/**
 * The whole log as lines of JSON, for `verifyLog` elsewhere: each checkpoint, and behind it the entries that it
 * covers and none before it did. What is sealed meanwhile may be in it or not; the lines are one log either way.
 *
 * @throws TamperedEvidenceError `unreadable`
 */
export async function* logLines(context: HeedContext): AsyncGenerator<string> {
  const entries = exportEntries(context, 0);
  let next = 0;
  for await (const checkpoint of exportCheckpoints(context)) {
    yield JSON.stringify(checkpoint);
    for (; next < checkpoint.size; next += 1) {
      const { value } = await entries.next();
      // One that is missing is for the verifier to find.
      if (value !== undefined) yield JSON.stringify(value);
    }
  }
}
