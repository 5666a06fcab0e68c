import type { Subject } from "./contract/identifier.ts";
import { InvalidInputError } from "./errors/invalid-input-error.ts";
import type { ConsentEvidence } from "./ledger/event.ts";
import { onlyKeys, type KnownKeys } from "./only-keys.ts";

/** The refusal of what no compiler checked: says what to pass, and quotes nothing of what was passed. */
function refuse(path: string, message: string): InvalidInputError {
  return new InvalidInputError(message, { issues: [{ path, message: "unusable" }] });
}

const isObject = (given: unknown): given is object =>
  typeof given === "object" && given !== null && !Array.isArray(given);

/**
 * An ask, if it is an object at all, and has no key that the call does not know.
 *
 * @param call what was called, for example `"requests.open"`
 * @param pass what it takes, for example `"{ right, subject, identity }"`
 * @param known every key that it may have; without it, any
 */
export function asked<A>(given: A, call: string, pass: string, known?: KnownKeys<A>): A {
  if (isObject(given)) return known === undefined ? given : onlyKeys<A>(given, call, known);
  throw refuse(call, `${call} takes ${pass}. Pass one object.`);
}

/** An id or token, which is text. */
export function text(given: string, call: string, name: string): string {
  if (typeof given === "string") return given;
  throw refuse(`${call}.${name}`, `${call} needs the ${name}. Pass it as text, as heed gave it.`);
}

/** A subject, if it is an object; what it names is read later. */
export function subjectOf(ask: { readonly subject: Subject }): Subject {
  if (isObject(ask.subject)) return ask.subject;
  throw refuse("subject", "There is no subject. Pass at least one identifier, for example { email }.");
}

/** One of a closed set of words. */
export function oneOf<W extends string>(given: W, words: readonly W[], name: string): W {
  if (typeof given === "string" && words.includes(given)) return given;
  throw refuse(name, `${name} is none that heed knows. Pass one of: ${words.join(", ")}.`);
}

/** How many a list may have. */
export function limitOf(ask: { readonly limit?: number } = {}, call: string): number {
  const { limit = 100 } = asked(ask, call, "{ limit } or nothing", { limit: true });
  if (Number.isInteger(limit) && limit >= 1 && limit <= 1_000) return limit;
  throw refuse("limit", "`limit` is no number of entries. Pass a whole number from 1 to 1000.");
}

/** How long `drain` may work. */
export function budget(limit: { readonly budgetMs?: number } = {}): { readonly budgetMs?: number } {
  const { budgetMs } = asked(limit, "work.drain", "{ budgetMs } or nothing", { budgetMs: true });
  if (budgetMs === undefined || (typeof budgetMs === "number" && budgetMs >= 0)) return limit;
  throw refuse("budgetMs", "`budgetMs` is no duration. Pass milliseconds, zero or more.");
}

/** When a worker is to stop. @throws InvalidInputError when `signal` is no `AbortSignal` */
export function stopSignal(how: { readonly signal?: AbortSignal } = {}): { readonly signal?: AbortSignal } {
  const { signal } = asked(how, "work.start", "{ signal } or nothing", { signal: true });
  if (signal === undefined || signal instanceof AbortSignal) return how;
  throw refuse("signal", "`signal` is no AbortSignal. Pass that of an AbortController, or nothing.");
}

/**
 * Evidence as it can be kept: what JSON makes of it.
 *
 * @throws InvalidInputError when it says nothing or cannot be written; never with a `cause`, whose text could
 * quote it
 */
export function evidenceFrom(given: ConsentEvidence): ConsentEvidence {
  const kept = evidenceKept(given);
  if (kept !== undefined && Object.entries(kept).some(([name, value]) => name !== "none" || value === true))
    return kept;
  throw new InvalidInputError(
    "An opt-in needs evidence of what was shown, as plain data with at least one detail, or `{ none: true }` where there is none (GDPR Art. 7(1)).",
    { issues: [{ path: "evidence", message: "missing, or cannot be written as JSON" }] },
  );
}

/** What JSON makes of evidence, if that is an object. */
export function evidenceKept(given: unknown): ConsentEvidence | undefined {
  if (!isObject(given)) return undefined;
  try {
    const kept: unknown = JSON.parse(JSON.stringify(given));
    return isObject(kept) ? (kept as ConsentEvidence) : undefined;
  } catch {
    return undefined;
  }
}
