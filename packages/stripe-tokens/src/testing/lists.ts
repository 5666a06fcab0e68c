import { type Params, one } from "./form.ts";
import { StripeFailure, noSuch } from "./stripe-failure.ts";
import type { StripeObject } from "./stripe-objects.ts";

/** A list as Stripe answers it. */
export interface ListAnswer<T extends object = object> {
  readonly object: "list";
  readonly url: string;
  readonly has_more: boolean;
  readonly data: readonly T[];
}

/** A page of `rows`, which are oldest first; Stripe lists the newest first, ten unless asked for more. */
export function listPage<T extends StripeObject>(
  rows: readonly T[],
  params: Params,
  url: string,
): ListAnswer<T> {
  const newestFirst = rows.toSorted((a, b) => a.created - b.created).toReversed();
  const limit = limitOf(params);
  const after = positionOf(newestFirst, params, "starting_after");
  const before = positionOf(newestFirst, params, "ending_before");
  if (before !== undefined) {
    const start = Math.max(0, before - limit);
    return { object: "list", url, has_more: start > 0, data: newestFirst.slice(start, before) };
  }
  const start = after === undefined ? 0 : after + 1;
  const end = start + limit;
  return { object: "list", url, has_more: end < newestFirst.length, data: newestFirst.slice(start, end) };
}

/** The list inside an expanded object: so many at most, and a hint that there are more. */
export function subList(rows: readonly StripeObject[], url: string, size: number): ListAnswer {
  return { object: "list", url, has_more: rows.length > size, data: rows.toReversed().slice(0, size) };
}

/** `limit`: 1 to 100, 10 when absent. */
export function limitOf(params: Params): number {
  const given = one(params, "limit");
  if (given === undefined) return 10;
  const limit = Number(given);
  if (limit < 1 || limit > 100) {
    throw new StripeFailure(400, { message: "Limit must be between 1 and 100", param: "limit" });
  }
  return limit;
}

/** Refuses a property that cannot be expanded. */
export function onlyExpands(params: Params, ...names: readonly string[]): void {
  for (const name of params.get("expand[]") ?? []) {
    if (names.includes(name)) continue;
    throw new StripeFailure(400, {
      message: `This property cannot be expanded (${name}).`,
      param: "expand",
    });
  }
}

function positionOf(rows: readonly StripeObject[], params: Params, param: string): number | undefined {
  const id = one(params, param);
  if (id === undefined) return undefined;
  const position = rows.findIndex((row) => row.id === id);
  if (position === -1) throw noSuch("object", id, param, 400);
  return position;
}
