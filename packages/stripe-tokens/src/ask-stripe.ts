import type { CallContext, OperationName } from "@heed/core/contract";
import type { Stripe } from "stripe";
import type { z } from "zod";
import type { Moment } from "./moment.ts";
import { knownPageOf } from "./stripe-answers.ts";
import { isMissing, stripeError, unreadable } from "./stripe-error.ts";
import { type EndpointBucket, type StripeBucket, isRead } from "./stripe-limits.ts";

type Send = (options: Stripe.RequestOptions) => Promise<unknown>;
export type SendPage = (page: Page, options: Stripe.RequestOptions) => Promise<unknown>;

/** The next hundred of a list, the most that Stripe gives at once. A search calls `page` what it goes on from. */
interface Page {
  readonly limit: number;
  readonly starting_after?: string;
}

/** What the calls of one question share. */
export interface Question {
  readonly client: Stripe;
  readonly context: CallContext<StripeBucket>;
  readonly operation: OperationName | "check";
  /** Whether reads count against the account's read allowance as well. */
  readonly countsReads: boolean;
  /** What was read for the same call a moment ago. */
  readonly moment: Moment;
}

/** Puts one question of the engine to Stripe, call by call. */
export type Asker = ReturnType<typeof askStripe>;

/**
 * Each call takes its turns, goes out once, and answers parsed or with one of heed's errors; when it is no longer
 * waited for, it ends with the signal's own reason. No idempotency key is set: Stripe replays what it stored
 * under one, a 500 included, for a day. The client makes a new one for each POST.
 */
export function askStripe({ client, context, operation, countsReads, moment }: Question) {
  async function ask<T>(bucket: EndpointBucket, answer: z.ZodType<T>, send: Send): Promise<T> {
    if (countsReads && isRead(bucket)) await context.turn("global", bucket, "reads");
    else await context.turn("global", bucket);
    if (!isRead(bucket)) moment.end();
    let given: unknown;
    try {
      given = await untilAborted(send({ maxNetworkRetries: 0 }), context.signal);
    } catch (error) {
      context.signal.throwIfAborted();
      throw stripeError(error, { operation, bucket });
    }
    const parsed = answer.safeParse(given);
    if (!parsed.success) throw unreadable(given, { operation, bucket });
    return parsed.data;
  }

  /** One page of a list; that of an object that does not exist is empty. */
  async function page<T extends { id: string }>(
    bucket: EndpointBucket,
    item: z.ZodType<T>,
    send: SendPage,
    after?: string,
  ): Promise<{ data: T[]; after?: string }> {
    const from = { limit: 100, ...(after === undefined ? {} : { starting_after: after }) };
    const asked = () => ask(bucket, knownPageOf(item), (options) => send(from, options));
    const given = await orMissing(undefined, asked);
    // Where the list went on from is gone: what is behind it was not seen.
    if (given === undefined && after !== undefined) throw unreadable(given, { operation, bucket });
    if (given === undefined) return { data: [] };
    if (!given.has_more) return { data: given.data };
    const next = given.next_page ?? given.data.at(-1)?.id;
    if (next === undefined || next === after) throw unreadable(given, { operation, bucket });
    return { data: given.data, after: next };
  }

  /** A list page by page, each object once. Which account and mode the key opens is for `check()` to prove. */
  async function* each<T extends { id: string }>(
    bucket: EndpointBucket,
    item: z.ZodType<T>,
    send: SendPage,
  ): AsyncGenerator<T> {
    const seen = new Set<string>();
    let after: string | undefined;
    do {
      const before = seen.size;
      const given = await page(bucket, item, send, after);
      for (const one of given.data) {
        if (seen.has(one.id)) continue;
        seen.add(one.id);
        yield one;
      }
      after = given.after;
      if (after !== undefined && seen.size === before) throw unreadable(given, { operation, bucket });
    } while (after !== undefined);
  }

  /** A whole list. */
  async function all<T extends { id: string }>(
    bucket: EndpointBucket,
    item: z.ZodType<T>,
    send: SendPage,
  ): Promise<T[]> {
    const found: T[] = [];
    for await (const one of each(bucket, item, send)) found.push(one);
    return found;
  }

  /** The newest object of a list: `"none"` of an empty one, `"unlisted"` where Stripe does not list it. */
  async function newest<T extends { id: string }>(
    bucket: EndpointBucket,
    item: z.ZodType<T>,
    send: Send,
  ): Promise<T | "none" | "unlisted"> {
    const given = await orMissing(undefined, () => ask(bucket, knownPageOf(item), send));
    return given === undefined ? "unlisted" : (given.data[0] ?? "none");
  }

  /** The object, or nothing where Stripe says that it does not exist. */
  function found<T>(bucket: EndpointBucket, answer: z.ZodType<T>, send: Send): Promise<T | undefined> {
    return orMissing(undefined, () => ask(bucket, answer, send));
  }

  return { client, ask, each, all, newest, found, moment };
}

async function orMissing<T, M>(missing: M, ask: () => Promise<T>): Promise<T | M> {
  try {
    return await ask();
  } catch (error) {
    if (isMissing(error)) return missing;
    throw error;
  }
}

/** The client cannot be interrupted, so its answer is left behind. A write in flight is unknown then. */
function untilAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abandon = () => reject(signal.reason);
    if (signal.aborted) abandon();
    else signal.addEventListener("abort", abandon, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener("abort", abandon));
  });
}
