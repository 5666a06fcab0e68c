import type { JournalState, RestoreAsk, Restored } from "./journal/restore.ts";
import type { Subject } from "./contract/identifier.ts";
import type { Messages } from "./contract/messages.ts";
import type { Permits } from "./contract/permit.ts";
import type { ProcessorV1 } from "./contract/processor.ts";
import type { CheckedPart } from "./engine/check-up.ts";
import type { Preview } from "./engine/preview.ts";
import type { WorkStatus } from "./engine/work-status.ts";
import type { Drained } from "./engine/worker.ts";
import type { HeedEvents } from "./event-hub.ts";
import type { Checkpoint } from "./evidence/checkpoint.ts";
import type { Evidence } from "./evidence/evidence.ts";
import type { HoldView } from "./holds/list-holds.ts";
import type { PlacedHold } from "./holds/place-hold.ts";
import type { KeyUse } from "./keys/keys-in-use.ts";
import type { Rotated, RotationOptions } from "./keys/rotate-keys.ts";
import type { BackupAsk } from "./keep-storage.ts";
import type { BulkOptions, BulkResult, BulkSource } from "./ledger/bulk.ts";
import type { LogEntry } from "./evidence/log-entry.ts";
import type { Receipt } from "./evidence/receipt.ts";
import type { SealedEvidence } from "./evidence/seal-evidence.ts";
import type { Checked, ConsistencyProof } from "./evidence/verify-evidence.ts";
import type { VerifyAsk } from "./evidence/verify-storage.ts";
import type { IssuedInvitation } from "./invitations/identity.ts";
import type { Invitations } from "./invitations/invitations.ts";
import type { Invited } from "./invitations/invite.ts";
import type { ConsentState } from "./ledger/consent-fold.ts";
import type { ConsentEvidence } from "./ledger/event.ts";
import type { Links } from "./ledger/links.ts";
import type { Changed } from "./ledger/choice-event.ts";
import type { SuppressionAnswer } from "./ledger/check-suppression.ts";
import type { Names } from "./policy/policy.ts";
import type { EndsPaidService, Identity, RequestState, StepState } from "./requests/lifecycle.ts";
import type { Lifted } from "./requests/lift-objection.ts";
import type { OpenedRequest } from "./requests/open-request.ts";
import type { ParkedStep } from "./requests/parked-steps.ts";
import type { OpenRequestView, RequestView } from "./requests/read-request.ts";

import type { Received } from "./sightings/receive-webhook.ts";

type Vias<N extends Names> = {
  [T in keyof N["via"]]: unknown extends N["via"][T] ? never : N["via"][T] & string;
};

type Unbound<N extends Names, P, Id> = Exclude<
  { [T in keyof N["via"]]: Id extends Vias<N>[T] ? T : never }[keyof N["via"]],
  // oxlint-disable-next-line typescript/no-explicit-any -- any kind and bucket: only the topics matter here
  P extends ProcessorV1<any, infer T, any> ? T : never
>;

/** Holds the processors against the policy: each is named there, and binds every topic that goes via it. */
export type CheckProcessors<N extends Names, R> = {
  [Id in keyof R]: Id extends N["recipient"]
    ? [Unbound<N, R[Id], Id>] extends [never]
      ? unknown
      : { "no binding for topic": Unbound<N, R[Id], Id> }
    : { "the policy names no such recipient": Id };
} & { [Id in Exclude<Vias<N>[keyof N["via"]], keyof R>]: ProcessorV1 };

/** The identifier kinds of all processors. */
export type KindsOf<R> = {
  // oxlint-disable-next-line typescript/no-explicit-any -- any topic and bucket: only the kinds matter here
  [Id in keyof R]: R[Id] extends ProcessorV1<infer Kind, any, any> ? Kind : never;
}[keyof R] &
  string;

/** What every choice may say about how it was made. */
export interface ChoiceDetails {
  /**
   * Idempotency key: an event of this id is recorded once. `[A-Za-z0-9_-]`, at most 64 characters. It is kept as it is,
   * also in evidence and after an erasure: nothing personal.
   */
  readonly id?: string;
  /** RFC 3339: when the person chose. Default: now. A live opt-out counts from when it is recorded. */
  readonly at?: string;
  /** Where it was made, as a slug. Default `"api"`. */
  readonly channel?: string;
  /** How, as a slug: `"checkbox"`, `"one-click"`, `"typed-name"`. Default `"api"`. */
  readonly method?: string;
  /** History brought in from elsewhere: it takes effect when the source says it did, never later. */
  readonly imported?: boolean;
  /**
   * The application's own open transaction, where the storage can join it. `on` does not tell of the choice then,
   * since heed does not see the commit; a worker finds its steps at its next look.
   */
  readonly within?: unknown;
}

/** Proof of what was shown, or `{ none: true }` where there is none. */
export interface OptInDetails extends ChoiceDetails {
  readonly evidence: ConsentEvidence;
  /** RFC 3339: when the consent's validity ends. */
  readonly until?: string;
  /** True when the caller established who the person is: identifiers then belong together for good. */
  readonly identityVerified?: boolean;
}

/** What is recorded of the asking, when a person is asked whether an opt-in was really theirs (double opt-in). */
export interface RequestDetails {
  /** Proof of what the form showed, or `{ none: true }`: it is what a yes agrees to. */
  readonly evidence: ConsentEvidence;
  /** Whole days, from 1 to 90. Default 7. */
  readonly expiresAfterDays?: number;
  /** Where the form was, as a slug. Default `"api"`. */
  readonly channel?: string;
  /** How it was filled in, as a slug. Default `"api"`. */
  readonly method?: string;
  /** As of {@link ChoiceDetails}. */
  readonly within?: unknown;
}

/** What a person wants of what they pay for, when they ask that their means of payment be forgotten. */
export interface MayEndService {
  /**
   * `"allowed"`: they cancel it. It is told to end with what is paid for, and nothing is forgotten before it has; only
   * where a processor knows no other way (its `effects` then say `ends-paid-service`, and its own pages that it does so
   * at once) it ends at once. Of an open request that was asked without it, it may be said later by opening it again.
   * `"refused"`, the default: nothing is ended, and whoever still pays is waited for until the deadline.
   */
  readonly endsPaidService?: EndsPaidService;
}

/** One controller's heed. Every call returns what changed. */
export interface Heed<N extends Names = Names, Kind extends string = string, Id extends string = string> {
  readonly consent: {
    /** Records consent to a purpose. @throws InvalidInputError, ConflictError */
    give(
      ask: { readonly subject: Subject<Kind>; readonly purpose: N["purpose"] } & OptInDetails,
    ): Promise<Changed>;
    /** As `subscriptions.request`, for a whole purpose. */
    request(
      ask: { readonly subject: Subject<Kind>; readonly purpose: N["purpose"] } & RequestDetails,
    ): Promise<Invited>;
    /**
     * Puts a purpose to a person under a notice that has changed: mail the link, with `messageKey` of the notice, under
     * a topic of class `legal`. A yes is a `renewed` consent, a no a `refused` one, and silence gives leave to nothing.
     * The answer is kept with the notice that was shown. Asked about a newer notice, an older link takes no yes any more.
     *
     * @throws InvalidInputError, ConflictError `two-subjects`
     */
    invite(ask: {
      readonly subject: Subject<Kind>;
      readonly purpose: N["purpose"];
      /** Version and SHA-256 (64 hexadecimal digits) of the notice that is shown, and whatever else proves it. */
      readonly evidence: ConsentEvidence & { readonly noticeVersion: string; readonly noticeSha256: string };
      /** RFC 3339: until when it may be answered. Default: 30 days from now. */
      readonly until?: string;
      readonly within?: unknown;
    }): Promise<Invited>;
    /** {@link give} for each item of a source, for example an import. */
    giveMany(
      source: BulkSource<
        { readonly subject: Subject<Kind>; readonly purpose: N["purpose"] } & Omit<OptInDetails, "within">
      >,
      options?: BulkOptions,
    ): Promise<BulkResult>;
    /** Ends a purpose. Always succeeds, also for somebody unknown (GDPR Art. 7(3)). */
    withdraw(
      ask: { readonly subject: Subject<Kind>; readonly purpose: N["purpose"] } & ChoiceDetails,
    ): Promise<Changed>;
    /** {@link withdraw} for each item of a source. */
    withdrawMany(
      source: BulkSource<
        { readonly subject: Subject<Kind>; readonly purpose: N["purpose"] } & Omit<ChoiceDetails, "within">
      >,
      options?: BulkOptions,
    ): Promise<BulkResult>;
    state(ask: { readonly subject: Subject<Kind>; readonly purpose: N["purpose"] }): Promise<ConsentState>;
  };
  readonly subscriptions: {
    /** Opts in to one topic. There is no opting in to everything. */
    subscribe(
      ask: { readonly subject: Subject<Kind>; readonly topic: N["topic"] } & OptInDetails,
    ): Promise<Changed>;
    /**
     * Double opt-in: records that somebody wants the topic under this address, which gives leave to nothing, and makes
     * the token of a link that its owner answers. Mail it under a topic of class `transactional`, with a `messageKey` of
     * `eventId` and the day: one a day is enough, however often the form is sent. A yes counts until the link expires,
     * and not after an opt-out in between; a no ("it was not me") keeps the address from being asked for 90 days, and so
     * does a complaint. While a link about the same notice has more than half of its time left, it is answered again
     * (`changed: false`); older ones that are open stay usable. Whoever is known by nothing but having been asked is
     * forgotten by the worker when the link has expired.
     *
     * @throws InvalidInputError, ConflictError `two-subjects`
     */
    request(
      ask: { readonly subject: Subject<Kind>; readonly topic: N["topic"] } & RequestDetails,
    ): Promise<Invited>;
    /** {@link subscribe} for each item of a source, for example an import. */
    subscribeMany(
      source: BulkSource<
        { readonly subject: Subject<Kind>; readonly topic: N["topic"] } & Omit<OptInDetails, "within">
      >,
      options?: BulkOptions,
    ): Promise<BulkResult>;
    /** Ends one topic, or all marketing. Always succeeds, also for somebody unknown. */
    unsubscribe(
      ask: { readonly subject: Subject<Kind>; readonly topic: N["topic"] | "all" } & ChoiceDetails,
    ): Promise<Changed>;
    /** {@link unsubscribe} for each item of a source. Read as fast as it is stored, in memory that does not grow. */
    unsubscribeMany(
      source: BulkSource<
        { readonly subject: Subject<Kind>; readonly topic: N["topic"] | "all" } & Omit<
          ChoiceDetails,
          "within"
        >
      >,
      options?: BulkOptions,
    ): Promise<BulkResult>;
    state(ask: { readonly subject: Subject<Kind>; readonly topic: N["topic"] }): Promise<ConsentState>;
  };
  readonly suppression: {
    /**
     * Asked before anything creates a record of an address, for example a sync to a CRM. With `recipient` it also says
     * who is kept out of that one.
     */
    check(ask: { readonly email: string; readonly recipient?: Id }): Promise<SuppressionAnswer>;
    /**
     * Somebody who objected to being at a recipient wants to be there again, also one who was erased since: nothing of
     * before keeps them out any more, under whichever of their addresses that heed knows; one that only the recipient
     * knew of has to be named as well. The recipient is told what they want and do not want by now, and from now on every
     * choice. What they objected to, and what was done for it, stays on record. To take an objection back before anything
     * was carried out, `requests.withdraw` it.
     *
     * @throws ConflictError `request-open` while an objection to this recipient is carried out, `frozen` while the
     *   person is erased, `two-subjects`, `unverified-address` when one of theirs was kept out before it was theirs, and
     *   was never shown to be: name it; InvalidInputError `no-address` when heed knows none of theirs
     */
    lift(ask: {
      readonly subject: Subject<Kind>;
      readonly recipient: N["recipient"];
      readonly identity: Exclude<Identity, "unverified">;
    }): Promise<Lifted>;
  };
  readonly subjects: {
    /**
     * Tells that these identifiers are one living person's, for example at sign-up. After an erasure this is
     * how the person comes back: service mail works again, marketing stays silent until a newer opt-in.
     */
    record(ask: {
      readonly subject: Subject<Kind>;
      readonly identityVerified?: boolean;
    }): Promise<{ readonly changed: boolean }>;
    /**
     * An address as it is on file: where a confirmation goes that was asked for from whatever spelling.
     * @returns undefined for somebody unknown or erased, and while nothing but requests without an identity name them
     * @throws InvalidInputError when it cannot be read; HeedError `unknown-key`
     */
    addressOnFile(ask: { readonly email: string }): Promise<string | undefined>;
  };
  readonly requests: {
    /** Opens a request, or answers the open one. @throws ConflictError `plan-changed` when a preview no longer holds */
    open(
      ask: {
        readonly subject: Subject<Kind>;
        readonly identity: Identity;
        /** RFC 3339: when it reached the controller; the deadline counts from then. Default: now. */
        readonly receivedAt?: string;
        /**
         * Id of the open inquiry of the same person that turned out to be this. It ends with this call, and its clock goes
         * on: the deadline counts from when it was received. Instead of `receivedAt`, and of no other inquiry.
         */
        readonly follows?: string;
      } &
        /** `forget-tokens`: only what is stored to pay with is forgotten, the rest stays. */
        (
          | ({ readonly right: "erasure" | "forget-tokens"; readonly preview?: Preview<Id> } & MayEndService)
          /** Without a purpose: all marketing. */
          | { readonly right: "withdrawal"; readonly purpose?: N["purpose"] }
          /**
           * To being at one recipient (GDPR Art. 21): the person is taken out there and kept out, and what they have and
           * want elsewhere stays. Opt-ins are not told there any more, until `suppression.lift`; ask `suppression.check` with this recipient before
           * anything of yours creates somebody there.
           */
          | {
              readonly right: "objection";
              readonly recipient: N["recipient"];
              readonly preview?: Preview<Id>;
            }
          /**
           * Somebody wrote, and a human has to read it and to say what it is: the request waits for that
           * (`awaiting_manual`), and its deadline is that of every request. It plans nothing, and freezes nobody. More of the
           * same person about the same, while it is open, is the same request. It ends by `requests.answer`, by
           * `requests.deny`, or by the request that `follows` it. Whoever is known by nothing else is forgotten then.
           */
          | {
              readonly right: "inquiry";
              /** What it seems to be, as a slug: `"access"`, `"complaint"`, … It is kept as it is: nothing personal. */
              readonly about?: string;
              readonly follows?: never;
            }
        ),
    ): Promise<OpenedRequest>;
    /** What it would do, found out by reading only. */
    preview(
      ask: { readonly subject: Subject<Kind> } & (
        | ({ readonly right: "erasure" | "forget-tokens" } & MayEndService)
        | { readonly right: "objection"; readonly recipient: N["recipient"] }
      ),
    ): Promise<Preview<Id>>;
    get(id: string): Promise<RequestView<Id>>;
    /** Requests that have not ended, next deadline first. `limit`: default 100, at most 1000. */
    list(ask?: { readonly limit?: number }): Promise<readonly OpenRequestView[]>;
    /** Identity was shown for a request that awaits it: its plan is made now. */
    verify(ask: {
      readonly id: string;
      readonly identity: Exclude<Identity, "unverified">;
    }): Promise<{ readonly state: RequestState }>;
    /**
     * Makes the token of a link by which whoever asked shows that the one e-mail address that the request names is
     * theirs, for a request that came by mail: a yes is `verify` with `"confirmed-by-link"`, a no is `withdraw`. It
     * lasts seven days, or until the deadline. Mail it to that address.
     *
     * @throws InvalidInputError `no-such-request`; ConflictError `already-verified`, `request-ended`, `subject-erased`,
     *   `not-one-address` when the request names anything else
     */
    invite(id: string): Promise<IssuedInvitation>;
    /** Takes a request back before anything was carried out. */
    withdraw(id: string): Promise<{ readonly state: RequestState }>;
    /**
     * Refuses a request as a whole before anything was carried out: a human's decision, with a slug as reason,
     * for example `"manifestly-unfounded"`. The subject must be told why, and of their remedies (GDPR Art. 12(4)).
     */
    deny(ask: { readonly id: string; readonly because: string }): Promise<{ readonly state: RequestState }>;
    /**
     * A human has dealt with an inquiry: it is `fulfilled`. `because`: a slug that says how, for example
     * `"copy-sent"`. @throws ConflictError `not-an-inquiry`, `request-ended`
     */
    answer(ask: {
      readonly id: string;
      readonly because?: string;
    }): Promise<{ readonly state: RequestState }>;
    /** Tries the failed and manual steps of a request again. @throws ConflictError `nothing-to-retry` */
    retry(id: string): Promise<{ readonly state: RequestState }>;
    /** What is kept as proof about a request. */
    evidence(id: string): Promise<readonly Evidence[]>;
    /**
     * What became of a closed request, signed, for whoever asks for it. It names nobody, and it is checked offline
     * with `verifyReceipt` of `@heed/core/evidence` and the public keys. What is not sealed yet is sealed first.
     *
     * @throws ConflictError `request-open`; InvalidInputError `evidence-pruned`; TamperedEvidenceError
     */
    receipt(id: string): Promise<Receipt>;
  };
  /** What failed or went to a human, of requests and of choices: it waits until somebody says here what becomes of it. */
  readonly steps: {
    /**
     * What waits, longest first. `limit`: at most so many that failed, and as many that went to a human; default 100,
     * at most 1000.
     */
    parked(ask?: { readonly limit?: number }): Promise<readonly ParkedStep<Id>[]>;
    /**
     * A human did what the step asked for: it ends as `acknowledged`.
     * @throws InvalidInputError `no-such-step`; ConflictError `not-parked`, `request-ended`, `own-data`,
     *   `legal-hold`
     */
    acknowledge(id: string): Promise<{ readonly state: StepState }>;
    /**
     * Tries it again from the start; a choice that a newer one has overtaken ends as `superseded` then.
     * @throws InvalidInputError `no-such-step`; ConflictError `not-parked`, `request-ended`, `frozen`, `excluded`, `subject-erased`
     */
    retry(id: string): Promise<{ readonly state: StepState }>;
  };
  /**
   * The log of everything that is kept as proof. It is sealed while a worker works, and by `seal()`. Only a
   * checkpoint that lies elsewhere shows that the log's end was cut off: see `evidence.publish` of `createHeed`.
   */
  readonly evidence: {
    /** Takes what is not sealed yet into the log and signs checkpoints. @throws TamperedEvidenceError */
    seal(): Promise<SealedEvidence>;
    /** The newest checkpoint; undefined while nothing was sealed. */
    checkpoint(): Promise<Checkpoint | undefined>;
    /** Checks the whole log in the storage. @throws TamperedEvidenceError at the first thing that does not hold */
    verify(ask?: VerifyAsk): Promise<readonly Checked[]>;
    /**
     * Forgets what entries of before an instant (RFC 3339) say; that there were entries stays provable.
     *
     * @throws ConflictError `not-sealed`
     */
    prune(ask: { readonly before: string }): Promise<{ readonly pruned: number }>;
    /** The proof that the log begins with what an older checkpoint covers: see `verifyConsistency`. */
    prove(older: Checkpoint): Promise<ConsistencyProof>;
    /** The log, from a place on, for `verifyEvidence` elsewhere. */
    entries(ask?: { readonly from?: number }): AsyncIterable<LogEntry>;
    /** All checkpoints, from the first. */
    checkpoints(): AsyncIterable<Checkpoint>;
    /** The whole log as lines of JSON, for a file that `verifyLog` checks elsewhere. */
    lines(): AsyncIterable<string>;
  };
  /**
   * Legal holds: nothing that one covers is destroyed (erased, excluded, its tokens forgotten) until it is released;
   * everything else goes on. What waits for it does not miss its deadline.
   */
  readonly holds: {
    /**
     * Places a hold over a subject, known or not, or over everyone. One that is equal in everything is the same hold:
     * name the matter in `reason`. To prolong one, place it anew and release the old one.
     *
     * @throws InvalidInputError without a reason, without who ordered it, or without a review date to come;
     *   ConflictError `two-subjects`
     */
    place(
      ask: (
        | { readonly subject: Subject<Kind>; readonly everyone?: never }
        | { readonly everyone: true; readonly subject?: never }
      ) & {
        /** Only there. Default: everywhere. What heed itself knows of a held subject stays in any case. */
        readonly processor?: N["recipient"];
        /** Slugs. */
        readonly reason: string;
        readonly orderedBy: string;
        /** RFC 3339: when somebody must ask whether it is still needed; `work.status` counts those that are past it. */
        readonly reviewAt: string;
      },
    ): Promise<PlacedHold>;
    /** Ends a hold; what no other one covers goes on at once. @throws InvalidInputError `no-such-hold` */
    release(id: string): Promise<{ readonly changed: boolean }>;
    /** The active holds, next review first; with a subject, those that stand over it. */
    list(ask?: { readonly subject?: Subject<Kind> }): Promise<readonly HoldView<N["recipient"]>[]>;
  };
  readonly paidService: {
    /**
     * The person stopped paying: stored payment credentials are forgotten, once the processors say nothing is owed. It
     * ends nothing: for somebody who wants to stop, open a request with `endsPaidService: "allowed"`.
     */
    ended(ask: { readonly subject: Subject<Kind> }): Promise<OpenedRequest>;
  };
  /** What unsubscribe links need. */
  readonly links: Links<N["topic"]>;
  /** What the pages need that put a choice to a person by a link: `request` and `invite` make them. */
  readonly invitations: Invitations;
  /** The gate before every message. */
  readonly permits: Permits<N["topic"]>;
  /** What was sent, and what came back. */
  readonly messages: Messages;
  readonly keys: {
    /** Which keys storage still needs, and for what. Reads every row that could carry a key's id. */
    status(): Promise<readonly KeyUse[]>;
    /**
     * Writes anew, under the active key, what lies in storage under others, while everything goes on. For when
     * every process has the new key as its active one; it can be ended and begun again at any moment.
     * @throws HeedError `unknown-key` when storage was written with a key that this process lacks
     */
    rotate(options?: RotationOptions): Promise<Rotated>;
  };
  readonly webhooks: {
    /**
     * Takes a vendor's webhook in. It is durable when this resolves, so answer the vendor 200 only then; a repeat
     * changes nothing. What a webhook tells is a hint: a step looks at the vendor, and what it sees there counts. An
     * opt-out that the person made there enters the ledger and reaches the other processors; what heed itself had
     * done changes nothing, however late it comes back.
     *
     * @param request as it came, its body unread
     * @throws TamperedEvidenceError when it is not signed by the vendor; UnsupportedOperationError when the
     *   recipient's processor takes no webhooks
     */
    receive(recipient: Id, request: Request): Promise<Received>;
  };
  readonly work: {
    /**
     * Works until nothing is due, or the budget is used up. For tests and serverless jobs. After the budget it takes
     * nothing new, and what is in hand goes on for `work.graceMs`, as when a worker is stopped.
     */
    drain(limit?: { readonly budgetMs?: number }): Promise<Drained>;
    /**
     * Works until `stop()`, or until the signal aborts. For a worker process. heed installs no process handlers;
     * so that a deployment ends it cleanly: `process.once("SIGTERM", () => void heed.close())`.
     * @throws TypeError while it is being stopped: await `stop()` first
     */
    start(how?: { readonly signal?: AbortSignal }): void;
    /**
     * Takes nothing new and resolves when what is in hand has ended. After `work.graceMs` no answer is waited for:
     * what had not begun is given back, so that another worker goes on at once, and what had is read back there.
     */
    stop(): Promise<void>;
    /** Looks at storage, keys and every processor's account, by reading only. What `heed doctor` prints. */
    check(): Promise<readonly CheckedPart[]>;
    /** Where the work stands, over all workers: what is due and parked per processor, and what stands in its way. */
    status(): Promise<WorkStatus<Id>>;
  };
  /** The journal outside the database, if `createHeed` was given one. */
  readonly journal: {
    /** How the database stands to it. @throws HeedError `journal-missing`, `journal-foreign`, `journal-damaged`, `journal-compacted` */
    state(): Promise<JournalState>;
    /**
     * Leaves out what was recorded before the oldest back-up that may still be restored. An older one is refused
     * from then on (`journal-compacted`).
     * @param ask.before RFC 3339
     */
    compact(ask: { readonly before: string | Date }): Promise<{ readonly dropped: number }>;
  };
  /**
   * Replays into a restored database what its journal has and it has not; until then steps are held, marketing
   * and service mail is refused, and only opt-outs are recorded. May be interrupted and called again.
   * @throws HeedError as `journal.state`; `restore-incomplete`
   */
  restore(ask?: RestoreAsk): Promise<Restored>;
  /**
   * Copies the storage as it is at one moment to a new file, while everything goes on. Resolves when the copy is
   * on the disk and was read back whole.
   * @throws UnsupportedOperationError where the storage makes none; HeedError `backup-exists`, `backup-failed`
   */
  backup(ask: BackupAsk): Promise<void>;
  /**
   * Makes what the storage needs, or brings an earlier version's forward: a step of a deployment, before the new
   * version starts. Nothing is added where the storage does so by itself at its first use.
   * @throws HeedError `storage-schema` when a newer version has written it
   */
  migrate(): Promise<{ readonly added: readonly string[] }>;
  /**
   * Tells what happened, after the commit, at best effort. Returns the way to stop it.
   * @throws TypeError when there is no such event
   */
  on<K extends keyof HeedEvents>(event: K, listener: (event: HeedEvents[K]) => void): () => void;
  /** Stops working and closes the storage. */
  close(): Promise<void>;
}
