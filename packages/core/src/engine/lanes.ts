/** What one lane may take of a bucket. */
export interface LaneRule {
  /** How far ahead of now it may reserve what nobody else has taken, in milliseconds. */
  readonly aheadMs: number;
  /** Its reserved share: one call in so many, taken however far the others have reserved. */
  readonly oneIn?: number;
  /** Where its reserved share is counted. */
  readonly column?: "arrival1" | "arrival2";
  /** How much of a day's quota it may use; the rest is for the lanes above it. */
  readonly ofTheDay: number;
}

/** How far ahead the reserved shares are taken, in milliseconds. */
export const sharesAheadMs = 1000;

/**
 * The lanes of a bucket: opt-outs (0), requests (1), what is left (2).
 *
 * A lane takes whatever is idle, but reserves less far ahead than the lanes above it, so that these always
 * find room before what it has taken; and its reserved share does not depend on anybody. So while more is
 * asked than the bucket gives, lanes 0, 1 and 2 get at least 5/8, 1/4 and 1/8 of it; what one does not want
 * goes to the others. An opt-out that finds no other opt-out waiting has its turn within a second and five
 * intervals of the bucket, however much waits in the other lanes: these have reserved at most
 * `600 + (1/4 + 1/8) · 1000` ms and three intervals when it comes, and go on at 3/8 of the pace.
 *
 * Where a call counts in a bucket that is much slower than another one of its buckets, lanes 1 and 2 reserve nothing of
 * the faster one ahead (see `bookSlots`): there they come as they ask, and only the opt-outs' turn is certain.
 */
const lanes: readonly [LaneRule, LaneRule, LaneRule] = [
  { aheadMs: 1000, ofTheDay: 1 },
  { aheadMs: 600, oneIn: 4, column: "arrival1", ofTheDay: 15 / 16 },
  { aheadMs: 400, oneIn: 8, column: "arrival2", ofTheDay: 7 / 8 },
];

/** The rule of a step's lane. */
export const laneRule = (lane: number): LaneRule => lanes[lane] ?? lanes[2];
