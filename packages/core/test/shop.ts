import type { Row, TableName } from "../src/contract/tables.ts";
import type { HeedStorage } from "../src/contract/storage.ts";
import type { EvidenceSettings } from "../src/evidence/sealer.ts";
import type { Farewell } from "../src/farewell/farewell.ts";
import { createHeed } from "../src/heed.ts";
import { ephemeralKeys, type Keyring } from "../src/keys/keyring.ts";
import { memory } from "../src/memory/memory.ts";
import { definePolicy } from "../src/policy/define-policy.ts";
import { handClock, type HandClock } from "./hand-clock.ts";
import { smallCrm } from "./small-crm.ts";
import { placesOf, storedRows } from "./stored-rows.ts";

/** One topic of every class, and every way that a purpose can rest on consent or not. */
export const shopPolicy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  recipients: { crm: { role: "processor", country: "US", transferTool: "scc" } },
  purposes: {
    news: { basis: "consent" },
    offers: { basis: ["consent", "legitimate-interest"] },
    tips: { basis: "consent" },
    account: { basis: "contract" },
    law: { basis: "legal-obligation" },
  },
  topics: {
    "product-news": { class: "marketing", purpose: "news", via: ["crm"] },
    events: { class: "marketing", purpose: "news", via: ["crm"] },
    offers: { class: "marketing", purpose: "offers" },
    tips: { class: "service", purpose: "tips" },
    outages: { class: "service", purpose: "account" },
    receipts: { class: "transactional", purpose: "account" },
    terms: { class: "legal", purpose: "law" },
  },
});

export type ShopTopic = keyof typeof shopTopics;

/** Every topic with its class. */
export const shopTopics = {
  "product-news": "marketing",
  events: "marketing",
  offers: "marketing",
  tips: "service",
  outages: "service",
  receipts: "transactional",
  terms: "legal",
} as const;

export const noEvidence = { none: true } as const;

/** A heed over memory and a clock that the test moves, with one processor whose lists can be read. */
export function openShop(
  options: {
    readonly start?: string;
    readonly keys?: Keyring;
    readonly evidence?: EvidenceSettings;
    readonly farewell?: Farewell<ShopTopic>;
    /** The one of another shop that is open at the same time. */
    readonly storage?: HeedStorage;
    readonly clock?: HandClock;
    readonly namespace?: string;
  } = {},
) {
  const clock = options.clock ?? handClock(options.start);
  const storage = options.storage ?? memory();
  const crm = smallCrm();
  const under = (keys: Keyring) =>
    createHeed({
      policy: shopPolicy,
      storage,
      keys,
      clock,
      processors: { crm: crm.processor },
      ...(options.farewell === undefined ? {} : { farewell: options.farewell }),
      ...(options.evidence === undefined ? {} : { evidence: options.evidence }),
      ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
    });
  const heed = under(options.keys ?? ephemeralKeys());
  let messages = 0;
  const isSendable = async (topic: ShopTopic, email: string): Promise<true | string> => {
    messages += 1;
    const answer = await heed.permits.take({ topic, email, messageKey: `message ${messages}` });
    return answer.allowed ? true : answer.because;
  };
  return {
    heed,
    clock,
    storage,
    crm,
    /** Another process's, with a keyring of its own. */
    under,
    /** Asks for a permit of a new message: true, or the reason against it. */
    isSendable,
    /** The answer for every topic. */
    async sendable(email: string): Promise<Record<ShopTopic, true | string>> {
      const answers: [string, true | string][] = [];
      for (const topic of Object.keys(shopTopics) as ShopTopic[])
        answers.push([topic, await isSendable(topic, email)]);
      return Object.fromEntries(answers) as Record<ShopTopic, true | string>;
    },
    /** Erases a person, to the end. */
    async erase(subject: { readonly email: string }) {
      clock.advance(1000);
      const request = await heed.requests.open({ right: "erasure", subject, identity: "signed-in" });
      await heed.work.drain();
      clock.advance(1000);
      return heed.requests.get(request.id);
    },
    rows: <T extends TableName>(table: T): Promise<readonly Row<T>[]> => storedRows(storage, clock, table),
    placesOf: (text: string) => placesOf(storage, clock, text),
  };
}
