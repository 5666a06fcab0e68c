import { z } from "zod";
import type { Clock } from "./contract/clock.ts";
import type { Subject } from "./contract/identifier.ts";
import type { ProcessorV1 } from "./contract/processor.ts";
import { slugSchema } from "./contract/slug.ts";
import type { HeedStorage } from "./contract/storage.ts";
import type { HeedContext } from "./context.ts";
import { ownStore } from "./engine/own-store.ts";
import { previewRequest } from "./engine/preview.ts";
import { workDefaults, Worker, type WorkSettings } from "./engine/worker.ts";
import { ConflictError } from "./errors/conflict-error.ts";
import { InvalidInputError } from "./errors/invalid-input-error.ts";
import { quoted } from "./errors/quoted.ts";
import { EventHub } from "./event-hub.ts";
import { evidenceOf } from "./evidence/evidence.ts";
import type { CheckProcessors, ChoiceDetails, Heed, KindsOf, OptInDetails } from "./heed-types.ts";
import type { Keyring } from "./keys/keyring.ts";
import type { ConsentState } from "./ledger/consent-fold.ts";
import { purposeState, topicState } from "./ledger/choice.ts";
import { parseInstant, type Scope } from "./ledger/event.ts";
import { findSubject } from "./ledger/find-subject.ts";
import { linksOf } from "./ledger/links.ts";
import { LivePermits } from "./ledger/live-permits.ts";
import { permitsOf } from "./ledger/permits.ts";
import type { Changed, Choice } from "./ledger/choice-event.ts";
import { recordChoice } from "./ledger/record-choice.ts";
import { nameSubject, suppressionLookups } from "./ledger/subject-record.ts";
import { checkSuppression, comeBack, erasedAt } from "./ledger/suppression.ts";
import { transactOnSubjects } from "./ledger/under-lock.ts";
import type { Names, Policy } from "./policy/policy.ts";
import { acknowledgeStep, retrySteps, verifyIdentity, withdrawRequest } from "./requests/change-request.ts";
import { openRequest } from "./requests/open-request.ts";
import { readRequest } from "./requests/read-request.ts";
import { systemClock } from "./system-clock.ts";

/** What `createHeed` puts together. */
export interface HeedOptions<N extends Names, R> {
  readonly policy: Policy<N>;
  /** Where the truth lies: `memory()`, `sqlite(file)`, … */
  readonly storage: HeedStorage;
  /** `keyring(process.env.HEED_KEYS)`, or `ephemeralKeys()` together with `memory()`. */
  readonly keys: Keyring;
  /** Tells several controllers in one storage apart. Default `"default"`. */
  readonly namespace?: string;
  /** One processor per recipient of the policy. */
  readonly processors?: R & CheckProcessors<N, R>;
  /** Default: the machine's. */
  readonly clock?: Clock;
  readonly work?: Partial<WorkSettings>;
}

const detailsSchema = z.object({
  id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, "use letters, digits, - and _, at most 64")
    .optional(),
  channel: slugSchema.optional(),
  method: slugSchema.optional(),
  imported: z.boolean().optional(),
  identityVerified: z.boolean().optional(),
});

/**
 * Puts one controller's heed together. Does no I/O: the first call does.
 *
 * @throws InvalidInputError when ephemeral keys meet durable storage, or a processor and the policy disagree
 */
export function createHeed<
  N extends Names,
  // oxlint-disable-next-line typescript/no-explicit-any -- every processor fits here; CheckProcessors looks closer
  const R extends { [Id in keyof R]: ProcessorV1<any, any, any> } = Record<never, never>,
>(options: HeedOptions<N, R>): Heed<N, KindsOf<R>, keyof R & string> {
  const { policy, storage, keys } = options;
  const given = (options.processors ?? {}) as Readonly<Record<string, ProcessorV1>>;
  if (keys.ephemeral && storage.durable) {
    throw new InvalidInputError(
      `Ephemeral keys die with the process, and "${storage.name}" storage does not: everything in it would be unreadable. Make a keyring with \`npx @heed/cli keys\` and pass keyring(process.env.HEED_KEYS).`,
      { code: "ephemeral-keys" },
    );
  }
  checkProcessors(policy, given);
  const clock = options.clock ?? systemClock;
  const context: HeedContext = {
    namespace: options.namespace ?? "default",
    policy,
    storage,
    keys,
    clock,
    processors: { ...given, heed: ownStore({ storage, clock }) as unknown as ProcessorV1 },
    hub: new EventHub(),
    livePermits: new LivePermits(),
  };
  const settings: WorkSettings = { ...workDefaults, ...options.work };
  const worker = new Worker(context, settings);
  const heed: Heed = {
    consent: {
      give: async (ask) =>
        optIn(context, ask.subject, { scope: "purpose", name: known(policy, "purposes", ask.purpose) }, ask),
      withdraw: async (ask) =>
        optOut(context, ask.subject, { scope: "purpose", name: known(policy, "purposes", ask.purpose) }, ask),
      state: async (ask) =>
        stateOf(context, ask.subject, { purpose: known(policy, "purposes", ask.purpose) }),
    },
    subscriptions: {
      subscribe: async (ask) =>
        optIn(context, ask.subject, { scope: "topic", name: known(policy, "topics", ask.topic) }, ask),
      unsubscribe: async (ask) => {
        const scope: Scope =
          ask.topic === "all"
            ? { scope: "all", name: null }
            : { scope: "topic", name: known(policy, "topics", ask.topic) };
        return optOut(context, ask.subject, scope, ask);
      },
      state: async (ask) => stateOf(context, ask.subject, { topic: known(policy, "topics", ask.topic) }),
    },
    suppression: { check: async (ask) => checkSuppression(context, ask) },
    subjects: { record: async (ask) => recordSubject(context, ask.subject, ask.identityVerified ?? false) },
    requests: {
      open: async (ask) => {
        const named = nameSubject(context, ask.subject);
        known(identities, "identity", ask.identity);
        known(rights, "right", ask.right);
        if (ask.right === "erasure" && ask.preview !== undefined) {
          const today = await previewRequest(context, settings, named, "erasure");
          if (today.digest !== ask.preview.digest) {
            throw new ConflictError(
              "What the erasure would do has changed since the preview. Preview again.",
              { code: "plan-changed" },
            );
          }
        }
        return openRequest(context, named, {
          right: ask.right,
          identity: ask.identity,
          ...(ask.receivedAt === undefined ? {} : { receivedAt: parseInstant("receivedAt", ask.receivedAt) }),
          ...("purpose" in ask && ask.purpose !== undefined
            ? { purpose: known(policy, "purposes", ask.purpose) }
            : {}),
        });
      },
      preview: async (ask) => previewRequest(context, settings, nameSubject(context, ask.subject), ask.right),
      get: async (id) => readRequest(context, id),
      verify: async ({ id, identity }) => verifyIdentity(context, id, identity),
      withdraw: async (id) => withdrawRequest(context, id),
      acknowledge: async ({ id, step }) => acknowledgeStep(context, id, step),
      retry: async (id) => retrySteps(context, id),
      evidence: async (id) => evidenceOf(context, id),
    },
    paidService: {
      ended: async (ask) =>
        openRequest(context, nameSubject(context, ask.subject), {
          right: "forget-tokens",
          identity: "operator-checked",
        }),
    },
    links: linksOf(context),
    permits: permitsOf(context),
    work: {
      drain: (limit) => worker.drain(limit),
      start: () => worker.start(),
      stop: () => worker.stop(),
    },
    on: (event, listener) => context.hub.on(event, listener),
    close: async () => {
      await worker.stop();
      await storage.close();
    },
  };
  return heed as unknown as Heed<N, KindsOf<R>, keyof R & string>;
}

const identities = {
  identity: { "signed-in": 1, "confirmed-by-link": 1, "operator-checked": 1, unverified: 1 },
};
const rights = { right: { erasure: 1, withdrawal: 1 } };

/** A name of the policy, checked at run time for callers that the compiler did not check. */
function known<S extends string>(register: { readonly [K in S]: object }, section: S, name: string): string {
  if (Object.hasOwn(register[section], name)) return name;
  const names = Object.keys(register[section]);
  throw new InvalidInputError(
    `There is no ${quoted(name)} in the ${section} of the policy. Known: ${names.join(", ")}.`,
    {
      code: section === "topics" ? "topic-not-covered" : "unknown-name",
      issues: [{ path: section, message: "unknown name" }],
    },
  );
}

/** What the compiler checks in `CheckProcessors`, at run time, and that every topic's recipient can be told. */
function checkProcessors(policy: Policy, processors: Readonly<Record<string, ProcessorV1>>): void {
  const issues: { path: string; message: string }[] = [];
  for (const id of Object.keys(processors)) {
    if (!Object.hasOwn(policy.recipients, id))
      issues.push({ path: `processors.${id}`, message: "the policy names no such recipient" });
  }
  for (const [topic, { via }] of Object.entries(policy.topics)) {
    for (const id of via ?? []) {
      const processor = Object.hasOwn(processors, id) ? processors[id] : undefined;
      if (processor === undefined)
        issues.push({
          path: `processors.${id}`,
          message: `the topic "${topic}" goes via it: pass its processor`,
        });
      else if (!Object.hasOwn(processor.topics, topic))
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

function choiceFrom(details: ChoiceDetails & Partial<OptInDetails>): Omit<Choice, "kind" | "scope"> {
  const parsed = detailsSchema.safeParse(details);
  if (!parsed.success) {
    const issues = parsed.error.issues.map((issue) => ({
      path: issue.path.join("."),
      message: issue.message,
    }));
    throw new InvalidInputError(
      `The choice cannot be read: ${issues.map(({ path, message }) => `${path}: ${message}`).join("; ")}.`,
      { issues },
    );
  }
  return Object.fromEntries(
    Object.entries({
      ...parsed.data,
      claimedAt: details.at === undefined ? undefined : parseInstant("at", details.at),
      until: details.until === undefined ? undefined : parseInstant("until", details.until),
      evidence: details.evidence,
    }).filter(([, value]) => value !== undefined),
  );
}

async function optIn(
  context: HeedContext,
  subject: Subject,
  scope: Scope,
  details: OptInDetails,
): Promise<Changed> {
  if (typeof details.evidence !== "object" || details.evidence === null) {
    throw new InvalidInputError(
      "An opt-in needs evidence of what was shown, or `{ none: true }` where there is none (GDPR Art. 7(1)).",
      {
        issues: [{ path: "evidence", message: "missing" }],
      },
    );
  }
  const choice = choiceFrom(details);
  // "It was imported now" would outweigh every opt-out there ever was.
  const isDated = choice.claimedAt !== undefined && choice.claimedAt <= context.clock.now().toISOString();
  if (choice.imported === true && !isDated) {
    throw new InvalidInputError(
      "An imported opt-in needs `at`, the instant at which the person chose, and it cannot lie in the future: an opt-out since then outweighs it.",
      { issues: [{ path: "at", message: "missing, or in the future" }] },
    );
  }
  return recordChoice(
    context,
    { named: nameSubject(context, subject) },
    { ...choice, kind: "given", scope },
    details.within,
  );
}

async function optOut(
  context: HeedContext,
  subject: Subject,
  scope: Scope,
  details: ChoiceDetails,
): Promise<Changed> {
  return recordChoice(
    context,
    { named: nameSubject(context, subject) },
    { ...choiceFrom(details), kind: "withdrawn", scope },
    details.within,
  );
}

function stateOf(
  context: HeedContext,
  subject: Subject,
  asked: { topic: string } | { purpose: string },
): Promise<ConsentState> {
  const named = nameSubject(context, subject);
  return transactOnSubjects(context, {
    select: { digests: named.digests.flat() },
    read: {},
    decide: (records, _rows, now) => {
      const events = records.flatMap((record) => record.events);
      const answer =
        "topic" in asked
          ? topicState(context.policy, asked.topic, events, now)
          : purposeState(context.policy, asked.purpose, events, now);
      return { writes: [], answer };
    },
  });
}

function recordSubject(
  context: HeedContext,
  subject: Subject,
  verified: boolean,
): Promise<{ changed: boolean }> {
  const named = nameSubject(context, subject);
  const addresses = suppressionLookups(context, named.identifiers);
  return transactOnSubjects(context, {
    select: { digests: named.digests.flat() },
    read: { silences: { from: "suppressions", where: { digest: addresses } } },
    decide: (records, { silences }, now) => {
      const found = findSubject(context, records, named, verified, now);
      const wasErased = erasedAt(silences, records[0]) !== undefined;
      const writes = [...found.writes, ...(wasErased ? comeBack(addresses) : [])];
      return { writes, answer: { changed: writes.length > 0 } };
    },
  });
}
