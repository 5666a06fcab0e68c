import { isHeedError, type Heed, type JournalState } from "@heed/core";

/** How the database stands to its journal; undefined where the company has none. */
export async function journalOf(heed: Heed): Promise<JournalState | undefined> {
  try {
    return await heed.journal.state();
  } catch (error) {
    if (isHeedError(error) && error.code === "no-journal") return undefined;
    throw error;
  }
}
