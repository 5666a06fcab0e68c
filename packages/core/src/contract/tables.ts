/**
 * What heed stores, as data: a storage makes its tables from this, so that core alone knows what a row means.
 *
 * `text` columns hold JSON where a comment says so. Instants are RFC 3339 with milliseconds, in UTC, so that
 * they sort as text. Nothing in a clear column identifies a person: digests are keyed, sealed columns are
 * AES-GCM under a key of `dataKeys`.
 */
export const tables = {
  /** A person: a random id and nothing else. */
  subjects: {
    columns: { id: "text", namespace: "text", createdAt: "text", frozenBy: "text?" },
    key: ["id"],
    indexes: [],
  },
  /**
   * `digest` (index use) to subject, with the suppression digest of an address. `sealed`: JSON array of the
   * spellings seen.
   */
  identifiers: {
    columns: {
      digest: "text",
      subjectId: "text",
      kind: "text",
      suppression: "text?",
      sealed: "bytes",
      verified: "integer",
      addedAt: "text",
    },
    key: ["digest"],
    indexes: [["subjectId"], ["suppression"]],
  },
  /** Data keys, wrapped by the keyring. `owner`: the id of a subject, a request, a parked opt-in, a retained part or a farewell. */
  dataKeys: {
    columns: { owner: "text", wrapped: "bytes", keyId: "text" },
    key: ["owner"],
    indexes: [],
    secret: true,
  },
  /** The consent ledger. `sealed`: what was shown and by whom, under the subject's key. */
  events: {
    columns: {
      id: "text",
      subjectId: "text",
      kind: "text",
      scope: "text",
      name: "text?",
      claimedAt: "text",
      recordedAt: "text",
      effectiveAt: "text",
      until: "text?",
      confirms: "text?",
      channel: "text",
      method: "text",
      indicatedBy: "text",
      sealed: "bytes?",
    },
    // The caller may choose the id: it means the same event of the same person only.
    // A subject's own are read by it, and sorted once they are there: they are few, whatever the ledger holds.
    key: ["subjectId", "id"],
    indexes: [],
  },
  /** Keyed digest (suppression use) and what it silences. Outlives erasure. */
  suppressions: {
    columns: { digest: "text", scope: "text", reason: "text", at: "text" },
    key: ["digest", "scope"],
    indexes: [],
  },
  /**
   * Leave to send one message to one address. `id`: the tag that reports about it come with. `message`: digest of the
   * caller's message key. `repeats`: how often it was taken again since its outcome was unknown. `suppression`: digest of
   * an address (suppression use) that was nobody's known here.
   */
  permits: {
    columns: {
      id: "text",
      address: "text",
      message: "text",
      topic: "text",
      class: "text",
      state: "text",
      takenAt: "text",
      handedOverAt: "text?",
      settledAt: "text?",
      outcome: "text?",
      optedOutAt: "text?",
      repeats: "integer?",
      suppression: "text?",
    },
    key: ["id"],
    indexes: [],
    unique: [["address", "message"]],
    whereNull: { settledAt: [["address"]] },
  },
  /** What was said of a message that had left, as far as it still decides. `address`, `message`: as of its permit. */
  reports: {
    columns: { tag: "text", kind: "text", address: "text", message: "text", at: "text" },
    key: ["tag", "kind"],
    indexes: [["address"]],
  },
  /**
   * The one message that tells somebody that their erasure is done. `address`: digest (suppression use) of where it goes;
   * `sealed`: that address, under a data key of this row alone. Both go when it has ended, at `expiresAt` at the latest.
   * `state`: `open`, `attempting` until `dueAt`, `ended`.
   */
  farewells: {
    columns: {
      id: "text",
      namespace: "text",
      requestId: "text",
      address: "text?",
      sealed: "bytes?",
      state: "text",
      tries: "integer",
      dueAt: "text",
      handedOverAt: "text?",
      outcome: "text?",
      expiresAt: "text",
    },
    key: ["id"],
    indexes: [["namespace", "dueAt"], ["requestId"], ["address"]],
  },
  /** What an unsubscribe token points to. After an erasure only `suppressions` (JSON digests) is left. */
  references: {
    columns: { id: "text", address: "text?", subjectId: "text?", suppressions: "text" },
    key: ["id"],
    indexes: [["address"], ["subjectId"], ["suppressions"]],
  },
  /**
   * A choice that was put to a person by a link: what was asked, and what was shown, is the `requested` event.
   * `answer`: `"yes"` or `"no"`, whichever counts; unanswered, the row goes soon after `expiresAt`.
   */
  invitations: {
    columns: {
      id: "text",
      namespace: "text",
      subjectId: "text",
      kind: "text",
      eventId: "text",
      expiresAt: "text",
      answer: "text?",
      answeredAt: "text?",
    },
    key: ["id"],
    indexes: [["subjectId"]],
    whereNull: { answeredAt: [["namespace", "expiresAt"]] },
  },
  /**
   * A subject's exercise of a right. `named`, `subjectDigests`: JSON digests (index and
   * evidence use). `because`: a slug. `endsPaidService`: `"allowed"` where whoever asked wants that. `about`: a slug, of an
   * inquiry. `madeSubject`: 1 while nothing else is known of the subject that it made, and nobody has shown who asks.
   */
  requests: {
    columns: {
      id: "text",
      namespace: "text",
      subjectId: "text",
      right: "text",
      purpose: "text?",
      recipient: "text?",
      identity: "text",
      state: "text",
      regime: "text",
      receivedAt: "text",
      dueAt: "text",
      dueOn: "text",
      named: "text",
      subjectDigests: "text",
      because: "text?",
      closedAt: "text?",
      endsPaidService: "text?",
      about: "text?",
      madeSubject: "integer?",
    },
    key: ["id"],
    indexes: [["subjectId"], ["namespace", "state", "dueAt"]],
  },
  /**
   * One operation at one processor for one subject. `input`, `outcome`, `finding` are JSON without personal
   * data; `sealed` holds what `resolve` found. `attempt` fences a late settle; `attempted` is 1 while a run
   * was begun whose answer is not known; `ranAt` is when the last answer came; `doubts` counts read-backs that
   * contradicted or knew nothing; `crashes` counts workers in a row that were lost while they had it.
   */
  steps: {
    columns: {
      id: "text",
      namespace: "text",
      subjectId: "text",
      requestId: "text?",
      eventId: "text?",
      seq: "integer",
      stage: "integer",
      processor: "text",
      operation: "text",
      lane: "integer",
      state: "text",
      phase: "text",
      input: "text",
      dueAt: "text?",
      deadlineAt: "text",
      attempt: "integer",
      leaseUntil: "text?",
      attempted: "integer",
      ranAt: "text?",
      tries: "integer",
      rounds: "integer",
      doubts: "integer",
      alone: "integer",
      crashes: "integer",
      cancel: "integer",
      sealed: "bytes?",
      outcome: "text?",
      finding: "text?",
      because: "text?",
      createdAt: "text",
      endedAt: "text?",
    },
    key: ["id"],
    indexes: [["namespace", "state", "processor", "dueAt"], ["subjectId"]],
    whereNull: { endedAt: [["namespace", "processor", "deadlineAt"]] },
    whereSet: { requestId: [["requestId"]] },
  },
  /**
   * What is kept as proof: see `evidence.ts`. `entry`: JSON of the fixed schema; null once it was pruned, with
   * `salt` and `requestId`. `sealedAs`: its place in the log, from 0; null until it is sealed. `commitment`
   * stands for the entry in the log, and outlives it.
   */
  evidence: {
    columns: {
      id: "text",
      namespace: "text",
      at: "text",
      requestId: "text?",
      entry: "text?",
      sealedAs: "integer?",
      salt: "text?",
      commitment: "text?",
    },
    key: ["id"],
    indexes: [],
    whereNull: { sealedAs: [["namespace", "at", "id"]] },
    whereSet: {
      requestId: [["requestId", "at"]],
      sealedAs: [
        ["namespace", "at"],
        ["namespace", "sealedAs"],
      ],
    },
  },
  /**
   * Signed checkpoints of the log: see `evidence/checkpoint.ts`. `peaks`: JSON hashes of the complete subtrees,
   * from which the tree grows on. `isNewest` and `publishedAt` are notes of heed's own, and not signed.
   */
  checkpoints: {
    columns: {
      namespace: "text",
      seq: "integer",
      size: "integer",
      root: "text",
      at: "text",
      previous: "text?",
      keyId: "text",
      signature: "text",
      peaks: "text",
      isNewest: "integer",
      publishedAt: "text?",
    },
    key: ["namespace", "seq"],
    indexes: [["namespace", "isNewest"]],
  },
  /** Every eighth level of the log's hash tree, so that a proof needs few rows however long the log is. */
  evidenceTree: {
    columns: { namespace: "text", level: "integer", place: "integer", hash: "text" },
    key: ["namespace", "level", "place"],
    indexes: [],
  },
  /**
   * What a processor keeps of a person, and until when (civil date, the last day). `sealed`: JSON of the
   * vendor's ids, under a data key of this part alone, which outlives everything else about the person.
   */
  retained: {
    columns: {
      id: "text",
      namespace: "text",
      requestId: "text?",
      stepId: "text",
      processor: "text",
      operation: "text",
      category: "text",
      reason: "text",
      law: "text?",
      until: "text?",
      sealed: "bytes?",
      keptAt: "text",
    },
    key: ["id"],
    indexes: [["namespace", "until"], ["requestId"]],
  },
  /**
   * The limiter, in microseconds since 1970: theoretical arrival time, the same of the reserved shares of lanes
   * 1 and 2, and a push-back by the vendor. Of a daily quota: calls `used` of the day that ends at `usedUntil`.
   */
  limits: {
    columns: {
      bucket: "text",
      arrival: "integer",
      arrival1: "integer",
      arrival2: "integer",
      pushedBackUntil: "integer",
      used: "integer",
      usedUntil: "integer",
    },
    key: ["bucket"],
    indexes: [],
  },
  /**
   * A vendor account that fails as a whole: how many batches in a row, how often it was left alone because of
   * that, and until when (RFC 3339) it is. No row: it answers.
   */
  breakers: {
    columns: { account: "text", failures: "integer", opens: "integer", openUntil: "text?" },
    key: ["account"],
    indexes: [],
  },
  /** Opt-ins that arrived while an erasure ran; applied when it has ended. */
  parked: {
    columns: { id: "text", requestId: "text", parkedAt: "text", sealed: "bytes" },
    key: ["id"],
    indexes: [["requestId"]],
  },
  /**
   * Records on their way to the journal, or there and not yet counted in `journalMarks`. Holds no data key. `joined`:
   * 1 when the application's own transaction wrote it, which nobody here sees commit.
   */
  journal: {
    columns: { id: "text", at: "text", record: "text", joined: "integer" },
    key: ["id"],
    indexes: [],
  },
  /**
   * Up to which number of each of the journal's writers this database has the records; the row with a `journal`
   * says which one it is.
   */
  journalMarks: {
    columns: { writer: "text", number: "integer", journal: "text" },
    key: ["writer"],
    indexes: [],
  },
  /**
   * A legal hold: nothing in its scope is destroyed until it is released. Without `subjectId` it stands over
   * everyone, without `processor` over all of them. `reason`, `orderedBy`: slugs.
   */
  holds: {
    columns: {
      id: "text",
      namespace: "text",
      subjectId: "text?",
      processor: "text?",
      reason: "text",
      orderedBy: "text",
      placedAt: "text",
      reviewAt: "text",
      releasedAt: "text?",
    },
    key: ["id"],
    indexes: [
      ["subjectId"],
      ["namespace", "releasedAt", "subjectId"],
      ["namespace", "releasedAt", "reviewAt"],
    ],
  },
  /** What vendors' webhooks told, for as long as they may tell it again. `id`: keyed digest of the vendor's own. */
  sightings: {
    columns: { id: "text", namespace: "text", at: "text" },
    key: ["id"],
    indexes: [["namespace", "at"]],
  },
  /** What a restoration has brought back and not yet planned steps for. `kind`: `"choice"` or `"request"`. */
  restored: {
    columns: { id: "text", subjectId: "text", kind: "text" },
    // A subject that becomes another takes its own along.
    key: ["subjectId", "id"],
    indexes: [],
  },
} as const satisfies Record<string, TableDefinition>;

/** A column's type; `?` allows null. */
export type ColumnType = "text" | "text?" | "integer" | "integer?" | "bytes" | "bytes?";

export interface TableDefinition {
  readonly columns: Readonly<Record<string, ColumnType>>;
  readonly key: readonly string[];
  readonly indexes: readonly (readonly string[])[];
  readonly unique?: readonly (readonly string[])[];
  /**
   * Indexes of those rows alone in which a column is null: of what is open, among very much that is over. They
   * are used by queries that ask for `{ isNull: true }` of that column.
   */
  readonly whereNull?: Readonly<Record<string, readonly (readonly string[])[]>>;
  /**
   * Indexes of those rows alone in which a column has a value, so that a choice, which is sealed later and belongs to
   * no request, is not written there. They are used by queries that compare the column, or ask for
   * `{ isNull: false }` of it.
   */
  readonly whereSet?: Readonly<Record<string, readonly (readonly string[])[]>>;
  /** A removed row's bytes must be gone from the storage's files once `scrub()` answers true. */
  readonly secret?: boolean;
}

export type Tables = typeof tables;
export type TableName = keyof Tables;

type ValueOf<C> = C extends "text"
  ? string
  : C extends "text?"
    ? string | null
    : C extends "integer"
      ? number
      : C extends "integer?"
        ? number | null
        : C extends "bytes"
          ? Uint8Array
          : Uint8Array | null;

/** A row of a table. */
export type Row<T extends TableName> = {
  -readonly [C in keyof Tables[T]["columns"]]: ValueOf<Tables[T]["columns"][C]>;
};
