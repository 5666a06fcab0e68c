import { ConflictError, HeedError } from "@heed/core/storage";
import { adviceOn, driverCode } from "./failure-advice.ts";
import { definitionOf, tableNames } from "./schema.ts";

/** What the driver may throw: PostgreSQL's own errors carry values in `message`, `detail` and `where`. */
interface DriverError {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly severity?: unknown;
  readonly table?: unknown;
  readonly column?: unknown;
  readonly constraint?: unknown;
}

/** SQLSTATEs, https://www.postgresql.org/docs/current/errcodes-appendix.html. */
const states = {
  uniqueViolation: "23505",
  serializationFailure: "40001",
  deadlock: "40P01",
  lockNotAvailable: "55P03",
  queryCanceled: "57014",
  outOfMemory: "53200",
} as const;

/** Undefined table, column, function or schema. */
const schemaStates = new Set<string | undefined>(["42P01", "42703", "42883", "3F000"]);

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/**
 * A statement that failed, reduced to what names no value: PostgreSQL quotes rows in an error's `detail`, and
 * input in its `message`. Nothing of the driver's own error is kept beside these.
 */
export class QueryFailed extends Error {
  override readonly name = "QueryFailed";
  /** SQLSTATE, or the system's code of a connection that failed (`ECONNREFUSED`), or one of `driverCode`. */
  readonly code: string | undefined;
  readonly table: string | undefined;
  readonly column: string | undefined;
  readonly constraint: string | undefined;
  /** The server itself refused the statement, so nothing behind it in its transaction is stored either. */
  readonly isAnswered: boolean;
  /** The connection is gone, or none could be made. What was sent last may or may not have happened. */
  readonly isDisconnected: boolean;

  constructor(error: unknown) {
    const given: DriverError = typeof error === "object" && error !== null ? error : {};
    const answered = text(given.severity) !== undefined;
    const code = text(given.code) ?? (answered ? undefined : driverCode(text(given.message) ?? ""));
    super(
      answered
        ? `PostgreSQL answered with ${code ?? "no code"}.`
        : `The connection to PostgreSQL failed${code === undefined ? "" : ` (${code})`}.`,
    );
    this.code = code;
    this.table = text(given.table);
    this.column = text(given.column);
    this.constraint = text(given.constraint);
    this.isAnswered = answered;
    // An error of the server has a severity. FATAL and PANIC end the connection, as does whatever is not its own.
    this.isDisconnected = !answered || /^(FATAL|PANIC)$/.test(String(given.severity));
  }

  /**
   * Whether the statement lost against others that ran at the same time: tried again it may succeed. So does one that
   * found the server's table of locks full, which many bulks at once can fill.
   */
  get isContention(): boolean {
    const { serializationFailure, deadlock, outOfMemory } = states;
    return [serializationFailure, deadlock, outOfMemory].some((state) => state === this.code);
  }
}

function conflict({ table, constraint }: QueryFailed): ConflictError {
  const name = tableNames.find((each) => each === table);
  const definition = name === undefined ? undefined : definitionOf(name);
  const unique = definition?.unique?.find((columns) => constraint === `${table}_one_${columns.join("_")}`);
  const columns = (unique ?? definition?.key ?? []).join(", ");
  return new ConflictError(`A row of ${table ?? "a table"} with the same ${columns} is there already.`, {
    code: "duplicate-row",
  });
}

/**
 * A failure in heed's words: `duplicate-row`, `storage-busy`, `storage-schema` or `storage-failed`, with a
 * cause that holds names and codes. Any other error is given back as it is.
 */
export function translated(error: unknown): unknown {
  if (!(error instanceof QueryFailed)) return error;
  if (error.code === states.uniqueViolation) return conflict(error);
  if (error.code === states.lockNotAvailable) {
    return new HeedError(
      "A lock that this transaction needed was not let go in time, and nothing of it was stored. Try it again. Inside a transaction of your own that has joined heed, a call about the same person without `within` waits for itself: pass `within` there too or, where the call does not take it, make it after your COMMIT.",
      { code: "storage-busy", cause: error },
    );
  }
  if (error.isContention || error.code === states.queryCanceled) {
    return new HeedError(
      "Others held what this transaction needed for too long, and nothing of it was stored. Try it again.",
      { code: "storage-busy", cause: error },
    );
  }
  if (schemaStates.has(error.code)) return notMigrated(error);
  const what = error.isDisconnected ? "The connection to PostgreSQL failed" : "PostgreSQL failed";
  const how = error.code === undefined ? "" : ` with ${error.code}`;
  return new HeedError(`${what}${how}, and nothing of this was stored.${adviceOn(error.code)}`, {
    code: "storage-failed",
    cause: error,
  });
}

/** The database's tables are not those of this version. */
export function notMigrated(cause?: unknown): HeedError {
  return new HeedError(
    "The database does not have the tables of this version of heed: run storage.migrate() in a deploy step, or heed migrate on the command line.",
    { code: "storage-schema", ...(cause === undefined ? {} : { cause }) },
  );
}
