const hourMs = 3_600_000;
const minuteMs = 60_000;

/**
 * What was seen of the account, so that it need not be asked again for every batch: the brands for a minute, the
 * lack of batches of preferences for an hour, and how many addresses one of them takes. Nothing of a person.
 */
export interface AccountMemory {
  /** The brands, asked for by `read` where they are not known or a minute old. */
  brands(now: Date, read: () => Promise<ReadonlySet<string>>): Promise<ReadonlySet<string>>;
  /** Whether batches of preferences are worth trying. */
  mayBatch(now: Date): boolean;
  /** HubSpot refused one for lack of a scope, which it grants to Enterprise accounts. */
  noteNoBatches(now: Date): void;
  /** HubSpot took one. */
  noteBatches(): void;
  /** How many addresses a batch of preferences takes; HubSpot documents no number. */
  readonly batchSize: number;
  noteBatchSize(size: number): void;
}

export function accountMemory(): AccountMemory {
  let brands: { readonly untilMs: number; readonly ids: ReadonlySet<string> } | undefined;
  let noBatchesUntilMs = 0;
  let batchSize = 100;
  return {
    async brands(now, read) {
      if (brands !== undefined && now.getTime() < brands.untilMs) return brands.ids;
      const ids = await read();
      brands = { untilMs: now.getTime() + minuteMs, ids };
      return ids;
    },
    mayBatch: (now) => now.getTime() >= noBatchesUntilMs,
    noteNoBatches: (now) => {
      noBatchesUntilMs = now.getTime() + hourMs;
    },
    noteBatches: () => {
      noBatchesUntilMs = 0;
    },
    get batchSize() {
      return batchSize;
    },
    noteBatchSize: (size) => {
      batchSize = Math.max(1, Math.min(batchSize, size));
    },
  };
}
