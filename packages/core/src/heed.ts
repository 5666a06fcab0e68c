import { z } from "zod";
import { asked, budget, evidenceFrom, evidenceKept, oneOf, stopSignal, subjectOf, text } from "./asked.ts";
import type { Clock } from "./contract/clock.ts";
import type { Subject } from "./contract/identifier.ts";
import type { ProcessorV1 } from "./contract/processor.ts";
import { slugSchema } from "./contract/slug.ts";
import type { HeedStorage } from "./contract/storage.ts";
import type { HeedContext } from "./context.ts";
import { checkUp } from "./engine/check-up.ts";
import { ownStore } from "./engine/own-store.ts";
import { previewRequest } from "./engine/preview.ts";
import { processorDefects } from "./engine/processor-defects.ts";
import { workStatus } from "./engine/work-status.ts";
import { TurnQueues } from "./engine/turn-queues.ts";
import { workDefaults, Worker, type WorkSettings } from "./engine/worker.ts";
import { ConflictError } from "./errors/conflict-error.ts";
import { InvalidInputError, type InputIssue } from "./errors/invalid-input-error.ts";
import { quoted } from "./errors/quoted.ts";
import { EventHub } from "./event-hub.ts";
import { checkpointSchema } from "./evidence/checkpoint.ts";
import { consistencyWith } from "./evidence/consistency.ts";
import { evidenceOf } from "./evidence/evidence.ts";
import { issueReceipt } from "./evidence/issue-receipt.ts";
import { pruneEvidence } from "./evidence/prune-evidence.ts";
import { exportCheckpoints, exportEntries, logLines } from "./evidence/read-log.ts";
import { newestCheckpoint } from "./evidence/seal-evidence.ts";
import { checkEvidenceSettings, Sealer, type EvidenceSettings } from "./evidence/sealer.ts";
import { read } from "./evidence/verify-evidence.ts";
import { verifyStorage } from "./evidence/verify-storage.ts";
import type { CheckProcessors, ChoiceDetails, Heed, KindsOf, OptInDetails } from "./heed-types.ts";
import { listHolds } from "./holds/list-holds.ts";
import { placeHold } from "./holds/place-hold.ts";
import { readHold } from "./holds/read-hold.ts";
import { releaseHold } from "./holds/release-hold.ts";
import type { Journal } from "./journal/journal.ts";
import { JournaledStorage } from "./journal/journaled-storage.ts";
import { journalState, noJournal, restore } from "./journal/restore.ts";
import { backUp, migrateStorage } from "./keep-storage.ts";
import { keyring, type Keyring } from "./keys/keyring.ts";
import { keysInUse } from "./keys/keys-in-use.ts";
import { rotateKeys } from "./keys/rotate-keys.ts";
import type { ConsentState } from "./ledger/consent-fold.ts";
import { purposeState, topicState } from "./ledger/choice.ts";
import { parseInstant, type Scope } from "./ledger/event.ts";
import { findSubject } from "./ledger/find-subject.ts";
import { linksOf } from "./ledger/links.ts";
import { LivePermits } from "./ledger/live-permits.ts";
import { permitsOf } from "./ledger/permits.ts";
import { checkBulk, recordInBulk, type BulkOptions, type BulkSource } from "./ledger/bulk.ts";
import type { Choice } from "./ledger/choice-event.ts";
import { recordChoice } from "./ledger/record-choice.ts";
import type { AskedChoice } from "./ledger/record-choices.ts";
import { nameSubject, suppressionLookups, type Named } from "./ledger/subject-record.ts";
import { checkSuppression, comeBack, erasedAt } from "./ledger/suppression.ts";
import { transactOnSubjects } from "./ledger/under-lock.ts";
import { idMaker } from "./new-id.ts";
import type { Names, Policy } from "./policy/policy.ts";
import {
  acknowledgeStep,
  denyRequest,
  retrySteps,
  verifyIdentity,
  withdrawRequest,
} from "./requests/change-request.ts";
import type { Identity } from "./requests/lifecycle.ts";
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
  /**
   * An append-only record of choices outside the database, `fileJournal("heed.journal")`: with it a restored
   * back-up is recognised, and gets back what people chose since. Default: none.
   */
  readonly journal?: Journal;
  /** Tells several controllers in one storage apart. Default `"default"`. */
  readonly namespace?: string;
  /** One processor per recipient of the policy. */
  readonly processors?: R & CheckProcessors<N, R>;
  /** Default: the machine's. */
  readonly clock?: Clock;
  readonly work?: Partial<WorkSettings>;
  /** How evidence is sealed, published and spoken of in receipts. */
  readonly evidence?: EvidenceSettings;
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
  const {
    policy,
    storage: store,
    keys,
  } = asked(options, "createHeed", "{ policy, storage, keys, processors }");
  checkParts(options);
  const given = (options.processors ?? {}) as Readonly<Record<string, ProcessorV1>>;
  if (keys.ephemeral && store.durable) {
    throw new InvalidInputError(
      `Ephemeral keys die with the process, and "${store.name}" storage does not: everything in it would be unreadable. Make a keyring with \`npx @heed/cli keys\` and pass keyring(process.env.HEED_KEYS).`,
      { code: "ephemeral-keys" },
    );
  }
  checkProcessors(policy, given);
  const clock = options.clock ?? systemClock;
  const journaled =
    options.journal === undefined ? undefined : new JournaledStorage(store, options.journal, keys, clock);
  const storage = journaled ?? store;
  const context: HeedContext = {
    namespace: options.namespace ?? "default",
    policy,
    storage,
    keys,
    clock,
    // Without a prototype: a recipient may be named "constructor".
    processors: Object.assign(Object.create(null) as Record<string, ProcessorV1>, given, {
      heed: ownStore({ storage, clock }) as unknown as ProcessorV1,
    }),
    ...(journaled === undefined ? {} : { journaled }),
    hub: new EventHub(),
    livePermits: new LivePermits(),
    turns: new TurnQueues({ storage, clock }),
    newId: idMaker(),
  };
  const settings: WorkSettings = { ...workDefaults, ...options.work };
  const kept = checkEvidenceSettings(options.evidence ?? {});
  const sealer = new Sealer(context, kept);
  const worker = new Worker(context, settings, sealer);
  const links = linksOf(context);
  const permits = permitsOf(context);
  const withJournal = () => {
    if (journaled === undefined) throw noJournal();
    return journaled;
  };
  const named = (ask: { readonly subject: Subject }) => nameSubject(context, subjectOf(ask));
  const purposeOf = ({ purpose }: { readonly purpose: string }): Scope => ({
    scope: "purpose",
    name: known(policy, "purposes", purpose),
  });
  const topicOf = ({ topic }: { readonly topic: string }): Scope => ({
    scope: "topic",
    name: known(policy, "topics", topic),
  });
  /** Reads what a caller passes to record a choice, alone or as one of many. */
  const choices = {
    give: (ask: AskOf<"consent", "give">): AskedChoice => {
      asked(ask, "consent.give", "{ subject, purpose, evidence }");
      return { named: named(ask), choice: optIn(context, purposeOf(ask), ask) };
    },
    withdraw: (ask: AskOf<"consent", "withdraw">): AskedChoice => {
      asked(ask, "consent.withdraw", "{ subject, purpose }");
      return { named: named(ask), choice: optOut(purposeOf(ask), ask) };
    },
    subscribe: (ask: AskOf<"subscriptions", "subscribe">): AskedChoice => {
      asked(ask, "subscriptions.subscribe", "{ subject, topic, evidence }");
      return { named: named(ask), choice: optIn(context, topicOf(ask), ask) };
    },
    unsubscribe: (ask: AskOf<"subscriptions", "unsubscribe">): AskedChoice => {
      asked(ask, "subscriptions.unsubscribe", "{ subject, topic }");
      const scope: Scope = ask.topic === "all" ? { scope: "all", name: null } : topicOf(ask);
      return { named: named(ask), choice: optOut(scope, ask) };
    },
  };
  const record = ({ named: who, choice }: AskedChoice, { within }: ChoiceDetails) =>
    recordChoice(context, { named: who }, choice, within);
  const recordMany = async <I>(
    call: string,
    source: BulkSource<I>,
    how: BulkOptions | undefined,
    read: (item: I) => AskedChoice,
  ) => recordInBulk(context, source, checkBulk(call, source, how), read);
  const heed: Heed = {
    consent: {
      give: async (ask) => record(choices.give(ask), ask),
      giveMany: async (source, how) => recordMany("consent.giveMany", source, how, choices.give),
      withdraw: async (ask) => record(choices.withdraw(ask), ask),
      withdrawMany: async (source, how) => recordMany("consent.withdrawMany", source, how, choices.withdraw),
      state: async (ask) => {
        asked(ask, "consent.state", "{ subject, purpose }");
        return stateOf(context, named(ask), { purpose: known(policy, "purposes", ask.purpose) });
      },
    },
    subscriptions: {
      subscribe: async (ask) => record(choices.subscribe(ask), ask),
      subscribeMany: async (source, how) =>
        recordMany("subscriptions.subscribeMany", source, how, choices.subscribe),
      unsubscribe: async (ask) => record(choices.unsubscribe(ask), ask),
      unsubscribeMany: async (source, how) =>
        recordMany("subscriptions.unsubscribeMany", source, how, choices.unsubscribe),
      state: async (ask) => {
        asked(ask, "subscriptions.state", "{ subject, topic }");
        return stateOf(context, named(ask), { topic: known(policy, "topics", ask.topic) });
      },
    },
    suppression: {
      check: async (ask) => checkSuppression(context, asked(ask, "suppression.check", "{ email }")),
    },
    subjects: {
      record: async (ask) => {
        asked(ask, "subjects.record", "{ subject }");
        return recordSubject(context, named(ask), ask.identityVerified ?? false);
      },
    },
    requests: {
      open: async (ask) => {
        asked(ask, "requests.open", "{ right, subject, identity }");
        const who = named(ask);
        oneOf(ask.identity, identities, "identity");
        oneOf(ask.right, rights, "right");
        if (ask.right === "erasure" && ask.preview !== undefined) {
          const { digest } = asked(ask.preview, "requests.open's preview", "what requests.preview answered");
          text(digest, "requests.open's preview", "digest");
          const today = await previewRequest(context, settings, who, "erasure");
          if (today.digest !== digest) {
            throw new ConflictError(
              "What the erasure would do has changed since the preview. Preview again.",
              { code: "plan-changed" },
            );
          }
        }
        return openRequest(context, who, {
          right: ask.right,
          identity: ask.identity,
          ...(ask.receivedAt === undefined ? {} : { receivedAt: receivedFrom(ask.receivedAt) }),
          ...("purpose" in ask && ask.purpose !== undefined
            ? { purpose: known(policy, "purposes", ask.purpose) }
            : {}),
        });
      },
      preview: async (ask) => {
        asked(ask, "requests.preview", '{ right: "erasure", subject }');
        const right = oneOf(ask.right, ["erasure"], "right");
        return previewRequest(context, settings, named(ask), right);
      },
      get: async (id) => readRequest(context, text(id, "requests.get", "id")),
      verify: async (ask) => {
        const { id, identity } = asked(ask, "requests.verify", "{ id, identity }");
        const shown = oneOf(identity, shownIdentities, "identity");
        return verifyIdentity(context, text(id, "requests.verify", "id"), shown);
      },
      withdraw: async (id) => withdrawRequest(context, text(id, "requests.withdraw", "id")),
      deny: async (ask) => {
        const { id, because } = asked(ask, "requests.deny", "{ id, because }");
        if (!slugSchema.safeParse(because).success)
          throw new InvalidInputError("`because` must be a slug: lower-case letters, digits and hyphens.", {
            issues: [{ path: "because", message: "not a slug" }],
          });
        return denyRequest(context, text(id, "requests.deny", "id"), because);
      },
      acknowledge: async (ask) => {
        const { id, step } = asked(ask, "requests.acknowledge", "{ id, step }");
        const of = "requests.acknowledge";
        return acknowledgeStep(context, text(id, of, "id"), text(step, of, "step"));
      },
      retry: async (id) => retrySteps(context, text(id, "requests.retry", "id")),
      evidence: async (id) => evidenceOf(context, text(id, "requests.evidence", "id")),
      receipt: async (id) => issueReceipt(context, text(id, "requests.receipt", "id"), kept.backupsLastDays),
    },
    evidence: {
      seal: () => sealer.seal(),
      checkpoint: async () => (await newestCheckpoint(context))?.checkpoint,
      verify: async (ask = {}) => verifyStorage(context, asked(ask, "evidence.verify", "{ published }")),
      prune: async (ask) => {
        const { before } = asked(ask, "evidence.prune", "{ before }");
        return pruneEvidence(context, parseInstant("before", before));
      },
      prove: async (older) => consistencyWith(context, read(checkpointSchema, older)),
      entries: ({ from = 0 } = {}) => exportEntries(context, from),
      checkpoints: () => exportCheckpoints(context),
      lines: () => logLines(context),
    },
    holds: {
      place: async (ask) => placeHold(context, readHold(context, ask)),
      release: async (id) => releaseHold(context, text(id, "holds.release", "id")),
      list: async (ask = {}) => {
        const { subject } = asked(ask, "holds.list", "{ subject } or nothing");
        return listHolds(context, subject === undefined ? undefined : named({ subject }));
      },
    },
    paidService: {
      ended: async (ask) =>
        openRequest(context, named(asked(ask, "paidService.ended", "{ subject }")), {
          right: "forget-tokens",
          identity: "operator-checked",
        }),
    },
    links: {
      open: async (token) => links.open(text(token, "links.open", "token")),
      unsubscribe: async (ask) => {
        const { token, scope } = asked(ask, "links.unsubscribe", "{ token, scope }");
        text(token, "links.unsubscribe", "token");
        return links.unsubscribe({ token, scope: oneOf(scope, ["topic", "all"], "scope") });
      },
    },
    permits: {
      take: async (ask) => permits.take(asked(ask, "permits.take", "{ topic, email, messageKey }")),
    },
    keys: {
      status: async () => keysInUse(context),
      rotate: async (how) => rotateKeys(context, how),
    },
    work: {
      drain: async (limit) => worker.drain(budget(limit)),
      start: (how) => worker.start(stopSignal(how)),
      stop: () => worker.stop(),
      check: () => checkUp(context, settings),
      status: () => workStatus(context),
    },
    journal: {
      state: async () => journalState(withJournal()),
      compact: async (ask) => {
        const { before } = asked(ask, "journal.compact", "{ before }");
        return { dropped: await withJournal().journal.compact(parseInstant("before", before)) };
      },
    },
    restore: async (ask = {}) =>
      restore(context, withJournal(), asked(ask, "restore", "{ dryRun, acceptLoss, onProgress } or nothing")),
    backup: async (ask) => backUp(store, ask),
    migrate: async () => migrateStorage(store),
    on: (event, listener) => context.hub.on(event, listener),
    close: async () => {
      await worker.stop();
      await storage.close();
    },
  };
  return heed as unknown as Heed<N, KindsOf<R>, keyof R & string>;
}

/** What a call of one section takes. */
type AskOf<S extends "consent" | "subscriptions", C extends keyof Heed[S]> = Heed[S][C] extends (
  ask: infer A,
) => unknown
  ? A
  : never;

const shownIdentities = [
  "signed-in",
  "confirmed-by-link",
  "operator-checked",
] as const satisfies readonly Identity[];
const identities = [...shownIdentities, "unverified"] as const satisfies readonly Identity[];
const rights = ["erasure", "withdrawal"] as const;

/** The parts that nothing works without. */
function checkParts({ policy, storage, keys }: Partial<HeedOptions<Names, unknown>>): void {
  if (keys === undefined || keys === null) keyring(undefined);
  const { topics } = asked(policy, "createHeed's policy", "what definePolicy answered") ?? {};
  asked(topics, "createHeed's policy", "what definePolicy answered");
  asked(storage, "createHeed's storage", 'a storage, for example memory() or sqlite("heed.db")');
}

/** The day from which the GDPR applies (Art. 99(2)), where it began first. */
const firstReceivedAt = "2018-05-24T21:00:00.000Z";

/** When a request reached the controller. A typing mistake in the year would be a deadline long gone. */
function receivedFrom(given: string): string {
  const receivedAt = parseInstant("receivedAt", given);
  if (receivedAt >= firstReceivedAt) return receivedAt;
  throw new InvalidInputError(
    "`receivedAt` lies before 2018-05-25, when the rights of the GDPR began. Pass the instant at which this request arrived.",
    { issues: [{ path: "receivedAt", message: "too early" }] },
  );
}

/** A name of the policy, checked at run time for callers that the compiler did not check. */
function known<S extends string>(register: { readonly [K in S]: object }, section: S, name: string): string {
  if (typeof name === "string" && Object.hasOwn(register[section], name)) return name;
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
      // An opt-out needs no evidence, so none that cannot be kept stands in its way.
      evidence: evidenceKept(details.evidence),
    }).filter(([, value]) => value !== undefined),
  );
}

function optIn(context: HeedContext, scope: Scope, details: OptInDetails): Choice {
  const choice = { ...choiceFrom(details), evidence: evidenceFrom(details.evidence) };
  const now = context.clock.now().toISOString();
  const begins = choice.imported === true ? (choice.claimedAt ?? now) : now;
  if (choice.until !== undefined && choice.until <= begins) {
    throw new InvalidInputError(
      "`until` lies in the past: the consent would be over before it begins. Pass when its validity ends, or nothing.",
      { issues: [{ path: "until", message: "over already" }] },
    );
  }
  // "It was imported now" would outweigh every opt-out there ever was.
  const isDated = choice.claimedAt !== undefined && choice.claimedAt <= now;
  if (choice.imported === true && !isDated) {
    throw new InvalidInputError(
      "An imported opt-in needs `at`, the instant at which the person chose, and it cannot lie in the future: an opt-out since then outweighs it.",
      { issues: [{ path: "at", message: "missing, or in the future" }] },
    );
  }
  return { ...choice, kind: "given", scope };
}

function optOut(scope: Scope, details: ChoiceDetails): Choice {
  return { ...choiceFrom(details), kind: "withdrawn", scope };
}

/** Reads only, from one moment: the ledger of whoever is named, and nothing that is sealed. */
function stateOf(
  context: HeedContext,
  named: Named,
  about: { topic: string } | { purpose: string },
): Promise<ConsentState> {
  const subjectId = {
    via: "identifiers",
    column: "subjectId",
    where: { digest: named.digests.flat() },
  } as const;
  return context.storage.transact({
    lock: [],
    clock: context.clock,
    read: { events: { from: "events", where: { subjectId }, orderBy: ["recordedAt", "id"] } },
    decide: ({ events }, now) => ({
      writes: [],
      answer:
        "topic" in about
          ? topicState(context.policy, about.topic, events, now)
          : purposeState(context.policy, about.purpose, events, now),
    }),
  });
}

function recordSubject(context: HeedContext, named: Named, verified: boolean): Promise<{ changed: boolean }> {
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
