import type { HeedContext } from "../context.ts";
import { withTimeLimit } from "../engine/time-limit.ts";
import { HeedError } from "../errors/heed-error.ts";
import { InvalidInputError } from "../errors/invalid-input-error.ts";
import { onlyKeys } from "../only-keys.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { mostBackupDays } from "./receipt.ts";
import { newestCheckpoint, sealEvidence, type SealedEvidence } from "./seal-evidence.ts";

/** How evidence is kept. */
export interface EvidenceSettings {
  /** How often a running worker seals what has come, in milliseconds. Default 60,000. */
  readonly sealEveryMs?: number;
  /**
   * Puts a checkpoint where whoever can write to heed's storage cannot: another account's bucket, a repository, a
   * mailbox. Called after the commit, by whichever worker sealed it, again until it succeeded for the newest one;
   * several workers may call it with the same checkpoint. One that is overtaken by a newer one is left out.
   */
  readonly publish?: (checkpoint: Checkpoint) => Promise<void>;
  /**
   * How many days back-ups of the database last. Said, receipts of an erasure state until when the destroyed keys
   * could still be read from one. At most 36,500.
   */
  readonly backupsLastDays?: number;
}

/** @throws InvalidInputError */
export function checkEvidenceSettings(settings: EvidenceSettings): EvidenceSettings {
  onlyKeys(settings, "createHeed's evidence", { sealEveryMs: true, publish: true, backupsLastDays: true });
  for (const name of ["sealEveryMs", "backupsLastDays"] as const) {
    const value = settings[name];
    const most = name === "backupsLastDays" ? mostBackupDays : Number.MAX_SAFE_INTEGER;
    if (value === undefined || (Number.isSafeInteger(value) && value >= 0 && value <= most)) continue;
    throw new InvalidInputError(
      `\`evidence.${name}\` is no duration. Pass a whole number, zero or more, at most ${most}.`,
      { issues: [{ path: `evidence.${name}`, message: "no whole number" }] },
    );
  }
  return settings;
}

const publishLimitMs = 60_000;

/** Seals and publishes: on demand, and beside a worker's work, which it never holds up. */
export class Sealer {
  readonly #context: HeedContext;
  readonly #settings: EvidenceSettings;
  #round: Promise<unknown> | undefined;
  #nextAtMs = 0;

  constructor(context: HeedContext, settings: EvidenceSettings) {
    this.#context = context;
    this.#settings = settings;
  }

  /** Seals what is there, and publishes the newest checkpoint if that was not done. */
  async seal(): Promise<SealedEvidence> {
    const sealed = await sealEvidence(this.#context);
    await this.#publish();
    return sealed;
  }

  /** Begins a round if one is due and none is under way. Failures are told as `work.failed`. */
  seek(): void {
    const { clock } = this.#context;
    const nowMs = clock.now().getTime();
    if (this.#round !== undefined || nowMs < this.#nextAtMs) return;
    this.#nextAtMs = nowMs + (this.#settings.sealEveryMs ?? 60_000);
    this.#round = this.round().finally(() => {
      this.#round = undefined;
    });
  }

  /** Seals and publishes now. Failures are told as `work.failed`: evidence waits, choices do not. */
  async round(): Promise<void> {
    try {
      await this.seal();
    } catch (error) {
      this.#context.hub.emit("work.failed", { error });
    }
  }

  /** Resolves when no round is under way. */
  async rest(): Promise<void> {
    await this.#round;
  }

  async #publish(): Promise<void> {
    const { publish } = this.#settings;
    if (publish === undefined) return;
    const newest = await newestCheckpoint(this.#context);
    if (newest === undefined || newest.isPublished) return;
    const { clock, hub } = this.#context;
    const late = () =>
      new HeedError("`evidence.publish` gave no answer within a minute.", { code: "publish-timeout" });
    try {
      await withTimeLimit(clock, publishLimitMs, late, () => publish(newest.checkpoint));
    } catch (error) {
      hub.emit("work.failed", { error });
      return;
    }
    await this.#notePublished(newest.checkpoint);
  }

  async #notePublished({ namespace, seq }: Checkpoint): Promise<void> {
    const { storage, clock } = this.#context;
    await storage.transact({
      lock: [`evidence:${namespace}`],
      clock,
      read: {},
      decide: (_rows, now) => ({
        writes: [{ update: "checkpoints", where: { namespace, seq }, set: { publishedAt: now } }],
        answer: undefined,
      }),
    });
  }
}
