import type { PortalCall } from "./call-log.ts";
import type { Faults, PortalFault } from "./faults.ts";
import type { Notices } from "./notices.ts";
import type { OptOutMirror } from "./opt-out-mirror.ts";
import type { PortalSettings } from "./options.ts";
import type { RateMeter } from "./rate-meter.ts";
import { missingScopes, unauthenticated, unknownRoute, type Reply } from "./replies.ts";
import type { Store } from "./store.ts";

/** What the endpoints share. */
export interface PortalParts {
  readonly settings: PortalSettings;
  readonly store: Store;
  readonly faults: Faults;
  readonly meter: RateMeter;
  readonly calls: PortalCall[];
  readonly mirror: OptOutMirror;
  readonly notices: Notices;
  /** Addresses, in lower case, of people whom the portal refuses to change. */
  readonly refused: ReadonlySet<string>;
  /** A new object id. */
  readonly nextId: () => string;
}

/** A request, taken apart. */
export interface Asked {
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: unknown;
}

/** One endpoint as data. */
export interface Route {
  readonly method: "get" | "post" | "patch" | "delete";
  readonly path: string;
  /** One of these is enough; none needed when empty. */
  readonly scopes: readonly string[];
  answer(asked: Asked): Reply;
}

type Outcome = Reply | "drop" | "hang";

const fallback: Omit<Route, "method" | "path"> = { scopes: [], answer: unknownRoute };

/**
 * Answers as the portal: log, fault, token, limit, scope, effect, in that order. Of two routes that fit the first one
 * answers; whatever none knows is refused, reads and writes alike. A broken connection is a network error response.
 */
export function answering(
  parts: PortalParts,
  routes: readonly Route[],
): (request: Request) => Promise<Response> {
  const known = routes.map((route) => ({
    route,
    method: route.method.toUpperCase(),
    pattern: new RegExp(`^${route.path.replaceAll(/:(\w+)/g, "(?<$1>[^/]+)")}$`),
  }));
  return (request) => {
    const url = new URL(request.url);
    for (const { route, method, pattern } of known) {
      const found = method === request.method ? pattern.exec(url.pathname) : null;
      if (found) return serve(parts, `${method} ${route.path}`, route, request, url, decoded(found.groups));
    }
    return serve(parts, "unknown", fallback, request, url, {});
  };
}

async function serve(
  parts: PortalParts,
  name: string,
  route: Omit<Route, "method" | "path">,
  request: Request,
  url: URL,
  params: Readonly<Record<string, string>>,
): Promise<Response> {
  const body = parseJson(await request.text());
  const asked: Asked = { params, query: url.searchParams, body };
  const met = parts.faults.take(request.method, url.pathname);

  let outcome: Outcome;
  if (met === undefined) outcome = attend(parts, route, request, asked);
  else {
    if (met.afterEffect) attend(parts, route, request, asked);
    outcome = suffer(met.fault);
  }

  if (parts.calls.length >= parts.settings.remembers) parts.calls.shift();
  parts.calls.push({
    method: request.method,
    path: url.pathname + url.search,
    route: name,
    ...(body === undefined ? {} : { body }),
    at: parts.settings.now().toISOString(),
    answered: outcome === "drop" ? "dropped" : outcome === "hang" ? "hung" : outcome.status,
  });
  if (outcome === "drop") return Response.error();
  if (outcome === "hang") return new Promise<never>(() => {});
  return toResponse(outcome, parts.meter.headers());
}

function attend(
  { settings, meter }: PortalParts,
  route: Omit<Route, "method" | "path">,
  request: Request,
  asked: Asked,
): Reply {
  if (request.headers.get("authorization") !== `Bearer ${settings.accessToken}`) return unauthenticated();
  const refused = meter.take();
  if (refused !== undefined) return refused;
  const version = asked.params["version"];
  if (version !== undefined && !settings.versions.includes(version)) return unknownRoute();
  if (route.scopes.length > 0 && !route.scopes.some((scope) => settings.scopes.includes(scope))) {
    return missingScopes(route.scopes);
  }
  return route.answer(asked);
}

function suffer(fault: PortalFault["fault"]): Outcome {
  if (fault === "garbage") return { status: 200, body: '{"status":"COMPLETE","results":[{"id' };
  if (fault === "empty") return { status: 200 };
  return fault;
}

function toResponse({ status, body, headers }: Reply, meterHeaders: Record<string, string>): Response {
  const all = { ...meterHeaders, ...headers };
  if (body === undefined) return new Response(null, { status, headers: all });
  if (typeof body === "string") return new Response(body, { status, headers: all });
  return new Response(JSON.stringify(body), {
    status,
    headers: { "Content-Type": "application/json;charset=utf-8", ...all },
  });
}

function decoded(groups: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value)]));
}

function parseJson(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
