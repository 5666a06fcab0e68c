import type { HeedContext } from "../context.ts";
import type { Query } from "../contract/storage.ts";
import type { TableName } from "../contract/tables.ts";
import { writeJson } from "../journal/journal-line.ts";
import type { KeyState } from "./keyring.ts";

/** What storage holds under one key of the keyring. */
export interface KeyUse {
  readonly id: string;
  /** `"missing"`: storage was written with it, and this process does not have it. */
  readonly state: KeyState | "missing";
  /** How many rows of each table need it, and how many records of the journal; those with none are left out. */
  readonly rows: Readonly<Record<string, number>>;
  /**
   * True when neither storage nor the journal holds anything under it and nothing is written with it. Unsubscribe
   * links that were sent and back-ups carry a key too, and nothing here knows them: retire none whose links should
   * still work, or whose back-ups may be restored.
   */
  readonly mayRetire: boolean;
}

/** Tables that carry key ids, the columns that do, and the column that they are read along. */
const carriers = {
  dataKeys: { along: "owner", columns: ["keyId"] },
  identifiers: { along: "digest", columns: ["digest", "suppression"] },
  suppressions: { along: "digest", columns: ["digest"] },
  permits: { along: "id", columns: ["address", "message", "suppression"] },
  reports: { along: "tag", columns: ["address", "message"] },
  references: { along: "id", columns: ["address", "suppressions"] },
  farewells: { along: "id", columns: ["address"] },
  requests: { along: "id", columns: ["named", "subjectDigests"] },
  evidence: { along: "id", columns: ["entry"] },
} as const satisfies { readonly [T in TableName]?: { along: string; columns: readonly string[] } };

const pageSize = 1_000;
const digestPattern = /(?<![A-Za-z0-9_-])([A-Za-z0-9]{1,4})\.[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])/g;
/** As a record of the journal has a data key. */
const wrappedPattern = /"keyId":"([A-Za-z0-9]{1,4})"/g;

/**
 * Which keys storage still needs, and for what. Reads every row that could carry a key's id, page by page: for an
 * operator, not for a request.
 */
export async function keysInUse(context: HeedContext): Promise<readonly KeyUse[]> {
  const counts = new Map<string, Record<string, number>>();
  for (const table of Object.keys(carriers) as (keyof typeof carriers)[]) {
    for await (const row of rowsOf(context, table)) {
      for (const id of keyIdsIn(row, table)) {
        const rows = counts.get(id) ?? {};
        counts.set(id, { ...rows, [table]: (rows[table] ?? 0) + 1 });
      }
    }
  }
  for await (const text of journalTexts(context)) {
    for (const id of idsIn(text)) {
      const rows = counts.get(id) ?? {};
      counts.set(id, { ...rows, journal: (rows["journal"] ?? 0) + 1 });
    }
  }
  const states: readonly Pick<KeyUse, "id" | "state">[] = context.keys.states;
  const missing = [...counts.keys()]
    .filter((id) => !states.some((key) => key.id === id))
    .map((id) => ({ id, state: "missing" as const }));
  return [...states, ...missing].map(({ id, state }) => {
    const rows = counts.get(id) ?? {};
    return { id, state, rows, mayRetire: state !== "active" && Object.keys(rows).length === 0 };
  });
}

type AnyRow = Readonly<Record<string, string | number | Uint8Array | null>>;

function keyIdsIn(row: AnyRow, table: keyof typeof carriers): ReadonlySet<string> {
  if (table === "dataKeys") return new Set([String(row["keyId"])]);
  const texts = carriers[table].columns.map((column) => row[column]);
  const text = texts.filter((value) => typeof value === "string").join(" ");
  return new Set([...text.matchAll(digestPattern)].map(([, id = ""]) => id));
}

/** A restored database needs what its journal has, and the journal itself is known by a digest. */
async function* journalTexts({ journaled }: HeedContext): AsyncGenerator<string> {
  const identity = await journaled?.journal.open();
  if (journaled === undefined || identity === undefined) return;
  yield identity.proof;
  for await (const { record } of journaled.journal.read()) yield writeJson(record);
}

function idsIn(text: string): ReadonlySet<string> {
  return new Set(
    [digestPattern, wrappedPattern].flatMap((each) => [...text.matchAll(each)].map(([, id = ""]) => id)),
  );
}

async function* rowsOf(context: HeedContext, table: keyof typeof carriers): AsyncGenerator<AnyRow> {
  const { along } = carriers[table];
  for (let after = ""; ;) {
    const query = { from: table, where: { [along]: { above: after } }, orderBy: [along], limit: pageSize };
    const rows = await context.storage.transact({
      lock: [],
      clock: context.clock,
      read: { rows: query as unknown as Query },
      decide: (read) => ({ writes: [], answer: read.rows as readonly AnyRow[] }),
    });
    const last = String(rows.at(-1)?.[along]);
    // A page may end between two rows of one digest; those of the last one come with the next page.
    const isLast = rows.length < pageSize;
    const isOne = rows.every((row) => row[along] === last);
    const whole = isLast || isOne ? rows : rows.filter((row) => row[along] !== last);
    yield* whole;
    if (isLast) return;
    after = String(whole.at(-1)?.[along]);
  }
}
