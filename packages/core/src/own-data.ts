import { domainToUnicode } from "node:url";
import { asked } from "./asked.ts";
import { each } from "./contract/each.ts";
import type { Call, ExportedRecord } from "./contract/operation.ts";
import type { Operation, ProcessorV1 } from "./contract/processor.ts";
import { InvalidInputError, type InputIssue } from "./errors/invalid-input-error.ts";
import { isNearly } from "./only-keys.ts";

/**
 * How heed reaches the application's own rows. Functions get the identifier as the application wrote it. What one
 * throws is tried again, but for a `RejectedError`: that ends the step as failed, and a human is asked.
 */
export interface OwnData<Kind extends "email" | "accountId"> {
  /** The identifier by which the application finds a person. */
  readonly by: Kind;
  /** Removes everything of this person. Called again after a crash: removing nothing is fine. */
  erase(value: string): Promise<unknown>;
  /** Reads back: is anything of this person left? */
  holds(value: string): Promise<boolean>;
  /** Everything that is held of this person. */
  export?(value: string): Promise<unknown>;
}

/**
 * The processor for the application's own tables. `options` may be an instance of a class, with whatever else it has.
 *
 * @throws InvalidInputError when a part is missing or unusable, or where one is absent and a function is nearly called so
 * @example ownData({ by: "email", erase: (email) => users.remove({ email }), holds: (email) => users.has({ email }) })
 */
export function ownData<Kind extends "email" | "accountId">(
  options: OwnData<Kind>,
): ProcessorV1<Kind, never, never> {
  checkOwnData(options);
  const erase = options.erase.bind(options);
  const holds = options.holds.bind(options);
  const valuesOf = (call: Pick<Call, "identifiers">) => [
    ...new Set(
      call.identifiers
        .filter(({ kind }) => kind === options.by)
        .flatMap(({ value }) => (options.by === "email" ? emailSpellings(value) : [value])),
    ),
  ];
  const holdsAny = async (call: Call) => {
    for (const value of valuesOf(call)) if (await holds(value)) return true;
    return false;
  };
  const eraseOperation: Operation<"erase", Kind, never> = {
    batchSize: 20,
    repeat: "safe",
    settlingMs: 0,
    effects: ["irreversible"],
    run: each(async (call, context) => {
      if (!(await holdsAny(call))) return { status: "absent" };
      for (const value of valuesOf(call)) {
        await context.proceed?.();
        await erase(value);
      }
      return { status: "done", affected: 1 };
    }),
    verify: each(async (call) => ({ seen: (await holdsAny(call)) ? "not-as-asked" : "as-asked" })),
  };
  const read = options.export?.bind(options);
  const exportOperation: Operation<"export", Kind, never> | undefined =
    read === undefined
      ? undefined
      : {
          batchSize: 1,
          repeat: "safe",
          settlingMs: 0,
          run: each(async (call) => {
            const records: ExportedRecord[] = [];
            for (const value of valuesOf(call))
              if (await holds(value)) records.push({ category: "own-data", data: await read(value) });
            return records.length === 0 ? { status: "absent" } : { status: "done", records };
          }),
          verify: { acknowledgedOnly: "an export changes nothing that could be read back" },
        };
  return {
    specificationVersion: "v1",
    name: "own-data",
    account: "own",
    identifiers: { [options.by]: /./u } as Record<Kind, RegExp>,
    topics: {},
    limits: {},
    operations: {
      erase: eraseOperation,
      ...(exportOperation === undefined ? {} : { export: exportOperation }),
    },
    check: async () => ({ account: "own", lacks: [], unknownTopics: [] }),
  };
}

const functions = {
  erase: "a function that removes everything of the person",
  holds: "a function that reads back whether anything of the person is left",
  export: "a function that reads everything that is held of the person, or nothing",
};

/** What the compiler checks, at run time. */
function checkOwnData(options: OwnData<"email" | "accountId">): void {
  const given: object = asked(options, "ownData", "{ by, erase, holds }");
  const issues: InputIssue[] = [];
  if (options.by !== "email" && options.by !== "accountId")
    issues.push({ path: "by", message: 'pass "email" or "accountId", by which your tables find a person' });
  for (const [path, pass] of Object.entries(functions)) {
    const part: unknown = Reflect.get(given, path);
    if (typeof part === "function") continue;
    const isSlip = part === undefined && hasNearly(given, path);
    if (path === "export" && part === undefined && !isSlip) continue;
    const meant = isSlip ? ". There is a function that is nearly called so" : "";
    issues.push({ path, message: `pass ${pass}${meant}` });
  }
  if (issues.length === 0) return;
  const list = issues.map((issue) => `\n  - ${issue.path}: ${issue.message}`).join("");
  throw new InvalidInputError(`ownData cannot reach your tables with what it was passed:${list}`, { issues });
}

/** Whether it has a function, of its own or of its class, whose name is nearly this one. */
function hasNearly(given: object, name: string): boolean {
  for (let at: object | null = given; at !== null && at !== Object.prototype; at = Reflect.getPrototypeOf(at))
    for (const each of Object.getOwnPropertyNames(at))
      if (isNearly(name, each.toLowerCase()) && typeof Reflect.get(given, each) === "function") return true;
  return false;
}

/** The ways in which an application may have written an address: as given, the domain in letters, lower case. */
function emailSpellings(value: string): readonly string[] {
  const at = value.lastIndexOf("@") + 1;
  const domain = domainToUnicode(value.slice(at));
  const all = domain === "" ? [value] : [value, value.slice(0, at) + domain];
  return all.flatMap((spelling) => [spelling, spelling.toLowerCase()]);
}
