import type { HeedStorage } from "../../packages/core/src/index.ts";
import { sqlite } from "../../packages/sqlite/src/index.ts";

/** Opens the storage at an address that every process is given: here, a file. */
export const openStorage = (address: string): HeedStorage => sqlite(address);
