import { spawn } from "node:child_process";
import { basename } from "node:path";
import { text as textOf } from "node:stream/consumers";
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
    hubspot: await town.searchHubspot(text),
    stripe: await town.searchStripe(text),
    application: application.search(text),
    heedBytes: await filesWith([heedFile, `${heedFile}-wal`, `${heedFile}-shm`], text),
    heedOpened: [...new Set(opened.map(({ table, column }) => `${table}.${column}`))],
    logs: await filesWith(logs, text),
  };
}

const readFiles = `
  const { existsSync, readFileSync } = require("node:fs");
  const wanted = readFileSync(0, "utf8").toLowerCase();
  const holds = (file) => existsSync(file) && readFileSync(file, "utf8").toLowerCase().includes(wanted);
  process.stdout.write(JSON.stringify(process.argv.slice(1).filter(holds)));
`;

/**
 * The files that hold a text. Another process reads them: POSIX takes a process's locks on a file away when it
 * closes any descriptor of that file, and without SQLite's locks the next process to open the database would
 * truncate the index that is mapped into this one.
 */
async function filesWith(files: readonly string[], text: string): Promise<readonly string[]> {
  const reader = spawn(process.execPath, ["-e", readFiles, ...files], { stdio: ["pipe", "pipe", "inherit"] });
  reader.stdin.end(text);
  const found = JSON.parse(await textOf(reader.stdout)) as string[];
  return found.map((file) => basename(file));
}
