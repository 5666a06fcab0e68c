import { asked } from "./asked.ts";
import type { ProcessorV1 } from "./contract/processor.ts";
import type { HeedStorage } from "./contract/storage.ts";
import { processorDefects } from "./engine/processor-defects.ts";
import { InvalidInputError, type InputIssue } from "./errors/invalid-input-error.ts";
import type { Journal } from "./journal/journal.ts";
import { keyring, type Keyring } from "./keys/keyring.ts";
import type { Policy } from "./policy/policy.ts";

/** What a heed is made of, and has to fit together. */
interface Parts {
  readonly policy: Policy;
  readonly storage: HeedStorage;
  readonly keys: Keyring;
  readonly journal: Journal | undefined;
  readonly processors: Readonly<Record<string, ProcessorV1>>;
}

/** @throws InvalidInputError when a part is missing or is something else, keys would die before the storage, or a processor does not fit */
export function checkParts(parts: Parts): void {
  checkGiven(parts);
  const { policy, storage, keys, processors } = parts;
  if (keys.ephemeral && storage.durable) {
    throw new InvalidInputError(
      `Ephemeral keys die with the process, and "${storage.name}" storage does not: everything in it would be unreadable. Make a keyring with \`npx @heed/cli keys\` and pass keyring(process.env.HEED_KEYS).`,
      { code: "ephemeral-keys" },
    );
  }
  checkProcessors(policy, processors);
}

/** The parts that nothing works without. */
function checkGiven({ policy, storage, keys, journal }: Partial<Parts>): void {
  if (keys === undefined || keys === null) keyring(undefined);
  else if (typeof keys !== "object" || typeof keys.digests !== "function")
    throw new InvalidInputError(
      "createHeed's keys are no keyring. Pass keyring(process.env.HEED_KEYS), or ephemeralKeys() together with memory().",
      { code: "invalid-keyring", issues: [{ path: "keys", message: "unusable" }] },
    );
  const { topics } = asked(policy, "createHeed's policy", "what definePolicy answered") ?? {};
  asked(topics, "createHeed's policy", "what definePolicy answered");
  asked(storage, "createHeed's storage", 'a storage, for example memory() or sqlite("heed.db")');
  if (journal !== undefined)
    asked(journal, "createHeed's journal", 'a journal, for example fileJournal("heed.journal")');
}

/** What the compiler checks in `CheckProcessors`, at run time, and that every topic's recipient can be told. */
function checkProcessors(policy: Policy, processors: Readonly<Record<string, ProcessorV1>>): void {
  const issues: InputIssue[] = [];
  for (const [id, processor] of Object.entries(processors)) {
    if (!Object.hasOwn(policy.recipients, id))
      issues.push({ path: `processors.${id}`, message: "the policy names no such recipient" });
    issues.push(...processorDefects(id, processor));
  }
  for (const [topic, { via }] of Object.entries(policy.topics)) {
    for (const id of via ?? []) {
      const processor = Object.hasOwn(processors, id) ? processors[id] : undefined;
      if (processor === undefined)
        issues.push({
          path: `processors.${id}`,
          message: `the topic "${topic}" goes via it: pass its processor`,
        });
      else if (!Object.hasOwn(processor.topics ?? {}, topic))
        issues.push({
          path: `processors.${id}.topics`,
          message: `bind the topic "${topic}" to a list of the vendor`,
        });
    }
  }
  if (issues.length === 0) return;
  const list = issues.map((issue) => `\n  - ${issue.path}: ${issue.message}`).join("");
  throw new InvalidInputError(`The processors do not fit the policy:${list}`, {
    code: "processors-do-not-fit",
    issues,
  });
}
