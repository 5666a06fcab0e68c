const marker = Symbol.for("heed.error");

/** What every heed error may carry. */
export interface HeedErrorOptions {
  /** Stable across minor versions; messages are not. */
  readonly code?: string;
  /**
   * The error underneath. It is printed with this one, so it must hold nothing personal:
   * adapters pass a reduced error, never a vendor's own, whose text may quote an address.
   */
  readonly cause?: unknown;
}

/**
 * The root of everything heed throws on purpose. A programming mistake is a plain `TypeError` instead.
 *
 * Checks go by a registered symbol, so they survive two installed copies: use {@link isHeedError},
 * or `error.name`, rather than `instanceof`.
 */
export class HeedError extends Error {
  override readonly name: string = "HeedError";
  /** A stable kebab-case code, for example `"topic-not-covered"`. */
  readonly code: string;

  constructor(message: string, options: HeedErrorOptions = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = options.code ?? "heed";
    Object.defineProperty(this, marker, { value: true });
  }
}

/** True for every heed error, whichever copy of the package made it. */
export function isHeedError(error: unknown): error is HeedError {
  return typeof error === "object" && error !== null && marker in error;
}
