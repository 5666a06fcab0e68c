import type { Between, Setup } from "../../src/describe-processor/world.ts";
import { type Parts, processorOf, rightParts } from "./adapter.ts";
import { register } from "./vendor.ts";

/** What a test makes wrong about the adapter. The vendor is there to be misused by it. */
export type Slip = (parts: Parts, vendor: ReturnType<typeof register>) => Partial<Parts>;

/** The register, and the adapter to it: the right one, or with a slip. */
export async function registerScene(between: Between, slip: Slip = () => ({})): Promise<Setup> {
  const vendor = register();
  const baseUrl = await between(vendor.answer);
  const made = (changed: Partial<Parts> = {}) => {
    const parts = Object.assign(rightParts(baseUrl), changed);
    Object.assign(parts, slip({ ...parts }, vendor));
    return processorOf(parts);
  };
  const listsOf = (asked: readonly string[] | "all") =>
    asked === "all" ? ["news", "offers", "internal"] : asked;
  return {
    processor: made(),
    misconfigured: made({ account: "register-2" }),
    misbound: made({ topics: { news: "news", offers: "no such list" } }),
    inputs: { rectify: { changes: { name: "Anna Nilsson" } } },
    byHand: ["restrict"],
    world: {
      add(email, operation) {
        vendor.add(email, operation === "subscribe" ? { lists: new Map([["news", false]]) } : {});
      },
      isDone(email, asked) {
        const people = vendor.ofEmail(email);
        switch (asked.operation) {
          case "subscribe":
            return (
              people.length > 0 &&
              people.every(({ lists }) => asked.input.topics.every((each) => lists.get(each)))
            );
          case "unsubscribe":
            return people.every(({ lists }) =>
              listsOf(asked.input.topics).every((each) => lists.get(each) !== true),
            );
          case "erase":
            return people.length === 0;
          case "exclude":
            return people.every(({ isExcluded }) => isExcluded);
          case "forgetTokens":
            return people.every(({ cards }) => cards.length === 0);
          case "rectify":
            return people.every(({ name }) => name === asked.input.changes["name"]);
          case "export":
          case "observe":
          case "restrict":
            return false;
          default: {
            const never: never = asked;
            return never;
          }
        }
      },
      snapshot(email) {
        const people = vendor.ofEmail(email).map((each) => ({ ...each, lists: [...each.lists] }));
        const invoices = vendor.invoices.filter((each) => each.email === email);
        return people.length + invoices.length === 0 ? "" : JSON.stringify({ people, invoices });
      },
      writes: ({ method, path }) => method !== "GET" && path !== "/lookup",
      replies: {
        missingScope: { status: 403, body: { code: "no-such-scope" } },
        unknownUrl: { status: 404, body: { code: "no-such-url" } },
      },
      crowd(email) {
        const { cards } = vendor.add(email, {
          cards: Array.from({ length: 9 }, (_, index) => `many${index}`),
        });
        // The last one of the first page.
        return () => void cards.splice(1, 1);
      },
      twin: (email) => void vendor.add(email),
      alike: (email) => vendor.add(`new.${email}`, { formerEmail: email }).email,
      keep: {
        category: "invoices",
        isThere: (email) => vendor.invoices.some((each) => each.email === email),
      },
      facts: (email) => vendor.ofEmail(email).flatMap(({ name, cards }) => [email, name, ...cards]),
    },
  };
}

const onePage = "works through every page of a set, also while it shrinks";

/** What the register has nothing of. */
export const registerCannot = (
  ["subscribe", "unsubscribe", "erase", "exclude", "rectify", "observe"] as const
).map((operation) => ({ case: onePage, operation, reason: "This reads no list of the register." }) as const);
