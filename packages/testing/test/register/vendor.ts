import type { OperationName } from "@heed/core/contract";

// A vendor that keeps a register of people, small enough to be read in a minute, and answered for over HTTP.

interface Person {
  readonly id: string;
  email: string;
  /** What the search still finds the person by. */
  formerEmail?: string;
  name: string;
  /** Every list, "internal" included, which no topic is bound to. */
  readonly lists: Map<string, boolean>;
  /** One line for each change of a list. */
  readonly history: string[];
  readonly cards: string[];
  isExcluded: boolean;
}

export interface Register {
  readonly people: Map<string, Person>;
  /** Outlive the people that they were made out to. */
  readonly invoices: { readonly personId: string; readonly email: string }[];
  /** Operations that the key may not do, and is refused. `GET /account` lists the others. */
  readonly forbidden: Set<OperationName>;
  add(email: string, more?: Partial<Person>): Person;
  ofEmail(email: string): readonly Person[];
  answer(request: Request): Promise<Response>;
}

/** What there are scopes for. */
const operations: readonly OperationName[] = ["erase", "exclude"];
const lists = ["news", "offers", "internal"] as const;
const pageSize = 2;

export function register(): Register {
  const people = new Map<string, Person>();
  const invoices: Register["invoices"] = [];
  const forbidden: Register["forbidden"] = new Set();
  let made = 0;

  const shown = ({ id, email, name, lists, isExcluded, cards }: Person) => ({
    id,
    email,
    name,
    lists: Object.fromEntries(lists),
    excluded: isExcluded,
    paying: false,
    cardCount: cards.length,
    invoices: invoices.filter(({ personId }) => personId === id).length,
  });
  const matching = (email: string) =>
    [...people.values()].filter((each) =>
      [each.email, each.formerEmail].some((one) => one?.toLowerCase() === email.toLowerCase()),
    );

  async function body(request: Request): Promise<Record<string, unknown>> {
    return JSON.parse((await request.text()) || "{}") as Record<string, unknown>;
  }

  const routes: Readonly<Record<string, (ids: readonly string[], request: Request) => Promise<Response>>> = {
    "GET /account": async () =>
      Response.json({ id: "register-1", scopes: operations.filter((each) => !forbidden.has(each)) }),
    "GET /lists": async () => Response.json({ lists }),
    "GET /permissions": async () => Response.json({ write: true }),
    "POST /lookup": async (_, request) => {
      const emails = (await body(request))["emails"] as readonly string[];
      return Response.json({
        results: emails.flatMap((asked) => matching(asked).map(({ id, email }) => ({ asked, id, email }))),
        missing: emails.filter((email) => matching(email).length === 0),
      });
    },
    "POST /people": async (_, request) => {
      const { email } = (await body(request)) as { email: string };
      const [known] = matching(email);
      return Response.json({ id: (known ?? add(email, { lists: new Map() })).id });
    },
    "GET /people/{}": async ([id = ""]) => Response.json(shown(person(id))),
    "PATCH /people/{}": async ([id = ""], request) => {
      Object.assign(person(id), await body(request));
      return Response.json({ id });
    },
    "DELETE /people/{}": async ([id = ""], request) => {
      permit("erase");
      person(id);
      people.delete(id);
      if (new URL(request.url).searchParams.get("keep") !== "invoices")
        invoices.splice(0, invoices.length, ...invoices.filter(({ personId }) => personId !== id));
      return new Response(null, { status: 204 });
    },
    "POST /people/{}/exclusion": async ([id = ""]) => {
      permit("exclude");
      person(id).isExcluded = true;
      return Response.json({ id });
    },
    "PUT /people/{}/lists/{}": async ([id = "", list = ""], request) => {
      const { on } = (await body(request)) as { on: boolean };
      for (const name of list === "all" ? lists : [list]) {
        person(id).lists.set(name, on);
        person(id).history.push(`${name} ${on ? "on" : "off"}`);
      }
      return Response.json({ id });
    },
    "GET /people/{}/cards": async ([id = ""], request) => page(person(id).cards, request),
    "GET /cards/of/{}": async ([id = ""], request) => page(person(id).cards, request),
    "DELETE /people/{}/cards/{}": async ([id = "", card = ""]) => {
      const { cards } = person(id);
      const at = cards.indexOf(card);
      if (at === -1) throw refusal(404, "no-such-object");
      cards.splice(at, 1);
      return Response.json({ id: card });
    },
  };

  /** Goes on after an id; an id that is gone cannot be gone on from. */
  function page(ids: readonly string[], request: Request): Response {
    const after = new URL(request.url).searchParams.get("after");
    const at = after === null ? 0 : ids.indexOf(after) + 1;
    if (after !== null && at === 0) throw refusal(400, "no-such-cursor");
    const data = ids.slice(at, at + pageSize).map((id) => ({ id }));
    return Response.json({ data, more: at + pageSize < ids.length });
  }

  function permit(operation: OperationName): void {
    if (forbidden.has(operation)) throw refusal(403, "no-such-scope");
  }

  function person(id: string): Person {
    const found = people.get(id);
    if (found === undefined) throw refusal(404, "no-such-object");
    return found;
  }

  function add(email: string, more: Partial<Person> = {}): Person {
    made += 1;
    const person: Person = {
      id: `p${made}`,
      email,
      name: "Anna",
      lists: new Map(lists.map((list) => [list, true])),
      history: [],
      cards: [`card${made}a`, `card${made}b`],
      isExcluded: false,
      ...more,
    };
    people.set(person.id, person);
    invoices.push({ personId: person.id, email });
    return person;
  }

  return {
    people,
    invoices,
    forbidden,
    add,
    ofEmail: (email) => [...people.values()].filter((each) => each.email === email),
    async answer(request) {
      const { pathname } = new URL(request.url);
      for (const [route, act] of Object.entries(routes)) {
        const [method, path = ""] = route.split(" ");
        const match = new RegExp(`^${path.replaceAll("{}", "([^/]+)")}$`).exec(pathname);
        if (method !== request.method || match === null) continue;
        try {
          return await act(match.slice(1).map(decodeURIComponent), request);
        } catch (error) {
          if (error instanceof Response) return error;
          throw error;
        }
      }
      return Response.json({ code: "no-such-url" }, { status: 404 });
    },
  };
}

function refusal(status: number, code: string): Response {
  return Response.json({ code }, { status });
}
