import type { TestProject } from "vitest/node";
import { startPostgres } from "./start-postgres.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** The server of this run. */
    readonly postgres: { readonly url: string; readonly directory: string | undefined };
  }
}

/** One server for all test files of a run. */
// oxlint-disable-next-line import/no-default-export -- vitest asks for it
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { url, directory, stop } = await startPostgres({ hasty: true });
  project.provide("postgres", { url, directory });
  return stop;
}
