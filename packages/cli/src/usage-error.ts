/** The command line cannot be understood. The message repeats nothing of it. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
