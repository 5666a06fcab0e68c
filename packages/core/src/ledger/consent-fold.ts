import { isOptIn, isOptOut, type LedgerEvent } from "./event.ts";

/** The three states. `by` and `since` are absent where nothing was ever said. */
export type ConsentState =
  | { readonly state: "never-asked"; readonly by?: never; readonly since?: never }
  | { readonly state: "given" | "not-given"; readonly by: string; readonly since: string };

/** What is asked about: a topic together with its purpose, or a purpose alone. */
export interface Asked {
  readonly purpose: string;
  readonly topic?: string;
}

/**
 * The state of consent as a fold over recorded events: the latest by (effectiveAt, opt-out before opt-in)
 * among those whose scope covers what is asked. The same in whatever order the events are read, and
 * however often each.
 *
 * @param at RFC 3339; a consent whose validity ended by then is not given
 */
export function foldConsent(events: readonly LedgerEvent[], asked: Asked, at: string): ConsentState {
  let latest: LedgerEvent | undefined;
  for (const event of events) {
    if (!covers(event, asked) || !counts(event, events, asked)) continue;
    if (latest === undefined || isLater(event, latest)) latest = event;
  }
  if (latest === undefined) return { state: "never-asked" };
  const ended = isOptOut(latest.kind) || (latest.until !== null && latest.until <= at);
  return { state: ended ? "not-given" : "given", by: latest.id, since: latest.effectiveAt };
}

/** Opt-ins are never global; a purpose covers its topics, a topic only itself. */
function covers(event: LedgerEvent, asked: Asked): boolean {
  if (event.scope === "all") return isOptOut(event.kind);
  if (event.scope === "purpose") return event.name === asked.purpose;
  return asked.topic !== undefined && event.name === asked.topic;
}

/** Requests say nothing by themselves; a confirmation counts only with its request. */
function counts(event: LedgerEvent, events: readonly LedgerEvent[], asked: Asked): boolean {
  if (isOptOut(event.kind)) return true;
  if (event.kind !== "confirmed") return isOptIn(event.kind);
  const request = events.find(
    (each) =>
      each.kind === "requested" &&
      each.id === event.confirms &&
      each.scope === event.scope &&
      each.name === event.name,
  );
  if (request === undefined || event.effectiveAt < request.effectiveAt) return false;
  if (request.until !== null && event.effectiveAt > request.until) return false;
  return !saidNoSince(
    request.effectiveAt,
    events.filter((each) => each.effectiveAt <= event.effectiveAt),
    asked,
  );
}

/** Whether an opt-out of what is asked about took effect at an instant (RFC 3339) or after it. */
export function saidNoSince(since: string, events: readonly LedgerEvent[], asked: Asked): boolean {
  return events.some((each) => isOptOut(each.kind) && covers(each, asked) && each.effectiveAt >= since);
}

/** Ties go to the opt-out; between two of a kind the id decides, so that `by` is the same every time. */
function isLater(event: LedgerEvent, than: LedgerEvent): boolean {
  if (event.effectiveAt !== than.effectiveAt) return event.effectiveAt > than.effectiveAt;
  const out = isOptOut(event.kind);
  if (out !== isOptOut(than.kind)) return out;
  return event.id > than.id;
}
