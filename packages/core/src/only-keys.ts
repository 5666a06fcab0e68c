import { InvalidInputError } from "./errors/invalid-input-error.ts";

type KeysOf<A> = A extends unknown ? keyof A : never;

/** Every key that a value of this type may have: the compiler sees to it that none is left out. */
export type KnownKeys<A> = Readonly<Record<KeysOf<A> & string, unknown>>;

/**
 * What a caller passed, if it has no key but those that the call knows. One whose value is undefined is as good as
 * left out. The refusal names the known keys, never the one that was passed, which may be anything.
 *
 * @param call what was called, for example `"requests.open"`
 * @throws InvalidInputError `unknown-option`
 */
export function onlyKeys<A>(given: A & object, call: string, known: KnownKeys<A>): A {
  for (const key of Object.keys(given)) {
    if (Object.hasOwn(known, key) || Reflect.get(given, key) === undefined) continue;
    throw key === "within" ? joinsNothing(call) : unknownOption(call, key, Object.keys(known));
  }
  return given;
}

/** What a caller passed, if it asks to join no transaction. @throws InvalidInputError `unknown-option` */
export function alone<A>(given: A, call: string): A {
  const asksToJoin =
    typeof given === "object" && given !== null && "within" in given && given.within !== undefined;
  if (asksToJoin) throw joinsNothing(call);
  return given;
}

/** The caller would take what was done for part of their transaction. */
function joinsNothing(call: string): InvalidInputError {
  return new InvalidInputError(
    `${call} does not join a transaction of yours. Leave \`within\` out, and call it outside of one.`,
    { code: "unknown-option", issues: [{ path: call, message: "joins no transaction" }] },
  );
}

function unknownOption(call: string, key: string, known: readonly string[]): InvalidInputError {
  const meant = known.find((each) => isNearly(each.toLowerCase(), key.toLowerCase()));
  const hint = meant === undefined ? "" : ` Did you mean \`${meant}\`?`;
  return new InvalidInputError(
    `${call} was passed something that it does not know.${hint} It takes: ${known.join(", ")}.`,
    { code: "unknown-option", issues: [{ path: call, message: "unknown option" }] },
  );
}

/** Whether two words differ in one letter at most, or in two that changed places. */
export function isNearly(one: string, other: string): boolean {
  let same = 0;
  while (same < one.length && one[same] === other[same]) same += 1;
  const [a, b] = [one.slice(same), other.slice(same)];
  const isSwapped = a[0] === b[1] && a[1] === b[0] && a.slice(2) === b.slice(2);
  return isSwapped || a.slice(1) === b || a === b.slice(1) || a.slice(1) === b.slice(1);
}
