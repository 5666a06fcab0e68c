import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConflictError } from "../errors/conflict-error.ts";
import { HeedError } from "../errors/heed-error.ts";
import { InvalidInputError } from "../errors/invalid-input-error.ts";
import { RateLimitedError } from "../errors/rate-limited-error.ts";
import { RejectedError } from "../errors/rejected-error.ts";
import { UnavailableError } from "../errors/unavailable-error.ts";
import { backoffMs, troubleOf } from "./trouble.ts";

const about = { processor: "crm", operation: "erase" } as const;

describe("troubleOf", () => {
  it("knows a vendor that asks to slow down, with its wait and its bucket", () => {
    const error = new RateLimitedError("slow down", { ...about, retryAfterMs: 7000, bucket: "search" });
    expect(troubleOf(error)).toEqual({ kind: "rate-limited", retryAfterMs: 7000, bucket: "search" });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 1e300, -1, undefined, "soon"])(
    "waits a second where the vendor's wait is %s",
    (retryAfterMs) => {
      const error = new RateLimitedError("slow down", {
        ...about,
        retryAfterMs: retryAfterMs as unknown as number,
      });
      expect(troubleOf(error)).toEqual({ kind: "rate-limited", retryAfterMs: 1000, bucket: undefined });
    },
  );

  it("tells a refused account from a refused call", () => {
    for (const status of [401, 403])
      expect(troubleOf(new RejectedError("no", { ...about, status }))).toEqual({ kind: "account-refused" });
    for (const status of [400, 404, 409, 422])
      expect(troubleOf(new RejectedError("no", { ...about, status }))).toEqual({ kind: "rejected" });
    expect(troubleOf(new RejectedError("no", about))).toEqual({ kind: "rejected" });
  });

  it("tries again what is unavailable, or took too long", () => {
    const again = { kind: "unavailable", because: "unavailable" };
    expect(troubleOf(new UnavailableError("down", about))).toEqual(again);
    expect(troubleOf(new DOMException("over", "AbortError"))).toEqual(again);
    expect(troubleOf(new DOMException("over", "TimeoutError"))).toEqual(again);
  });

  it("gives up a lost lease", () => {
    expect(troubleOf(new HeedError("gone", { code: "lease-lost" }))).toEqual({ kind: "lease-lost" });
  });

  it.each([
    new TypeError("x is not a function"),
    new Error("anything"),
    new InvalidInputError("wrong"),
    new ConflictError("wrong"),
    "a string",
    undefined,
    null,
    { name: "RejectedError", status: 401 },
  ])("takes everything else for a defect of the adapter, never for success or refusal (%#)", (error) => {
    expect(troubleOf(error)).toEqual({ kind: "unavailable", because: "adapter-failed" });
  });

  it("knows errors of another copy of the package, and those with a code of their own", () => {
    const foreign = Object.defineProperty(new Error("no"), Symbol.for("heed.error"), { value: true });
    const rejected = Object.assign(foreign, { name: "RejectedError", code: "no-such-list", status: 400 });
    expect(troubleOf(rejected)).toEqual({ kind: "rejected" });
  });
});

describe("backoffMs", () => {
  it("doubles from two seconds to an hour, and stays there", () => {
    expect([0, 1, 2, 3].map((tries) => backoffMs(tries))).toEqual([2000, 4000, 8000, 16_000]);
    expect(backoffMs(1000)).toBe(3_600_000);
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (one, other) => {
        expect(backoffMs(Math.min(one, other))).toBeLessThanOrEqual(backoffMs(Math.max(one, other)));
        expect(backoffMs(one)).toBeLessThanOrEqual(3_600_000);
      }),
    );
  });
});
