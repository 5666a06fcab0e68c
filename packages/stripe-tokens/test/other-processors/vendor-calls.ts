import {
  type CallContext,
  type OperationName,
  RateLimitedError,
  RejectedError,
  UnavailableError,
} from "@heed/core/contract";
import type { z } from "zod";

/** What an adapter reaches its vendor by. In production `(request) => fetch(request)`, here a vendor in memory. */
export type Fetch = (request: Request) => Promise<Response>;

/** The one bucket of these adapters: none of their vendors counts calls by endpoint. */
export type Bucket = "calls";

/** An answer. The body is JSON, or undefined: a 204 has none, and a gateway's page is none. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** What is asked, and which answers beside 2xx are none of a failure. */
export interface Ask {
  readonly body?: unknown;
  readonly means?: (answer: Answer) => boolean;
}

/** The calls of one question of the engine. */
export type VendorCalls = ReturnType<ReturnType<typeof vendorCalls>>;

/**
 * Lends an adapter its vendor's HTTP API. Each call takes a turn, goes out once, and answers, or throws one of heed's
 * errors, in which nothing of the vendor's text is.
 */
export function vendorCalls(vendor: string, headers: Readonly<Record<string, string>>, fetch: Fetch) {
  return (operation: OperationName | "check", context: CallContext<Bucket>) => {
    const about = { processor: vendor, operation };
    return {
      async send(method: "GET" | "POST" | "DELETE", url: string, ask: Ask = {}): Promise<Answer> {
        await context.turn("calls");
        const json = ask.body === undefined ? {} : { body: JSON.stringify(ask.body) };
        const request = new Request(url, {
          method,
          headers: { "content-type": "application/json", ...headers },
          signal: context.signal,
          ...json,
        });
        const { answer, retryAfter } = await fetch(request)
          .then(async (response) => ({
            answer: { status: response.status, body: jsonOf(await response.text()) } satisfies Answer,
            retryAfter: Number(response.headers.get("retry-after")),
          }))
          .catch(() => {
            context.signal.throwIfAborted();
            throw new UnavailableError(`"${vendor}" gave no usable answer.`, about);
          });
        const { status } = answer;
        if ((status >= 200 && status < 300) || ask.means?.(answer) === true) return answer;
        if (status === 429)
          throw new RateLimitedError(`"${vendor}" asks to slow down.`, {
            ...about,
            status,
            retryAfterMs: retryAfter > 0 ? retryAfter * 1000 : 1000,
          });
        if (status >= 500)
          throw new UnavailableError(`"${vendor}" gave no usable answer.`, { ...about, status });
        throw new RejectedError(`"${vendor}" refused the request (HTTP ${status}).`, { ...about, status });
      },
      /** @throws UnavailableError where the body is not what the vendor documents */
      read<T>(schema: z.ZodType<T>, { body }: Answer): T {
        const parsed = schema.safeParse(body);
        if (parsed.success) return parsed.data;
        throw new UnavailableError(`"${vendor}" answered in a shape that cannot be read.`, about);
      },
    };
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Every item of a list, page after page. */
export async function everyPage<T>(
  page: (
    next: string | undefined,
  ) => Promise<{ readonly items: readonly T[]; readonly next?: string | undefined }>,
): Promise<readonly T[]> {
  const all: T[] = [];
  let next: string | undefined;
  do {
    const read = await page(next);
    all.push(...read.items);
    next = read.next;
  } while (next !== undefined);
  return all;
}
