/** What a command needs of the process it runs in; `process` itself fits. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: { write(text: string): unknown };
  /** Explanations go here, and only where a person reads along. */
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
}

/** What a command ends with: 0 done, 1 it could not be done, 2 it was called in a way it does not know. */
export type ExitCode = 0 | 1 | 2;
