import { HeedError } from "./heed-error.ts";

/** The database is an older copy of itself, and what is asked could be answered wrongly from it. */
export function restoreNeeded(): HeedError {
  return new HeedError(
    "This database was restored from a back-up and lacks choices that its journal has. Until heed.restore() has replayed them, only opt-outs are recorded.",
    { code: "restore-needed" },
  );
}
