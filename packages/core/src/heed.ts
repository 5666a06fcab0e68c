import { choicesAsked } from "./asked-choice.ts";
import { answerAsked, inviteAsked, requestAsked } from "./asked-invitation.ts";
import { openAsked, previewAsked, reasonFrom, shownIdentity } from "./asked-request.ts";
import { asked, budget, limitOf, oneOf, stopSignal, subjectOf, text } from "./asked.ts";
import { checkParts } from "./check-parts.ts";
import type { HeedContext } from "./context.ts";
import type { Clock } from "./contract/clock.ts";
import type { Subject } from "./contract/identifier.ts";
import type { DeliveryReport, ReportKind } from "./contract/messages.ts";
import type { ProcessorV1 } from "./contract/processor.ts";
import type { HeedStorage } from "./contract/storage.ts";
import { AccountChecks } from "./engine/account-check.ts";
import { checkUp } from "./engine/check-up.ts";
import { ownStore } from "./engine/own-store.ts";
import { TurnQueues } from "./engine/turn-queues.ts";
import { workStatus } from "./engine/work-status.ts";
import { Worker, workSettings, type WorkSettings } from "./engine/worker.ts";
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
import { checkFarewell, type Farewell } from "./farewell/farewell.ts";
import type { CheckProcessors, ChoiceDetails, Heed, KindsOf } from "./heed-types.ts";
import { listHolds } from "./holds/list-holds.ts";
import { placeHold } from "./holds/place-hold.ts";
import { readHold } from "./holds/read-hold.ts";
import { releaseHold } from "./holds/release-hold.ts";
import { inviteIdentity } from "./invitations/identity.ts";
import { invitationsOf } from "./invitations/invitations.ts";
import type { Journal } from "./journal/journal.ts";
import { JournaledStorage } from "./journal/journaled-storage.ts";
import { journalState, noJournal, restore } from "./journal/restore.ts";
import { backUp, migrateStorage } from "./keep-storage.ts";
import type { Keyring } from "./keys/keyring.ts";
import { keysInUse } from "./keys/keys-in-use.ts";
import { rotateKeys } from "./keys/rotate-keys.ts";
import { checkBulk, recordInBulk, type BulkOptions, type BulkSource } from "./ledger/bulk.ts";
import { checkSuppression } from "./ledger/check-suppression.ts";
import { parseInstant } from "./ledger/event.ts";
import { addressOnFile, linksOf } from "./ledger/links.ts";
import { LivePermits } from "./ledger/live-permits.ts";
import { messagesOf } from "./ledger/messages.ts";
import { nameSubject } from "./ledger/name-subject.ts";
import { permitsOf } from "./ledger/permits.ts";
import { recordChoice } from "./ledger/record-choice.ts";
import type { AskedChoice } from "./ledger/record-choices.ts";
import { recordSubject } from "./ledger/record-subject.ts";
import { stateOf } from "./ledger/state-of.ts";
import { idMaker } from "./new-id.ts";
import { alone, type KnownKeys } from "./only-keys.ts";
import { known } from "./policy/known-name.ts";
import type { Names, Policy } from "./policy/policy.ts";
import {
  answerInquiry,
  denyRequest,
  retrySteps,
  verifyIdentity,
  withdrawRequest,
} from "./requests/change-request.ts";
import { liftObjection } from "./requests/lift-objection.ts";
import { openRequest } from "./requests/open-request.ts";
import { acknowledgeStep, parkedSteps, retryStep } from "./requests/parked-steps.ts";
import { listRequests, readRequest } from "./requests/read-request.ts";
import { receiveWebhook } from "./sightings/receive-webhook.ts";
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
  /**
   * Tells whoever was erased that it is done, once the last of what is known of them is gone, at an address of theirs that
   * was verified. It is kept for that alone, sealed, for seven days at most. A withdrawn or refused request has none. Pass
   * it in every process that works. Default: nobody is told.
   */
  readonly farewell?: Farewell<NoInfer<N>["topic"]>;
  /** Default: the machine's. */
  readonly clock?: Clock;
  readonly work?: Partial<WorkSettings>;
  /** How evidence is sealed, published and spoken of in receipts. */
  readonly evidence?: EvidenceSettings;
}

const optionKeys: KnownKeys<HeedOptions<Names, unknown>> = {
  policy: true,
  storage: true,
  keys: true,
  journal: true,
  namespace: true,
  processors: true,
  farewell: true,
  clock: true,
  work: true,
  evidence: true,
};

const liftKeys = { subject: true, recipient: true, identity: true };
const permitKeys = { topic: true, email: true, messageKey: true };
const reportKeys: KnownKeys<DeliveryReport> = { tag: true, kind: true, recipient: true };
const reportKinds = ["hard", "soft", "policy", "complaint"] as const satisfies readonly ReportKind[];
const restoreKeys = { dryRun: true, acceptLoss: true, onProgress: true };

/**
 * Puts one controller's heed together. Does no I/O: the first call does.
 *
 * @throws InvalidInputError when ephemeral keys meet durable storage, or a processor and the policy disagree;
 *   `unknown-option`, as every call does for an option that it does not know
 */
export function createHeed<
  N extends Names,
  // oxlint-disable-next-line typescript/no-explicit-any -- every processor fits here; CheckProcessors looks closer
  const R extends { [Id in keyof R]: ProcessorV1<any, any, any> } = Record<never, never>,
>(options: HeedOptions<N, R>): Heed<N, KindsOf<R>, keyof R & string> {
  asked(options, "createHeed", "{ policy, storage, keys, processors }", optionKeys);
  const { policy, storage: store } = options;
  const context = contextOf(options, options.processors ?? {});
  const { journaled } = context;
  const settings = workSettings(options.work);
  const looking = { settings, checks: new AccountChecks(context, settings) };
  const kept = checkEvidenceSettings(options.evidence ?? {});
  const sealer = new Sealer(context, kept);
  const worker = new Worker(context, settings, sealer);
  const links = linksOf(context);
  const invitations = invitationsOf(context);
  const permits = permitsOf(context);
  const messages = messagesOf(context);
  const withJournal = () => {
    if (journaled === undefined) throw noJournal();
    return journaled;
  };
  const named = (ask: { readonly subject: Subject }) => nameSubject(context, subjectOf(ask));
  const choices = choicesAsked(context);
  const record = ({ named: who, choice }: AskedChoice, { within }: ChoiceDetails) =>
    recordChoice(context, { named: who }, choice, within);
  const recordMany = async <I>(
    call: string,
    source: BulkSource<I>,
    how: BulkOptions | undefined,
    read: (item: I) => AskedChoice,
  ) => recordInBulk(context, source, checkBulk(call, source, how), (item) => read(alone(item, call)));
  const heed: Heed = {
    consent: {
      give: async (ask) => record(choices.give(ask), ask),
      request: async (ask) => requestAsked(context, ask),
      invite: async (ask) => inviteAsked(context, ask),
      giveMany: async (source, how) => recordMany("consent.giveMany", source, how, choices.give),
      withdraw: async (ask) => record(choices.withdraw(ask), ask),
      withdrawMany: async (source, how) => recordMany("consent.withdrawMany", source, how, choices.withdraw),
      state: async (ask) => {
        asked(ask, "consent.state", "{ subject, purpose }", { subject: true, purpose: true });
        return stateOf(context, named(ask), { purpose: known(policy, "purposes", ask.purpose) });
      },
    },
    subscriptions: {
      subscribe: async (ask) => record(choices.subscribe(ask), ask),
      request: async (ask) => requestAsked(context, ask),
      subscribeMany: async (source, how) =>
        recordMany("subscriptions.subscribeMany", source, how, choices.subscribe),
      unsubscribe: async (ask) => record(choices.unsubscribe(ask), ask),
      unsubscribeMany: async (source, how) =>
        recordMany("subscriptions.unsubscribeMany", source, how, choices.unsubscribe),
      state: async (ask) => {
        asked(ask, "subscriptions.state", "{ subject, topic }", { subject: true, topic: true });
        return stateOf(context, named(ask), { topic: known(policy, "topics", ask.topic) });
      },
    },
    suppression: {
      check: async (ask) => {
        asked(ask, "suppression.check", "{ email }", { email: true, recipient: true });
        if (ask.recipient !== undefined) known(policy, "recipients", ask.recipient);
        return checkSuppression(context, ask);
      },
      lift: async (ask) => {
        const { recipient, identity } = asked(
          ask,
          "suppression.lift",
          "{ subject, recipient, identity }",
          liftKeys,
        );
        known(policy, "recipients", recipient);
        return liftObjection(context, named(ask), recipient, shownIdentity(identity));
      },
    },
    subjects: {
      record: async (ask) => {
        asked(ask, "subjects.record", "{ subject }", { subject: true, identityVerified: true });
        return recordSubject(context, named(ask), ask.identityVerified ?? false);
      },
      addressOnFile: async (ask) =>
        addressOnFile(context, asked(ask, "subjects.addressOnFile", "{ email }", { email: true }).email),
    },
    requests: {
      open: async (ask) => openAsked(context, looking, ask),
      preview: async (ask) => previewAsked(context, looking, ask),
      get: async (id) => readRequest(context, text(id, "requests.get", "id")),
      list: async (ask) => listRequests(context, limitOf(ask, "requests.list")),
      verify: async (ask) => {
        const { id, identity } = asked(ask, "requests.verify", "{ id, identity }", {
          id: true,
          identity: true,
        });
        return verifyIdentity(context, text(id, "requests.verify", "id"), shownIdentity(identity));
      },
      invite: async (id) => inviteIdentity(context, text(id, "requests.invite", "id")),
      withdraw: async (id) => withdrawRequest(context, text(id, "requests.withdraw", "id")),
      deny: async (ask) => {
        const { id, because } = asked(ask, "requests.deny", "{ id, because }", { id: true, because: true });
        return denyRequest(context, text(id, "requests.deny", "id"), reasonFrom(because));
      },
      answer: async (ask) => {
        const { id, because } = asked(ask, "requests.answer", "{ id }", { id: true, because: true });
        const said = because === undefined ? null : reasonFrom(because);
        return answerInquiry(context, text(id, "requests.answer", "id"), said);
      },
      retry: async (id) => retrySteps(context, text(id, "requests.retry", "id")),
      evidence: async (id) => evidenceOf(context, text(id, "requests.evidence", "id")),
      receipt: async (id) => issueReceipt(context, text(id, "requests.receipt", "id"), kept.backupsLastDays),
    },
    steps: {
      parked: async (ask) => parkedSteps(context, limitOf(ask, "steps.parked")),
      acknowledge: async (id) => acknowledgeStep(context, text(id, "steps.acknowledge", "id")),
      retry: async (id) => retryStep(context, text(id, "steps.retry", "id")),
    },
    evidence: {
      seal: () => sealer.seal(),
      checkpoint: async () => (await newestCheckpoint(context))?.checkpoint,
      verify: async (ask = {}) =>
        verifyStorage(
          context,
          asked(ask, "evidence.verify", "{ published }", {
            published: true,
            publicKeys: true,
            onProgress: true,
          }),
        ),
      prune: async (ask) => {
        const { before } = asked(ask, "evidence.prune", "{ before }", { before: true });
        return pruneEvidence(context, parseInstant("before", before));
      },
      prove: async (older) => consistencyWith(context, read(checkpointSchema, older)),
      entries: (ask = {}) => {
        const { from = 0 } = asked(ask, "evidence.entries", "{ from } or nothing", { from: true });
        return exportEntries(context, from);
      },
      checkpoints: () => exportCheckpoints(context),
      lines: () => logLines(context),
    },
    holds: {
      place: async (ask) => placeHold(context, readHold(context, ask)),
      release: async (id) => releaseHold(context, text(id, "holds.release", "id")),
      list: async (ask = {}) => {
        const { subject } = asked(ask, "holds.list", "{ subject } or nothing", { subject: true });
        return listHolds(context, subject === undefined ? undefined : named({ subject }));
      },
    },
    paidService: {
      ended: async (ask) =>
        openRequest(context, named(asked(ask, "paidService.ended", "{ subject }", { subject: true })), {
          right: "forget-tokens",
          identity: "operator-checked",
        }),
    },
    links: {
      open: async (token) => links.open(text(token, "links.open", "token")),
      issue: async (ask) => {
        const { email, topic } = asked(ask, "links.issue", "{ email, topic }", { email: true, topic: true });
        return links.issue({ email, topic: topic === "all" ? topic : known(policy, "topics", topic) });
      },
      unsubscribe: async (ask) => {
        const { token, scope } = asked(ask, "links.unsubscribe", "{ token, scope }", {
          token: true,
          scope: true,
        });
        text(token, "links.unsubscribe", "token");
        return links.unsubscribe({ token, scope: oneOf(scope, ["topic", "all"], "scope") });
      },
    },
    invitations: {
      open: async (token) => invitations.open(text(token, "invitations.open", "token")),
      answer: async (ask) => invitations.answer(answerAsked(ask)),
    },
    permits: {
      take: async (ask) =>
        permits.take(asked(ask, "permits.take", "{ topic, email, messageKey }", permitKeys)),
    },
    messages: {
      sent: async (ask) => messages.sent(asked(ask, "messages.sent", "{ email }", { email: true })),
      forget: async (ask) => messages.forget(asked(ask, "messages.forget", "{ email }", { email: true })),
      report: async (ask) => {
        const report = asked(ask, "messages.report", "{ tag, kind, recipient }", reportKeys);
        text(report.tag, "messages.report", "tag");
        return messages.report({ ...report, kind: oneOf(report.kind, reportKinds, "kind") });
      },
    },
    keys: {
      status: async () => keysInUse(context),
      rotate: async (how = {}) =>
        rotateKeys(
          context,
          asked(how, "keys.rotate", "{ onProgress, signal } or nothing", { onProgress: true, signal: true }),
        ),
    },
    webhooks: {
      receive: async (recipient, request) =>
        receiveWebhook(context, text(recipient, "webhooks.receive", "recipient"), request),
    },
    work: {
      drain: async (limit) => worker.drain(budget(limit)),
      start: (how) => worker.start(stopSignal(how)),
      stop: () => worker.stop(),
      check: () => checkUp(context, settings),
      status: () => workStatus(context),
    },
    journal: {
      state: async () => journalState(withJournal(), context.clock),
      compact: async (ask) => {
        const { before } = asked(ask, "journal.compact", "{ before }", { before: true });
        return { dropped: await withJournal().compact(parseInstant("before", before)) };
      },
    },
    restore: async (ask = {}) =>
      restore(
        context,
        withJournal(),
        asked(ask, "restore", "{ dryRun, acceptLoss, onProgress } or nothing", restoreKeys),
      ),
    backup: async (ask) => backUp(store, ask),
    migrate: async () => migrateStorage(store, context.clock),
    on: (event, listener) => context.hub.on(event, listener),
    close: async () => {
      await worker.stop();
      await context.storage.close();
    },
  };
  return heed as unknown as Heed<N, KindsOf<R>, keyof R & string>;
}

/** @throws InvalidInputError when a part is missing, or the parts do not fit together */
function contextOf(
  options: HeedOptions<Names, unknown>,
  processors: Readonly<Record<string, ProcessorV1>>,
): HeedContext {
  const { policy, storage: store, keys, journal } = options;
  const clock = options.clock ?? systemClock;
  checkParts({ policy, storage: store, keys, journal, processors });
  const journaled = journal === undefined ? undefined : new JournaledStorage(store, journal, keys, clock);
  const storage = journaled ?? store;
  const own = Object.assign(Object.create(null) as Record<string, ProcessorV1>, processors);
  const context: HeedContext = {
    namespace: options.namespace ?? "default",
    policy,
    storage,
    keys,
    clock,
    // Without a prototype: a recipient may be named "constructor".
    processors: own,
    ...(options.farewell === undefined ? {} : { farewell: checkFarewell(policy, options.farewell) }),
    ...(journaled === undefined ? {} : { journaled }),
    hub: new EventHub(),
    livePermits: new LivePermits(),
    turns: new TurnQueues({ storage, clock }),
    newId: idMaker(),
  };
  own["heed"] = ownStore(context) as unknown as ProcessorV1;
  return context;
}
