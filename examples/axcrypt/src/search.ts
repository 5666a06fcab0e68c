import { readFile } from "node:fs/promises";
import type { Keyring } from "@heed/core";
import { searchStorage, type HeedStorage } from "@heed/core/storage";
import type { Application } from "./application.ts";
import type { Town } from "./town.ts";

/** Everywhere that a person could be left. */
export interface Places {
  readonly town: Town;
  readonly application: Application;
  readonly storage: HeedStorage;
  readonly keys: Keyring;
  readonly heedFile: string;
  /** The application's access log, and the files that heed's processes wrote their logs to. */
  readonly logs: readonly string[];
}

/** Where a text was found, by place. */
export interface Sightings {
  readonly hubspot: readonly string[];
  readonly stripe: readonly string[];
  readonly application: readonly string[];
  /** heed's file as bytes, with its log files. */
  readonly heedBytes: readonly string[];
  /** heed's file, opened with its keys. */
  readonly heedOpened: readonly string[];
  readonly logs: readonly string[];
}

/** Looks for a text everywhere, asking each place itself and never an adapter. */
export async function searchEverywhere(places: Places, text: string): Promise<Sightings> {
  const { town, application, storage, keys, heedFile, logs } = places;
  const opened = await searchStorage(storage, keys, text);
  return {
    hubspot: town.portal.search(text),
    stripe: [...new Set(town.stripe.search(text).map(({ object }) => object))],
    application: application.search(text),
    heedBytes: await filesWith([heedFile, `${heedFile}-wal`, `${heedFile}-shm`], text),
    heedOpened: [...new Set(opened.map(({ table, column }) => `${table}.${column}`))],
    logs: await filesWith(logs, text),
  };
}

async function filesWith(files: readonly string[], text: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const file of files) {
    const bytes = await readFile(file).catch(() => Buffer.alloc(0));
    const utf8 = bytes.toString("utf8").toLowerCase();
    if (utf8.includes(text.toLowerCase())) found.push(file.split("/").at(-1) ?? file);
  }
  return found;
}
