import { z } from "zod";
import { InvalidInputError } from "../errors/invalid-input-error.ts";
import type { Row } from "../contract/tables.ts";

/** What an event says. `confirmed` completes a `requested` (double opt-in); `expired` and `revoked` end one. */
export type EventKind =
  | "requested"
  | "confirmed"
  | "given"
  | "refused"
  | "withdrawn"
  | "revoked"
  | "renewed"
  | "expired";

/** One topic, or all topics of one purpose. */
export interface OneScope {
  readonly scope: "topic" | "purpose";
  readonly name: string;
}

/** What an event is about: one topic, all topics of one purpose, or everything that may be silenced. */
export type Scope = OneScope | { readonly scope: "all"; readonly name: null };

/** What the fold reads of an event: clear columns only. */
export type LedgerEvent = Pick<
  Row<"events">,
  "id" | "kind" | "scope" | "name" | "recordedAt" | "effectiveAt" | "until" | "confirms"
>;

/** How an indication was made, and what can prove it. Sealed under the subject's key. */
export interface ConsentEvidence {
  /** Version of the notice that was shown. */
  readonly noticeVersion?: string;
  /** SHA-256 of the exact text that was shown, hex. */
  readonly noticeSha256?: string;
  /** BCP 47 language that it was shown in. */
  readonly language?: string;
  /** True when there is no proof of what was shown, for example in an import. */
  readonly none?: true;
  /** Anything else that proves it; sealed, and destroyed with the subject. */
  readonly [detail: string]: unknown;
}

const optOuts: ReadonlySet<string> = new Set<EventKind>(["refused", "withdrawn", "revoked", "expired"]);
const optIns: ReadonlySet<string> = new Set<EventKind>(["given", "renewed", "confirmed"]);

export const isOptOut = (kind: string): boolean => optOuts.has(kind);
export const isOptIn = (kind: string): boolean => optIns.has(kind);

/**
 * The instants of an event. `recordedAt` comes strictly after every earlier event of the subject.
 * A live opt-out takes effect when recorded; everything else at the earlier of claimed and recorded, so
 * that a clock that runs ahead can shield nothing.
 */
export function instantsOf(
  event: { kind: EventKind; claimedAt: string | undefined; imported: boolean },
  lastRecordedAt: string | undefined,
  now: string,
): { claimedAt: string; recordedAt: string; effectiveAt: string } {
  const recordedAt =
    lastRecordedAt !== undefined && lastRecordedAt >= now ? instantAfter(lastRecordedAt) : now;
  const claimedAt = event.claimedAt ?? recordedAt;
  const live = isOptOut(event.kind) && !event.imported;
  return { claimedAt, recordedAt, effectiveAt: live || claimedAt > recordedAt ? recordedAt : claimedAt };
}

function instantAfter(instant: string): string {
  return new Date(Date.parse(instant) + 1).toISOString();
}

/** RFC 3339 5.6: without a zone, two machines would read two instants. */
const rfc3339 = z.iso.datetime({ offset: true });

/**
 * An instant as heed stores it, from whatever RFC 3339 spelling the caller has.
 *
 * @throws InvalidInputError when it is none, or lies outside the years 0000 to 9999
 */
export function parseInstant(path: string, value: string | Date): string {
  const isReadable = typeof value === "string" ? rfc3339.safeParse(value).success : value instanceof Date;
  const time = isReadable ? new Date(value).getTime() : Number.NaN;
  // Beyond four digits of year, the texts no longer sort as the instants do.
  if (Number.isNaN(time) || !/^\d{4}-/.test(new Date(time).toISOString())) {
    throw new InvalidInputError(
      `\`${path}\` is not an instant. Pass RFC 3339 with a zone, for example 2026-11-21T10:00:00Z.`,
      {
        issues: [{ path, message: "not an RFC 3339 instant" }],
      },
    );
  }
  return new Date(time).toISOString();
}
