import type { VendorLimit } from "../least.ts";

/** Counts calls as they arrive, and the most of each bucket in any window. Nothing of heed's is asked. */
export class Watch {
  readonly #limits: Readonly<Record<string, VendorLimit>>;
  readonly #recent = new Map<string, number[]>();
  readonly #share = new Map<string, number>();
  calls = 0;
  refused = 0;
  firstMs = Number.POSITIVE_INFINITY;
  lastMs = 0;

  constructor(limits: Readonly<Record<string, VendorLimit>>) {
    this.#limits = limits;
  }

  /** @param atMs now, in milliseconds since 1970 */
  saw(atMs: number, buckets: readonly string[], status: number): void {
    this.calls += 1;
    if (status === 429) this.refused += 1;
    this.firstMs = Math.min(this.firstMs, atMs);
    this.lastMs = Math.max(this.lastMs, atMs);
    for (const bucket of buckets) {
      const limit = this.#limits[bucket] ?? this.#limits["endpoint"];
      if (limit === undefined) throw new TypeError(`There is no limit for the bucket "${bucket}".`);
      const recent = this.#recent.get(bucket) ?? [];
      recent.push(atMs);
      while ((recent[0] ?? atMs) <= atMs - limit.perMs) recent.shift();
      this.#recent.set(bucket, recent);
      const share = recent.length / limit.calls;
      if (share > (this.#share.get(bucket) ?? 0)) this.#share.set(bucket, share);
    }
  }

  /** Most calls of any bucket in any window, divided by what the vendor takes: above 1 it would refuse. */
  get windowMax(): number {
    return Math.max(0, ...this.#share.values());
  }

  get elapsedMs(): number {
    return this.calls === 0 ? 0 : this.lastMs - this.firstMs;
  }
}
