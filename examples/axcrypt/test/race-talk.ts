import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** Where a race takes place. */
export interface Scene {
  readonly file: string;
  readonly keys: string;
  /** Of the mail server. */
  readonly port: number;
}

/** What a process of the race is told to do. */
export type Ask =
  | { readonly what: "begin"; readonly scene: Scene }
  | { readonly what: "opt-in" | "unsubscribe" | "send"; readonly email: string }
  | { readonly what: "end" };

/** What came of it. */
export interface Answer {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: string;
}

/** A process that does what it is told. */
export interface Racer {
  /** @throws when it could not be done */
  tell<T>(ask: Ask): Promise<T>;
  kill(): Promise<void>;
}

export async function startRacer(): Promise<Racer> {
  const child = fork(fileURLToPath(new URL("race-child.ts", import.meta.url)), {
    execArgv: ["-C", "@heed/source"],
  });
  const waiting = new Map<number, (answer: Answer) => void>();
  await once(child, "message");
  child.on("message", (answer: Answer) => waiting.get(answer.id)?.(answer));
  let ids = 0;
  return {
    async tell<T>(ask: Ask) {
      const id = (ids += 1);
      const { answer, error } = await new Promise<Answer>((resolve) => {
        waiting.set(id, resolve);
        child.send({ id, ask });
      });
      if (error !== undefined) throw new Error(error);
      return answer as T;
    },
    async kill() {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}
