/** One call that reached the portal. */
export interface PortalCall {
  readonly method: string;
  /** Path and query as they were sent. */
  readonly path: string;
  /** The route that answered, for example `"POST /crm/objects/:version/contacts/gdpr-delete"`, or `"unknown"`. */
  readonly route: string;
  /** The parsed body; absent when there was none or it was not JSON. */
  readonly body?: unknown;
  /** RFC 3339. */
  readonly at: string;
  /** The status that was answered, or what happened instead. */
  readonly answered: number | "dropped" | "hung";
}

/** How many of the calls went to a route (a part of its name, or a pattern); all of them without one. */
export function countCalls(calls: readonly PortalCall[], route: string | RegExp = ""): number {
  return calls.filter((call) =>
    typeof route === "string" ? call.route.includes(route) : route.test(call.route),
  ).length;
}
