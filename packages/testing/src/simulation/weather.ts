import { RateLimitedError, RejectedError, UnavailableError } from "@heed/core";
import type { FaultKind, VendorCall } from "../scripted-vendor.ts";
import type { Random } from "./random.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

interface Window {
  readonly fromMs: number;
  readonly toMs: number;
  readonly kind: "down" | "slow-down" | "refused";
}

/** What goes wrong at one vendor, hour by hour. */
export interface Weather {
  readonly strike: (question: VendorCall) => FaultKind | undefined;
  /** How long the vendor takes for an answer, in milliseconds. */
  readonly latencyMs: () => number;
}

/**
 * The weather of one vendor: up to two outages of up to five days, hours in which it wants to be asked less or
 * refuses the account, and now and then one question that goes wrong in one of a dozen ways.
 *
 * @param isCalm from when on nothing goes wrong any more
 */
export function weatherOf(
  name: string,
  random: Random,
  clock: { readonly nowMs: () => number; readonly startMs: number; readonly isCalm: () => boolean },
): Weather {
  const windows = Array.from({ length: random.below(5) }, (): Window => {
    const fromMs = clock.startMs + random.below(28 * dayMs);
    const kind = random.pick(["down", "down", "slow-down", "refused"] as const);
    const mostMs = kind === "down" ? 5 * dayMs : 6 * hourMs;
    return { fromMs, toMs: fromMs + random.between(hourMs / 4, mostMs), kind };
  });
  const badLuck = random.pick([0, 0.02, 0.1, 0.25]);
  const liar = random.pick([0, 0, 0.05, 0.3]);
  const about = ({ operation }: VendorCall) =>
    ({ processor: name, operation: operation ?? "check" }) as const;
  const oneOff = (question: VendorCall): FaultKind => {
    const { at } = question;
    const kind = random.below(11);
    // The text is what an adapter might quote: it must go nowhere.
    const quote = `the vendor said: ${question.emails.flat().join(", ") || "canary"}`;
    switch (kind) {
      case 0:
      case 1:
        return { throws: new UnavailableError(quote, about(question)) };
      case 2:
      case 3:
        return { loses: new UnavailableError(quote, { ...about(question), status: 504 }) };
      case 4:
        return { throws: new TypeError(quote) };
      case 5:
        return { hangs: true };
      case 6:
        return { stalls: true };
      case 7:
        return {
          throws: new RateLimitedError(quote, {
            ...about(question),
            status: 429,
            retryAfterMs: random.between(1_000, 2 * hourMs),
          }),
        };
      case 8:
        return at === "run" && random.chance(0.3)
          ? { throws: new RejectedError(quote, { ...about(question), status: 400 }) }
          : { leavesOut: "all" };
      case 9:
        return { leavesOut: question.ids.map((_, index) => index).filter((index) => index % 2 === 0) };
      default:
        return at === "check" ? { hangs: true } : { answers: { status: "ok", seen: "surely" } };
    }
  };
  return {
    strike: (question) => {
      if (clock.isCalm()) return undefined;
      const now = clock.nowMs();
      const window = windows.find(({ fromMs, toMs }) => fromMs <= now && now < toMs);
      if (window?.kind === "down") return { throws: new UnavailableError("down", about(question)) };
      if (window?.kind === "refused")
        return { throws: new RejectedError("no", { ...about(question), status: random.pick([401, 403]) }) };
      if (window?.kind === "slow-down" && random.chance(0.7))
        return {
          throws: new RateLimitedError("slow down", {
            ...about(question),
            status: 429,
            retryAfterMs: 60_000,
          }),
        };
      if (question.at === "run" && random.chance(liar)) return { lies: true };
      return random.chance(badLuck) ? oneOff(question) : undefined;
    },
    latencyMs: () => (clock.isCalm() ? 0 : random.pick([0, 0, 50, 900, 20_000])),
  };
}
