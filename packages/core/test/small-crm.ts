import { each } from "../src/contract/each.ts";
import type { Call, InputOf, OperationName } from "../src/contract/operation.ts";
import type { Operation, ProcessorV1 } from "../src/contract/processor.ts";

/** A vendor's lists in memory, by address as it was written: what a test asks for the truth. */
export interface SmallCrm {
  /** Address to the topics that it is subscribed to. */
  readonly contacts: Map<string, Set<string>>;
  readonly processor: ProcessorV1<"email", "product-news" | "events", never>;
}

const topics = { "product-news": 1, events: 2 };

export function smallCrm(): SmallCrm {
  const contacts = new Map<string, Set<string>>();
  const addresses = (call: Call) => call.identifiers.map(({ value }) => value);
  const preference = <N extends "subscribe" | "unsubscribe">(name: N): Operation<N, "email", never> => ({
    batchSize: 10,
    repeat: "safe",
    settlingMs: 0,
    run: each(async (call) => {
      const input = call.input as InputOf["unsubscribe"];
      let affected = 0;
      for (const address of addresses(call)) {
        const lists = contacts.get(address) ?? new Set<string>();
        if (input.onlyIfKnown === true && !contacts.has(address)) continue;
        for (const topic of input.topics === "all" ? [...lists] : input.topics) {
          if (name === "subscribe") lists.add(topic);
          else lists.delete(topic);
        }
        contacts.set(address, lists);
        affected += 1;
      }
      return { status: "done", affected };
    }),
    verify: each(async (call) => {
      const { topics: given } = call.input as InputOf["unsubscribe"];
      const wanted = name === "subscribe";
      const isAsAsked = addresses(call).every((address) => {
        const lists = contacts.get(address) ?? new Set<string>();
        return given === "all" ? lists.size === 0 : given.every((topic) => lists.has(topic) === wanted);
      });
      return { seen: isAsAsked ? "as-asked" : "not-as-asked" };
    }),
  });
  const removal = <N extends "erase" | "exclude">(): Operation<N, "email", never> => ({
    batchSize: 10,
    repeat: "safe",
    settlingMs: 0,
    effects: ["irreversible"],
    run: each(async (call) => {
      const gone = addresses(call).filter((address) => contacts.delete(address));
      return gone.length === 0 ? { status: "absent" } : { status: "done", affected: gone.length };
    }),
    verify: each(async (call) => ({
      seen: addresses(call).some((address) => contacts.has(address)) ? "not-as-asked" : "as-asked",
    })),
  });
  const operations: { [N in OperationName]?: Operation<N, "email", never> } = {
    subscribe: preference("subscribe"),
    unsubscribe: preference("unsubscribe"),
    erase: removal(),
    exclude: removal(),
  };
  return {
    contacts,
    processor: {
      specificationVersion: "v1",
      name: "small-crm",
      account: "1",
      identifiers: { email: /@/ },
      topics,
      limits: {},
      operations,
      check: async () => ({ account: "1", lacks: [], unknownTopics: [] }),
    },
  };
}
