import { rm } from "node:fs/promises";
import type { Application } from "./application.ts";

interface Closing {
  close(): Promise<unknown>;
}

/** All that runs when AxCrypt is open. */
export interface Running {
  readonly mailer: Closing;
  readonly web: Closing;
  readonly heed: Closing;
  readonly town: Closing;
  readonly application: Application;
  /** Where their files are; it goes. */
  readonly folder: string;
}

/** Closes each before what it needs. */
export async function closeDown({ mailer, web, heed, town, application, folder }: Running): Promise<void> {
  await mailer.close();
  await web.close();
  await heed.close();
  await town.close();
  application.close();
  await rm(folder, { recursive: true });
}
