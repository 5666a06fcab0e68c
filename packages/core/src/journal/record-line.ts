import { encodeLine, readJson, writeJson, type ParsedLine } from "./journal-line.ts";
import type { JournalLine, JournalPlace, JournalRecord } from "./journal.ts";

/** The head of a record's line; of each part, the line has the text behind it. */
export interface LineHead extends JournalPlace {
  readonly id: string;
  readonly at: string;
  readonly writes: JournalRecord["writes"];
  readonly owners: readonly string[];
  readonly erased?: string;
  readonly linked?: JournalRecord["linked"];
}

export function lineOf(record: JournalRecord, place: JournalPlace): Buffer {
  const { parts, writes, ...rest } = record;
  // As text of its own, for bytes keep their type only there.
  const head = { ...place, ...rest, writes: writeJson(writes), owners: parts.map(({ owner }) => owner) };
  return encodeLine(
    head,
    parts.map((part) => writeJson(part.writes)),
  );
}

export function journalLine({ head, parts }: ParsedLine): JournalLine {
  const { writer, number, id, at, writes, owners, erased, linked } = head as unknown as LineHead;
  const there = owners.flatMap((owner, index) => {
    const text = parts[index]?.text;
    return text === undefined ? [] : [{ owner, writes: readJson(text) as JournalRecord["writes"] }];
  });
  return {
    writer,
    number,
    record: {
      id,
      at,
      writes: readJson(writes as unknown as string) as JournalRecord["writes"],
      parts: there,
      ...(erased === undefined ? {} : { erased }),
      ...(linked === undefined ? {} : { linked }),
    },
    forgotten: owners.filter((_, index) => parts[index]?.text === undefined),
  };
}
