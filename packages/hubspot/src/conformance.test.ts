import { describeProcessor, type WorldFault } from "@heed/testing";
import { hubspot } from "./hubspot.ts";
import { hubspotPortal, type PortalFault } from "./testing/index.ts";
import { missingScopes, rateLimited, unauthenticated, unknownRoute } from "./testing/replies.ts";

type Struck = Pick<PortalFault, "fault" | "path" | "afterEffect">;

const lies: readonly Struck[] = [
  { path: "gdpr-delete", fault: { status: 204 } },
  { path: "/unsubscribe-all", fault: { status: 200, body: { status: "COMPLETE", results: [] } } },
  { path: /\/statuses\/[^/]+$/, fault: { status: 200, body: { status: "COMPLETE", results: [] } } },
];

const faults: Readonly<Record<Exclude<WorldFault, "ignores-writes">, Struck>> = {
  unauthorized: { fault: unauthenticated() },
  forbidden: { fault: missingScopes(["crm.objects.contacts.write"]) },
  "unknown-url": { fault: unknownRoute() },
  "rate-limited": { fault: rateLimited("TEN_SECONDLY_ROLLING", undefined) },
  unavailable: { fault: { status: 503, body: "upstream" } },
  garbage: { fault: "garbage", afterEffect: false },
  "cut-before": { fault: "drop" },
  "cut-after": { fault: "drop", afterEffect: true },
  hang: { fault: "hang" },
};

describeProcessor({
  name: "hubspot",
  operations: ["unsubscribe", "erase"],
  async create() {
    const portal = hubspotPortal({
      definitions: [{ id: "4711" }, { id: "4712" }],
      burst: { calls: 10_000, perMs: 10_000 },
    });
    const { url: baseUrl, close } = await portal.listen();
    const options = {
      accessToken: portal.accessToken,
      baseUrl,
      topics: { news: { subscriptionId: "4711" }, offers: { subscriptionId: "4712" } },
    };
    const mutating = /gdpr-delete|^(?:PATCH|PUT|DELETE) |POST \S*\/(?:unsubscribe-all|statuses)/;
    return {
      processor: hubspot({ ...options, portalId: portal.portalId }),
      misconfigured: hubspot({ ...options, portalId: "111" }),
      world: {
        add(email) {
          portal.addContact({ email, properties: { firstname: "Anna" } });
          portal.choose(email, "4711", "SUBSCRIBED");
        },
        holds: (operation, email) =>
          operation === "unsubscribe"
            ? ["4711", "4712"].some((id) => portal.status(email, id) !== "UNSUBSCRIBED")
            : portal.dossier(email).contacts.length > 0,
        snapshot(email) {
          // When something was last written there is not what is held of the person.
          return JSON.stringify(portal.dossier(email), (key, value: unknown) =>
            key === "at" ? undefined : value,
          );
        },
        fault(fault) {
          const strikes =
            fault === "ignores-writes" ? lies.map((lie) => ({ ...lie, method: "POST" })) : [faults[fault]];
          for (const strike of strikes) portal.inject({ ...strike, times: Number.POSITIVE_INFINITY });
        },
        heal: () => portal.heal(),
        requests: () => ({ total: portal.calls.length, mutating: portal.countCalls(mutating) }),
      },
      close,
    };
  },
});
