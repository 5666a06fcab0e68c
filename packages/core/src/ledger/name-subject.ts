import type { HeedContext } from "../context.ts";
import type { Identifier, Subject } from "../contract/identifier.ts";
import { parseIdentifier, type ParsedIdentifier } from "../contract/parse-identifier.ts";
import { InvalidInputError } from "../errors/invalid-input-error.ts";
import { quoted } from "../errors/quoted.ts";

/** Kinds of identifier that a message can be sent to, and that a suppression is kept for. */
const addressKinds: ReadonlySet<string> = new Set(["email", "phone"]);

/** Identifiers as named by a caller, with the digests under which each may be stored. */
export interface Named {
  readonly identifiers: readonly ParsedIdentifier[];
  /** Per identifier: its index digest under every key that may be looked up, the active one first. */
  readonly digests: readonly (readonly [string, ...string[]])[];
}

/** Parses a subject. @throws InvalidInputError when it names nobody, an unknown kind, or cannot be read */
export function nameSubject(context: HeedContext, subject: Subject): Named {
  const known = knownKinds(context);
  const identifiers: ParsedIdentifier[] = [];
  for (const [kind, given] of Object.entries(subject)) {
    if (given === undefined) continue;
    const shape = known.get(kind);
    if (shape === undefined) {
      throw new InvalidInputError(
        `There is no ${quoted(kind)} among the kinds of identifiers. Known here: ${[...known.keys()].join(", ")}.`,
        {
          code: "unknown-identifier-kind",
          issues: [{ path: "subject", message: "unknown kind" }],
        },
      );
    }
    for (const value of Array.isArray(given) ? given : [given]) {
      const parsed = parseIdentifier(kind, value);
      if (shape !== null && !shape.test(parsed.value)) {
        throw new InvalidInputError(
          `The ${kind} does not have the shape that its processor expects (${shape.source}).`,
          {
            code: "unparsable-identifier",
            issues: [{ path: `subject.${kind}`, message: "unexpected shape" }],
          },
        );
      }
      const twice = identifiers.some((each) => each.kind === kind && each.written === parsed.written);
      if (!twice) identifiers.push(parsed);
    }
  }
  if (identifiers.length === 0) {
    throw new InvalidInputError(
      "The subject names nobody. Pass at least one identifier, for example { email }.",
      {
        issues: [{ path: "subject", message: "no identifier" }],
      },
    );
  }
  return { identifiers, digests: identifiers.map((each) => indexDigests(context, each)) };
}

/** Each kind that can be used, with the shape its processors ask for; common kinds have their own parser. */
function knownKinds(context: HeedContext): Map<string, RegExp | null> {
  const kinds = new Map<string, RegExp | null>([
    ["email", null],
    ["phone", null],
    ["accountId", null],
  ]);
  for (const [id, processor] of Object.entries(context.processors)) {
    // heed's own rows are no way for a caller to name anybody.
    if (id === "heed") continue;
    for (const [kind, shape] of Object.entries(processor.identifiers)) {
      if (!kinds.has(kind)) kinds.set(kind, shape);
    }
  }
  return kinds;
}

export function indexDigests(
  context: HeedContext,
  identifier: ParsedIdentifier,
): readonly [string, ...string[]] {
  return context.keys.digests("index", context.namespace, identifier.kind, identifier.canonical);
}

/** Suppression digests of addresses, under every key that may be looked up. */
export function suppressionLookups(
  context: HeedContext,
  identifiers: readonly ParsedIdentifier[],
): readonly string[] {
  return identifiers
    .filter((identifier) => addressKinds.has(identifier.kind))
    .flatMap(({ kind, canonical }) =>
      context.keys.digests("suppression", context.namespace, kind, canonical),
    );
}

/** Suppression digests of the subject's addresses, under the active key. */
export function suppressionDigests(
  context: Pick<HeedContext, "keys" | "namespace">,
  identifiers: readonly Identifier[],
): readonly string[] {
  const digests = identifiers
    .filter((identifier) => addressKinds.has(identifier.kind))
    .map((identifier) => {
      const { kind, canonical } = parseIdentifier(identifier.kind, identifier.value);
      return context.keys.digest("suppression", context.namespace, kind, canonical);
    });
  return [...new Set(digests)];
}
