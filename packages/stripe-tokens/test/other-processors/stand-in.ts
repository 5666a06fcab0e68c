import type { Fetch } from "./vendor-calls.ts";

/** What a route is asked. */
interface Asked {
  /** The groups of the path's pattern, decoded. */
  readonly ids: readonly string[];
  readonly query: URLSearchParams;
  readonly body: unknown;
}

/** A documented call: its method, the pattern of host and path, and what the vendor answers. */
export type Route = readonly [method: string, url: RegExp, answer: (asked: Asked) => Response];

/**
 * What goes wrong: the effect is there and the answer is not; the answer is there and the effect is not; a status
 * instead of both, with a page for people, and at 429 a minute to wait; or something happens before.
 */
type Fault = "answer-lost" | "lies" | number | (() => void);

/** A vendor in memory, reached as over HTTP. */
export interface StandIn {
  readonly fetch: Fetch;
  /** Method and URL of every call, in their order. */
  readonly asked: readonly string[];
  /** Strikes the next call whose method and URL match. */
  fault(call: RegExp, what: Fault): void;
}

/** @param isAllowed whether the request's credentials are those of the account */
export function standIn(isAllowed: (headers: Headers) => boolean, routes: readonly Route[]): StandIn {
  const asked: string[] = [];
  const faults: { readonly call: RegExp; readonly what: Fault }[] = [];
  return {
    asked,
    fault: (call, what) => void faults.push({ call, what }),
    async fetch(request) {
      const { method, url, headers } = request;
      const call = `${method} ${url}`;
      asked.push(call);
      if (!isAllowed(headers)) return Response.json({ error: "unauthorized" }, { status: 401 });
      const struck = faults.findIndex((fault) => fault.call.test(call));
      const what = struck === -1 ? undefined : faults.splice(struck, 1)[0]?.what;
      if (typeof what === "number") {
        const headers = { "retry-after": "60" };
        return new Response("<p>About Anna Canary.</p>", {
          status: what,
          ...(what === 429 ? { headers } : {}),
        });
      }
      if (what === "lies") return noContent();
      if (typeof what === "function") what();
      const { host, pathname, searchParams: query } = new URL(url);
      const text = await request.text();
      const body: unknown = text === "" ? undefined : JSON.parse(text);
      for (const [of, pattern, answer] of routes) {
        const match = of === method ? pattern.exec(host + pathname) : null;
        if (match === null) continue;
        const response = answer({ ids: match.slice(1).map(decodeURIComponent), query, body });
        if (what === "answer-lost") throw new TypeError("fetch failed");
        return response;
      }
      return Response.json({ error: "no such route" }, { status: 404 });
    },
  };
}

/** As after a successful deletion: the status says all. */
export const noContent = (): Response => new Response(null, { status: 204 });

/** An error as the vendor words it. */
export const failing = (status: number, body: unknown): Response => Response.json(body, { status });
