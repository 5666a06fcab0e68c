/** The command was understood and cannot be carried out. The message says what to do. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}
