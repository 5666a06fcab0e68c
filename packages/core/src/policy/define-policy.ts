import { InvalidInputError } from "../errors/invalid-input-error.ts";
import type { Controller, Keeps, LegalBasis, Policy, Recipient } from "./policy.ts";
import type { TopicClass } from "../contract/permit.ts";
import { lintPolicy } from "./lint-policy.ts";

/** Points a misspelled recipient in `via` out at the topic where it stands. */
type ViaCheck<R extends string, Via> = {
  topics: {
    [T in keyof Via]: unknown extends Via[T]
      ? unknown
      : [Via[T]] extends [R]
        ? unknown
        : { via: readonly R[] };
  };
};

/**
 * Declares what was promised: controller, recipients, purposes, topics. The names in it type every later
 * call, and are checked again at run time.
 *
 * @throws InvalidInputError `policy-contradicts-itself`, with every contradiction in `issues`, and every section that is
 *   missing or that a policy does not have
 * @example
 * definePolicy({
 *   controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
 *   recipients: { crm: { role: "processor", country: "US", transferTool: "scc" } },
 *   purposes: { news: { basis: "consent" } },
 *   topics: { "product-news": { class: "marketing", purpose: "news", via: ["crm"] } },
 * });
 */
export function definePolicy<
  const P extends string,
  const R extends string = never,
  const Via extends Record<string, unknown> = Record<never, never>,
>(
  policy: ViaCheck<NoInfer<R>, NoInfer<Via>> & {
    controller: Controller;
    recipients?: {
      [K in R]: {
        role: Recipient["role"];
        country: string;
        transferTool?: NonNullable<Recipient["transferTool"]>;
        trusts?: readonly string[];
        keeps?: readonly Keeps[];
      };
    };
    purposes: { [K in P]: { basis: LegalBasis | readonly LegalBasis[]; title?: string } };
    topics: {
      [T in keyof Via]: {
        class: TopicClass;
        purpose: NoInfer<P>;
        via?: readonly (Via[T] | NoInfer<R>)[];
        title?: string;
        subscribersOnly?: boolean;
      };
    };
  },
): Policy<{ purpose: P; topic: keyof Via & string; recipient: R; via: Via }> {
  if (typeof policy !== "object" || policy === null) {
    throw new InvalidInputError("definePolicy takes { controller, recipients, purposes, topics }.");
  }
  const { controller, recipients, purposes, topics, ...unknown } = policy;
  const register: Policy = frozen({
    controller,
    recipients: recipients ?? {},
    purposes,
    topics: topics as Policy["topics"],
    ...unknown,
  });
  const issues = lintPolicy(register);
  if (issues.length > 0) {
    const list = issues.map((issue) => `\n  - ${issue.path}: ${issue.message}`).join("");
    throw new InvalidInputError(`The policy contradicts itself or is incomplete:${list}`, {
      code: "policy-contradicts-itself",
      issues,
    });
  }
  return register as Policy<{ purpose: P; topic: keyof Via & string; recipient: R; via: Via }>;
}

/** A copy that cannot be changed at any depth: what was promised stands while the process runs. */
function frozen<T>(given: T): T {
  if (typeof given !== "object" || given === null) return given;
  const copy: unknown = Array.isArray(given)
    ? given.map((each: unknown) => frozen(each))
    : Object.fromEntries(Object.entries(given).map(([name, each]) => [name, frozen<unknown>(each)]));
  return Object.freeze(copy) as T;
}
