import type { PortalParts, Route } from "./endpoint.ts";
import { brandOf, preferenceBook } from "./preference-book.ts";
import { invalid, type Reply } from "./replies.ts";

const base = "/communication-preferences/:version";
const read = ["communication_preferences.read", "communication_preferences.read_write"];
const write = ["communication_preferences.write", "communication_preferences.read_write"];

/** Subscription types, the statuses of an address, and its opt-out of everything of one brand. */
export function preferenceRoutes(parts: PortalParts): readonly Route[] {
  const { settings, store } = parts;
  const book = preferenceBook(parts);

  /** What is wrong with an ask about one address of one brand. */
  function problemOf(email: string, query: URLSearchParams): Reply | undefined {
    if (query.get("channel") !== "EMAIL") return invalid("channel must be EMAIL");
    return book.problemOf(email, query.get("businessUnitId"));
  }

  return [
    {
      method: "get",
      path: `${base}/definitions`,
      scopes: read,
      answer({ query }) {
        const brand = query.get("businessUnitId");
        const shown = settings.definitions.filter((each) => brand === null || brandOf(each) === brand);
        return complete(
          shown.map((each) => ({
            id: each.id,
            name: each.name ?? `Subscription ${each.id}`,
            description: "",
            isActive: true,
            isDefault: false,
            isInternal: false,
            businessUnitId: Number(brandOf(each)),
            createdAt: book.openedAt,
            updatedAt: book.openedAt,
          })),
        );
      },
    },
    {
      method: "get",
      path: `${base}/statuses/:email`,
      scopes: read,
      answer({ params, query }) {
        const email = params["email"] ?? "";
        const state = store.asOf(settings.lagMs);
        return (
          problemOf(email, query) ??
          complete(settings.arrange(book.statusRows(state, email, query.get("businessUnitId"))))
        );
      },
    },
    {
      method: "post",
      path: `${base}/statuses/:email`,
      scopes: write,
      answer({ params, body }) {
        const answered = book.set(params["email"] ?? "", body);
        return "problem" in answered ? answered.problem : complete([answered.row]);
      },
    },
    {
      method: "get",
      path: `${base}/statuses/:email/unsubscribe-all`,
      scopes: read,
      answer({ params, query }) {
        const email = params["email"] ?? "";
        const problem = problemOf(email, query);
        if (problem !== undefined) return problem;
        if (settings.wideReadNeedsVerbose && query.get("verbose") !== "true") return complete([]);
        const state = store.asOf(settings.lagMs);
        return complete(book.wideRows(state, email, query.get("businessUnitId") ?? "0"));
      },
    },
    {
      method: "post",
      path: `${base}/statuses/:email/unsubscribe-all`,
      scopes: write,
      answer({ params, query }) {
        const email = params["email"] ?? "";
        const brand = query.get("businessUnitId") ?? "0";
        const problem = problemOf(email, query) ?? book.optOut(email, brand);
        if (problem !== undefined) return problem;
        return complete(query.get("verbose") === "true" ? book.wideRows(store.current, email, brand) : []);
      },
    },
  ];
}

function complete(results: readonly object[]): Reply {
  return { status: 200, body: { status: "COMPLETE", results } };
}
