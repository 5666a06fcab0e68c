import { fold } from "./records.ts";

/** What the `hs_email_optout*` properties of contacts show: each opt-out of an address, some time after it was made. */
export interface OptOutMirror {
  /** @param name of the property */
  note(email: string, name: string, isOut: boolean): void;
  /** As {@link note}, and shown at once: for setting a scene. */
  seed(email: string, name: string, isOut: boolean): void;
  /** The preferences of an address are gone. */
  forget(email: string): void;
  /** Whether the property shows an opt-out now. */
  shows(email: string, name: string): boolean;
}

interface Noted {
  readonly atMs: number;
  readonly isOut: boolean;
}

/**
 * @param delayMs how late the properties are, in milliseconds
 * @param onChange told of each change of a property, at once
 */
export function createOptOutMirror(
  now: () => Date,
  delayMs: number,
  onChange: (email: string, name: string, isOut: boolean) => void,
): OptOutMirror {
  const byAddress = new Map<string, Map<string, readonly Noted[]>>();

  function put(email: string, name: string, next: (before: readonly Noted[]) => readonly Noted[]): void {
    const names = byAddress.get(fold(email)) ?? new Map<string, readonly Noted[]>();
    names.set(name, next(names.get(name) ?? []));
    byAddress.set(fold(email), names);
  }

  function tellChange(email: string, name: string, isOut: boolean): void {
    const before = byAddress.get(fold(email))?.get(name)?.at(-1)?.isOut ?? false;
    if (before !== isOut) onChange(email, name, isOut);
  }

  return {
    note(email, name, isOut) {
      tellChange(email, name, isOut);
      put(email, name, (before) => [...before, { atMs: now().getTime(), isOut }]);
    },
    seed(email, name, isOut) {
      tellChange(email, name, isOut);
      put(email, name, () => [{ atMs: Number.NEGATIVE_INFINITY, isOut }]);
    },
    forget: (email) => void byAddress.delete(fold(email)),
    shows(email, name) {
      const asOfMs = now().getTime() - delayMs;
      const noted = byAddress.get(fold(email))?.get(name) ?? [];
      return noted.findLast(({ atMs }) => atMs <= asOfMs)?.isOut ?? false;
    },
  };
}

/** The property that mirrors an opt-out of everything of a brand. */
export function wideProperty(brandId: string): string {
  return brandId === "0" ? "hs_email_optout" : `business_unit_optout_${brandId}`;
}
