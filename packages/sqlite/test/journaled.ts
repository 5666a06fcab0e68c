import { journaledCompanyAt } from "@heed/testing/private";
import { sqlite } from "../src/sqlite.ts";
import { temporaryFile } from "./temporary-file.ts";

/** A company on SQLite with a journal, whose database can be put back to what it was. */
export function journaledCompany(startedAt?: string) {
  const base = temporaryFile();
  return journaledCompanyAt({ base, journal: `${base}.journal`, open: (file) => sqlite(file) }, startedAt);
}
