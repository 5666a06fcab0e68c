import { z } from "zod";
import type { Asked, PortalParts, Route } from "./endpoint.ts";
import { preferenceBook } from "./preference-book.ts";
import { invalid, missingScopes, tooLarge, type Reply } from "./replies.ts";

const base = "/communication-preferences/:version/statuses/batch";
const read = ["communication_preferences.statuses.batch.read"];
const write = ["communication_preferences.statuses.batch.write"];

const addressesBody = z.object({ inputs: z.array(z.string()) });
const writeBody = z.object({ inputs: z.array(z.looseObject({ subscriberIdString: z.string() })) });

/** Preferences by the hundred: for Enterprise accounts only, whatever the token was granted. */
export function preferenceBatchRoutes(parts: PortalParts): readonly Route[] {
  const { settings, store } = parts;
  const book = preferenceBook(parts);

  function sized(count: number): Reply | undefined {
    if (count <= settings.preferenceBatchMax) return undefined;
    const message = `The maximum number of inputs is ${settings.preferenceBatchMax}`;
    return settings.preferenceBatchTooLarge === 413 ? tooLarge(message) : invalid(message);
  }

  function answered(rows: readonly object[], refused: readonly Reply[]): Reply {
    const answer = { status: "COMPLETE", results: settings.arrange(rows) };
    if (refused.length === 0) return { status: 200, body: answer };
    const errors = settings.arrange(refused.map(({ body }) => body));
    return { status: settings.preferenceBatchPartial, body: { ...answer, numErrors: errors.length, errors } };
  }

  function batchRoute(
    path: string,
    scopes: readonly string[],
    answer: (asked: Asked, brand: string | null) => Reply,
  ): Route {
    return {
      method: "post",
      path: base + path,
      scopes,
      answer: (asked) =>
        settings.tier === "enterprise"
          ? answer(asked, asked.query.get("businessUnitId"))
          : missingScopes(scopes),
    };
  }

  /** A batch of addresses, each answered by itself. */
  const byAddress =
    (one: (email: string, brand: string | null, verbose: boolean) => object | Reply) =>
    ({ query, body }: Asked, brand: string | null): Reply => {
      if (query.get("channel") !== "EMAIL") return invalid("channel must be EMAIL");
      const parsed = addressesBody.safeParse(body);
      if (!parsed.success) return invalid("Invalid input JSON");
      const { inputs } = parsed.data;
      const problem = sized(inputs.length);
      if (problem !== undefined) return problem;
      const rows = inputs.map((email) => one(email, brand, query.get("verbose") === "true"));
      return answered(
        rows.filter((row) => !isReply(row)),
        rows.filter(isReply),
      );
    };

  return [
    batchRoute(
      "/read",
      read,
      byAddress(
        (email, brand) =>
          book.problemOf(email, brand) ?? {
            subscriberIdString: email,
            statuses: book.statusRows(store.asOf(settings.lagMs), email, brand),
          },
      ),
    ),
    batchRoute(
      "/unsubscribe-all/read",
      read,
      byAddress(
        (email, brand) =>
          book.problemOf(email, brand) ?? {
            subscriberIdString: email,
            wideStatuses: book.wideRows(store.asOf(settings.lagMs), email, brand ?? "0"),
          },
      ),
    ),
    batchRoute(
      "/unsubscribe-all",
      write,
      byAddress(
        (email, brand, verbose) =>
          book.optOut(email, brand ?? "0") ?? {
            subscriberIdString: email,
            ...(verbose ? { statuses: book.wideRows(store.current, email, brand ?? "0") } : {}),
          },
      ),
    ),
    batchRoute("/write", write, ({ body }) => {
      const parsed = writeBody.safeParse(body);
      if (!parsed.success) return invalid("Invalid input JSON");
      const { inputs } = parsed.data;
      const problem = sized(inputs.length);
      if (problem !== undefined) return problem;
      const results = inputs.map(({ subscriberIdString, ...change }) => book.set(subscriberIdString, change));
      return answered(
        results.flatMap((each) => ("row" in each ? each.row : [])),
        results.flatMap((each) => ("problem" in each ? each.problem : [])),
      );
    }),
  ];
}

function isReply(row: object): row is Reply {
  return "status" in row && "body" in row;
}
