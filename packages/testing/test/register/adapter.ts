import {
  type Answers,
  type Call,
  type CallContext,
  type Clearance,
  type ExportedRecord,
  type Finding,
  type FoundTarget,
  isHeedError,
  type OperationName,
  type Outcome,
  type ProcessorError,
  type ProcessorV1,
  RateLimitedError,
  RejectedError,
  type Resolution,
  UnavailableError,
} from "@heed/core/contract";

/** All that the register does. */
export const operations = [
  "subscribe",
  "unsubscribe",
  "erase",
  "exclude",
  "forgetTokens",
  "export",
  "observe",
  "rectify",
  "restrict",
] as const satisfies readonly OperationName[];

export type Context = CallContext<"calls">;
type AnyCall = Call<OperationName, "email">;

/** One person as the register shows it. */
interface Shown {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly lists: Readonly<Record<string, boolean>>;
  readonly excluded: boolean;
  readonly paying: boolean;
  readonly invoices: number;
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body?: object;
}

/** The adapter in its parts, each of which a test may replace by a wrong one. */
export interface Parts {
  readonly baseUrl: string;
  readonly account: string;
  /** Our topic to the register's list. */
  readonly topics: Readonly<Record<string, string>>;
  /** Takes the turn, sends the request. */
  send(request: Asked, context: Context): Promise<Response>;
  /** What an answer other than success means. */
  failure(response: Response, code: unknown, operation: OperationName | "check"): ProcessorError;
  /** Reads a successful answer. @throws UnavailableError */
  read(response: Response, text: string, operation: OperationName | "check"): unknown;
  /** Sends and reads; a person who is gone is undefined. */
  ask(request: Asked, context: Context, operation: OperationName | "check"): Promise<unknown>;
  check(context: Context): ReturnType<ProcessorV1["check"]>;
  resolve(calls: readonly AnyCall[], context: Context): Promise<Answers<Resolution>>;
  show(id: string, context: Context, operation: OperationName): Promise<Shown | undefined>;
  /** Every card, page by page. */
  cards(path: string, context: Context, operation: OperationName): Promise<readonly string[]>;
  guard(call: AnyCall, context: Context): Promise<Clearance>;
  run(call: AnyCall, context: Context): Promise<Outcome>;
  /** The writes that are still needed, looked up, so that a second run writes nothing. */
  writesFor(call: AnyCall, person: Shown, context: Context): Promise<readonly Asked[]>;
  verify(call: AnyCall, context: Context): Promise<Finding>;
  /** Several calls, each with its own outcome. */
  runAll(calls: readonly AnyCall[], context: Context): Promise<Answers<Outcome>>;
  verifyAll(calls: readonly AnyCall[], context: Context): Promise<Answers<Finding>>;
}

/** The right adapter to the register. */
export function rightParts(baseUrl: string): Parts {
  const parts: Parts = {
    baseUrl,
    account: "register-1",
    topics: { news: "news", offers: "offers" },
    async send({ method, path, body }, context) {
      await context.turn("calls");
      return fetch(parts.baseUrl + path, {
        method,
        signal: context.signal,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    },
    failure({ status, headers }, code, operation) {
      const about = { processor: "register", operation, status };
      if (status === 429)
        return new RateLimitedError("The register asks to slow down.", {
          ...about,
          retryAfterMs: 1000 * Number(headers.get("retry-after") ?? 1),
        });
      // The list that was being read has changed: it is read anew.
      if (status >= 500 || code === "no-such-cursor")
        return new UnavailableError("The register gave no answer.", about);
      const isMissing = status === 404 && code === "no-such-object";
      return new RejectedError("The register refused.", {
        ...about,
        ...(isMissing ? { code: "missing" } : {}),
      });
    },
    read({ status }, text, operation) {
      const answer = parsed(text);
      // A 204 has no body; anything else without one is nobody's answer.
      if (answer === undefined && status !== 204) throw unreadable(operation);
      return answer;
    },
    async ask(request, context, operation) {
      let response: Response;
      let text: string;
      try {
        response = await parts.send(request, context);
        text = await response.text();
      } catch (error) {
        // What `fetch` throws when there is no answer. An abort has a reason of its own.
        if (!(error instanceof TypeError)) throw error;
        throw new UnavailableError("The register could not be reached.", {
          processor: "register",
          operation,
        });
      }
      if (!response.ok)
        throw parts.failure(
          response,
          (parsed(text) as { code?: unknown } | null | undefined)?.code,
          operation,
        );
      return parts.read(response, text, operation);
    },
    async check(context) {
      const opened = await parts.ask({ method: "GET", path: "/account" }, context, "check");
      const isPermitted = await parts.ask({ method: "GET", path: "/permissions" }, context, "check").then(
        () => true,
        (error: unknown) => {
          if (isHeedError(error) && error.name === "RejectedError") return false;
          throw error;
        },
      );
      return {
        account: idIn(opened, "check"),
        lacks: isPermitted ? [] : operations.map((operation) => ({ operation, needs: "people: write" })),
        unknownTopics: isPermitted ? await unknownTopics(parts, context) : [],
      };
    },
    async resolve(calls, context) {
      const operation = calls[0]?.operation ?? "erase";
      const emails = calls.map(({ identifiers: [{ value }] }) => value);
      const answer = await parts.ask(
        { method: "POST", path: "/lookup", body: { emails } },
        context,
        operation,
      );
      const { results, missing } = (answer ?? {}) as {
        results?: readonly { asked: string; id: string; email: string }[];
        missing?: readonly string[];
      };
      if (!Array.isArray(results) || !Array.isArray(missing)) throw unreadable(operation);
      const answers = new Map<string, Resolution>();
      for (const { id, identifiers } of calls) {
        const [via] = identifiers;
        const own = results.filter(({ asked }) => asked === via.value);
        if (own.length === 0 && !missing.includes(via.value)) continue;
        const targets = own
          .filter(({ email }) => email === via.value)
          .map((each): FoundTarget => ({ kind: "person", id: each.id, via, verified: true }));
        answers.set(id, { targets });
      }
      return answers;
    },
    async show(id, context, operation) {
      const shown = await orMissing(() =>
        parts.ask({ method: "GET", path: `/people/${id}` }, context, operation),
      );
      if (shown === undefined) return undefined;
      const { lists, name } = (shown ?? {}) as Partial<Shown>;
      if (typeof lists !== "object" || typeof name !== "string") throw unreadable(operation);
      return shown as Shown;
    },
    async cards(path, context, operation) {
      const found = new Set<string>();
      for (let after: string | undefined; ;) {
        const query: string = after === undefined ? "" : `?after=${after}`;
        const page = (await orMissing(() =>
          parts.ask({ method: "GET", path: path + query }, context, operation),
        )) as { data?: { id: string }[]; more?: boolean } | null | undefined;
        if (page === undefined) return [...found];
        if (!Array.isArray(page?.data) || typeof page.more !== "boolean") throw unreadable(operation);
        for (const { id } of page.data) found.add(id);
        after = page.data.at(-1)?.id;
        if (!page.more || after === undefined) return [...found];
      }
    },
    async guard(call, context) {
      for (const { id } of call.targets)
        if ((await parts.show(id, context, call.operation))?.paying === true)
          return { blockedBy: "paying", checkAfterMs: 86_400_000 };
      return { clear: true };
    },
    async run(call, context) {
      const { operation, targets } = call;
      if (operation === "restrict")
        return { status: "manual", instruction: "Restrict this person on the register's own page." };
      if (operation === "export") {
        if (targets.length === 0) return { status: "absent" };
        return { status: "done", records: records(parts, call, context) };
      }
      if (targets.length === 0) {
        if (operation === "subscribe") {
          const [{ value: email }] = call.identifiers;
          const path = "/people";
          const created = await parts.ask({ method: "POST", path, body: { email } }, context, operation);
          const id = idIn(created, operation);
          return parts.run({ ...call, targets: [{ kind: "person", id }] }, context);
        }
        const isSilent =
          operation === "unsubscribe" && !(call.input as { onlyIfKnown?: boolean }).onlyIfKnown;
        return isSilent ? { status: "done", affected: 0 } : { status: "absent" };
      }
      if (operation === "observe") return observe(parts, call, context);
      let affected = 0;
      let invoices = 0;
      let isGone = false;
      for (const { id } of targets) {
        const person = await parts.show(id, context, operation);
        isGone ||= person === undefined;
        if (person === undefined) continue;
        invoices += person.invoices;
        for (const request of await parts.writesFor(call, person, context)) {
          await orMissing(() => parts.ask(request, context, operation));
          affected += 1;
        }
      }
      const keep = "keep" in call.input ? call.input.keep : [];
      // Of whoever is gone already, nobody can look any more: their invoices were to stay, and count as kept.
      const mayHave = invoices > 0 || isGone;
      const retained = mayHave ? keep.filter(({ category }) => category === "invoices") : [];
      return { status: "done", affected, ...(retained.length > 0 ? { retained } : {}) };
    },
    async writesFor({ operation, input }, person, context) {
      const path = `/people/${person.id}`;
      if (operation === "subscribe" || operation === "unsubscribe") {
        const on = operation === "subscribe";
        const asked = (input as { topics: readonly string[] | "all" }).topics;
        if (asked === "all") {
          const isOut = Object.values(person.lists).every((each) => !each);
          return isOut ? [] : [{ method: "PUT", path: `${path}/lists/all`, body: { on } }];
        }
        return asked
          .filter((topic) => topic in parts.topics && (person.lists[topic] ?? false) !== on)
          .map((topic) => ({ method: "PUT", path: `${path}/lists/${topic}`, body: { on } }));
      }
      if (operation === "erase") {
        const keeps = "keep" in input && input.keep.some(({ category }) => category === "invoices");
        return [{ method: "DELETE", path: keeps ? `${path}?keep=invoices` : path }];
      }
      if (operation === "exclude")
        return person.excluded ? [] : [{ method: "POST", path: `${path}/exclusion`, body: {} }];
      if (operation === "forgetTokens")
        return (await parts.cards(`${path}/cards`, context, operation)).map((card) => ({
          method: "DELETE",
          path: `${path}/cards/${card}`,
        }));
      return isAsAsked({ operation, input } as AnyCall, person)
        ? []
        : [{ method: "PATCH", path, body: (input as { changes: object }).changes }];
    },
    async verify(call, context) {
      const found = (await parts.resolve([call], context)).get(call.id);
      if (found === undefined) return { seen: "unknown" };
      const ids = new Set([...call.targets, ...found.targets].map(({ id }) => id));
      if (ids.size === 0) return { seen: call.operation === "subscribe" ? "not-as-asked" : "as-asked" };
      for (const id of ids) {
        const person = await parts.show(id, context, call.operation);
        const isDone =
          call.operation === "forgetTokens"
            ? (await parts.cards(`/cards/of/${id}`, context, call.operation)).length === 0
            : isAsAsked(call, person);
        if (!isDone) return { seen: "not-as-asked" };
      }
      return { seen: "as-asked" };
    },
    async runAll(calls, context) {
      return answerEach(calls, async (call): Promise<Outcome> => {
        try {
          return await parts.run(call, context);
        } catch (error) {
          const concernsOne = error instanceof RejectedError && error.status === 400;
          if (!concernsOne) throw error;
          return { status: "failed", error };
        }
      });
    },
    verifyAll: (calls, context) => answerEach(calls, (call) => parts.verify(call, context)),
  };
  return parts;
}

async function unknownTopics({ ask, topics }: Parts, context: Context): Promise<readonly string[]> {
  const answer = await ask({ method: "GET", path: "/lists" }, context, "check");
  const { lists } = (answer ?? {}) as { lists?: readonly string[] };
  if (!Array.isArray(lists)) throw unreadable("check");
  return Object.keys(topics).filter((topic) => !lists.includes(topics[topic]));
}

function isAsAsked({ operation, input }: AnyCall, person: Shown | undefined): boolean {
  if (person === undefined) return operation === "erase" || operation === "unsubscribe";
  const asked = "topics" in input ? input.topics : [];
  if (operation === "subscribe") return asked !== "all" && asked.every((topic) => person.lists[topic]);
  if (operation === "unsubscribe")
    return (asked === "all" ? Object.keys(person.lists) : asked).every((topic) => !person.lists[topic]);
  if (operation === "exclude") return person.excluded;
  if (operation === "rectify")
    return Object.entries("changes" in input ? input.changes : {}).every(
      ([key, value]) => (person as unknown as Record<string, unknown>)[key] === value,
    );
  return false;
}

async function* records(parts: Parts, call: AnyCall, context: Context): AsyncGenerator<ExportedRecord> {
  for (const { id } of call.targets) {
    const person = await parts.show(id, context, "export");
    if (person === undefined) continue;
    yield { category: "people", data: person };
    for (const card of await parts.cards(`/people/${id}/cards`, context, "export"))
      yield { category: "cards", data: { id: card } };
  }
}

/** The register tells of no choice since when it is: whose it is is all there is to be seen. */
async function observe(parts: Parts, { targets }: AnyCall, context: Context): Promise<Outcome<"observe">> {
  const people = await Promise.all(targets.map(({ id }) => parts.show(id, context, "observe")));
  const emails = people.flatMap((person) => person?.email ?? []);
  if (emails.length === 0) return { status: "absent" };
  return { status: "done", choices: [], addresses: emails.map((value) => ({ kind: "email", value })) };
}

async function answerEach<T>(
  calls: readonly AnyCall[],
  one: (call: AnyCall) => Promise<T>,
): Promise<Answers<T>> {
  const answers = new Map<string, T>();
  for (const call of calls) {
    try {
      answers.set(call.id, await one(call));
    } catch (error) {
      if (answers.size === 0) throw error;
      break;
    }
  }
  return answers;
}

async function orMissing<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof RejectedError && error.code === "missing") return undefined;
    throw error;
  }
}

function idIn(answer: unknown, operation: OperationName | "check"): string {
  const { id } = (answer ?? {}) as { id?: unknown };
  if (typeof id !== "string") throw unreadable(operation);
  return id;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unreadable(operation: OperationName | "check"): UnavailableError {
  return new UnavailableError("The register's answer cannot be read.", { processor: "register", operation });
}

/** The processor, made of its parts. Whoever replaces a part has replaced it everywhere. */
export function processorOf(parts: Parts): ProcessorV1<"email", "news" | "offers", "calls"> {
  const common = { batchSize: 10, repeat: "safe", settlingMs: 0 } as const;
  const asking = {
    ...common,
    resolve: (calls: readonly AnyCall[], context: Context) => parts.resolve(calls, context),
    run: (calls: readonly AnyCall[], context: Context) => parts.runAll(calls, context) as never,
    verify: (calls: readonly AnyCall[], context: Context) => parts.verifyAll(calls, context),
  };
  return {
    specificationVersion: "v1",
    name: "register",
    account: parts.account,
    identifiers: { email: /@/ },
    topics: parts.topics,
    limits: { calls: { calls: 1000, perMs: 1000, burst: 500, delayMs: 0 } },
    operations: {
      subscribe: asking,
      unsubscribe: { ...asking, matches: "several" },
      erase: { ...asking, effects: ["irreversible"] },
      exclude: asking,
      forgetTokens: {
        ...asking,
        matches: "several",
        guard: async (calls, context) => answerEach(calls, (call) => parts.guard(call, context)),
      },
      export: { ...asking, verify: { acknowledgedOnly: "an export changes nothing" } },
      observe: { ...asking, verify: { acknowledgedOnly: "it only looks" } },
      rectify: asking,
      restrict: { ...asking, verify: { acknowledgedOnly: "a human does it" } },
    },
    check: (context) => parts.check(context),
  };
}
