import type { DailyLimit, Limit, WindowLimit } from "../contract/processor.ts";
import type { Row } from "../contract/tables.ts";
import { nextMidnight } from "../requests/deadline.ts";
import { laneRule, sharesAheadMs, type LaneRule } from "./lanes.ts";
import { isDaily, paceOf } from "./pace.ts";
import { longestPushBackMs } from "./trouble.ts";

const microsPerMs = 1000;
/** Nothing is called so near to the end of a vendor's day: its clock is not ours. */
const dayEdgeMicros = 1_000_000;
const dayMicros = 86_400_000_000;
/** Fewer transactions: where room comes bit by bit, some of it is waited for, in milliseconds. */
const gatheredMs = 200;

/** What is stored of a bucket. */
export type BucketState = Omit<Row<"limits">, "bucket">;

export const untouched: BucketState = {
  arrival: 0,
  arrival1: 0,
  arrival2: 0,
  pushedBackUntil: 0,
  used: 0,
  usedUntil: 0,
};

/** One call's moment in all buckets together, with their states before and after it was taken. */
export interface BookedSlot {
  readonly atMicros: number;
  readonly before: readonly BucketState[];
  readonly after: readonly BucketState[];
}

/** What was asked for, as far as it is to be had. */
export interface Booking {
  readonly slots: readonly BookedSlot[];
  /** To be stored, also where nothing was taken: a clock that stepped back is noticed once. */
  readonly states: readonly BucketState[];
  /** When there are fewer than wanted: the moment of the next one as things are, and when to ask again. */
  readonly next?: { readonly atMicros: number; readonly askAgainMicros: number };
}

/** Which buckets a call counts against, and whose call it is. */
export interface BookAsk {
  readonly buckets: readonly { readonly limit: Limit; readonly state: BucketState }[];
  readonly lane: number;
  readonly wanted: number;
  readonly nowMicros: number;
}

/** Takes the next moments at which every bucket allows one call: in all of them together, or in none. */
export function bookSlots({ buckets, lane, wanted, nowMicros }: BookAsk): Booking {
  const rule = laneRule(lane);
  const limits = buckets.map(({ limit }) => limit);
  let states: readonly BucketState[] = buckets.map(({ limit, state }) =>
    currentState(limit, state, nowMicros),
  );
  const slots: BookedSlot[] = [];
  while (slots.length < wanted) {
    const before = states;
    const atMicros = momentOf(limits, before, rule, nowMicros);
    // An opt-out waits for no moment that others may be first at.
    const idlesUntil = lane === 0 ? undefined : idleOtherwise(limits, before, atMicros, nowMicros);
    if (idlesUntil !== undefined) {
      const askAgainMicros = Math.max(idlesUntil, nowMicros + microsPerMs);
      return { slots, states, next: { atMicros, askAgainMicros } };
    }
    const after = before.flatMap((state, index) => {
      const taken = takenFrom(limits[index], state, rule, atMicros, nowMicros);
      return taken === undefined ? [] : [taken];
    });
    if (after.length < before.length) {
      const askAgainMicros = roomAt(limits, before, rule, atMicros, wanted - slots.length);
      return {
        slots,
        states,
        next: { atMicros, askAgainMicros: Math.max(askAgainMicros, nowMicros + microsPerMs) },
      };
    }
    slots.push({ atMicros, before, after });
    states = after;
  }
  return { slots, states };
}

/**
 * The state as of now. What lies too far ahead was written before the clock stepped back, and is cut to what may still
 * be used: whoever holds slots forgets them on seeing an earlier time than when it last looked, but may rest until its
 * first slot. So a step that nobody sees is shorter than what is reserved ahead, and twice that is far enough.
 */
export function currentState(limit: Limit, stored: BucketState, nowMicros: number): BucketState {
  const longestPushBack = nowMicros + longestPushBackMs * microsPerMs;
  const state = { ...stored, pushedBackUntil: Math.min(stored.pushedBackUntil, longestPushBack) };
  if (isDaily(limit)) {
    const isOver = nowMicros >= state.usedUntil + dayEdgeMicros;
    // A day of 25 hours, and the edges: longer days are of a clock that has stepped back.
    const isTooLong = state.usedUntil > nowMicros + dayMicros + 2 * 3_600_000_000;
    if (!isOver && !isTooLong) return state;
    const usedUntil =
      nextMidnight(limit.perDay.zone, new Date(nowMicros / microsPerMs)).getTime() * microsPerMs;
    return { ...state, used: isOver ? 0 : state.used, usedUntil };
  }
  const { intervalMicros, toleranceMicros } = paceOf(limit);
  const sharesAhead = nowMicros + sharesAheadMs * microsPerMs;
  return {
    ...state,
    arrival: Math.min(
      state.arrival,
      nowMicros + 2 * mostAheadMicros(limit) + toleranceMicros + intervalMicros,
    ),
    arrival1: Math.min(state.arrival1, sharesAhead + intervalMicros * (laneRule(1).oneIn ?? 1)),
    arrival2: Math.min(state.arrival2, sharesAhead + intervalMicros * (laneRule(2).oneIn ?? 1)),
  };
}

/** No moment is reserved further ahead than that, in any lane. */
function mostAheadMicros(limit: WindowLimit): number {
  return 1_500 * microsPerMs + 8 * paceOf(limit).intervalMicros;
}

/**
 * A moment that is reserved in a bucket's future is one before which nobody else gets any. So where a call waits for a
 * slow bucket (an endpoint's), a faster one (the account's) is not reserved for it until then: that is for calls that
 * wait for something else. Answers when to ask again; undefined where nothing would be idle.
 */
function idleOtherwise(
  limits: readonly Limit[],
  states: readonly BucketState[],
  atMicros: number,
  nowMicros: number,
): number | undefined {
  const windows = states.flatMap(({ arrival, pushedBackUntil }, index) => {
    const limit = limits[index];
    if (limit === undefined || isDaily(limit)) return [];
    const { intervalMicros, toleranceMicros } = paceOf(limit);
    const freeAt = Math.max(nowMicros, arrival - toleranceMicros, pushedBackUntil);
    return [{ intervalMicros, toleranceMicros, freeAt }];
  });
  const slowest = Math.max(
    ...windows.filter(({ freeAt }) => freeAt >= atMicros).map(({ intervalMicros }) => intervalMicros),
  );
  // What tolerance takes back is not lost. And what others have reserved by then is not idle: as much as now, it seems.
  const askAgain = windows
    .filter(({ intervalMicros }) => intervalMicros < slowest)
    .filter(({ freeAt, toleranceMicros }) => atMicros > freeAt + toleranceMicros)
    .map(({ freeAt, toleranceMicros }) => atMicros - toleranceMicros - (freeAt - nowMicros));
  return askAgain.length === 0 ? undefined : Math.max(...askAgain);
}

/** The earliest moment that no window and no day forbids. */
function momentOf(
  limits: readonly Limit[],
  states: readonly BucketState[],
  rule: LaneRule,
  nowMicros: number,
): number {
  let atMicros = nowMicros;
  for (const [index, { arrival, pushedBackUntil }] of states.entries()) {
    const limit = limits[index];
    const earliest = limit === undefined || isDaily(limit) ? 0 : arrival - paceOf(limit).toleranceMicros;
    atMicros = Math.max(atMicros, earliest, pushedBackUntil);
  }
  for (const [index, state] of states.entries()) {
    const limit = limits[index];
    if (limit !== undefined && isDaily(limit) && !isInDay(limit, state, rule, atMicros))
      atMicros = Math.max(atMicros, state.usedUntil + dayEdgeMicros);
  }
  return atMicros;
}

function isInDay(
  limit: DailyLimit,
  { used, usedUntil }: BucketState,
  rule: LaneRule,
  atMicros: number,
): boolean {
  return used < Math.max(1, Math.floor(limit.calls * rule.ofTheDay)) && atMicros < usedUntil - dayEdgeMicros;
}

/** The bucket's state after a call at that moment; undefined when the lane may not reserve it now. */
function takenFrom(
  limit: Limit | undefined,
  state: BucketState,
  rule: LaneRule,
  atMicros: number,
  nowMicros: number,
): BucketState | undefined {
  if (limit === undefined) return undefined;
  if (isDaily(limit)) {
    return isInDay(limit, state, rule, atMicros) ? { ...state, used: state.used + 1 } : undefined;
  }
  const { intervalMicros } = paceOf(limit);
  const arrival = Math.max(state.arrival, atMicros) + intervalMicros;
  const { column, oneIn } = rule;
  if (
    column !== undefined &&
    oneIn !== undefined &&
    state[column] <= nowMicros + sharesAheadMs * microsPerMs &&
    atMicros <= nowMicros + mostAheadMicros(limit)
  ) {
    return { ...state, arrival, [column]: Math.max(state[column], nowMicros) + intervalMicros * oneIn };
  }
  return atMicros <= nowMicros + rule.aheadMs * microsPerMs ? { ...state, arrival } : undefined;
}

/** When the lane may reserve that moment, and some of what comes after it. */
function roomAt(
  limits: readonly Limit[],
  states: readonly BucketState[],
  rule: LaneRule,
  atMicros: number,
  wanted: number,
): number {
  const rooms = states.map((state, index) => {
    const limit = limits[index];
    if (limit === undefined) return atMicros;
    if (isDaily(limit)) return isInDay(limit, state, rule, atMicros) ? 0 : atMicros;
    const idleAt = atMicros - rule.aheadMs * microsPerMs;
    if (rule.column === undefined) return idleAt;
    const shareAt = Math.max(
      state[rule.column] - sharesAheadMs * microsPerMs,
      atMicros - mostAheadMicros(limit),
    );
    return Math.min(idleAt, shareAt);
  });
  const intervals = limits.map((limit) => (isDaily(limit) ? 0 : paceOf(limit).intervalMicros));
  const gathered = Math.min((wanted - 1) * Math.max(...intervals), gatheredMs * microsPerMs);
  return Math.max(...rooms) + gathered;
}
