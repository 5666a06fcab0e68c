import { ConflictError, type KeyState, keyring, newKey } from "@heed/core";

/** The entries of a keyring that core can read. @throws InvalidInputError when it cannot */
function entriesOf(text: string | undefined): readonly string[] {
  keyring(text);
  return (text ?? "").trim().split(/[\s,]+/);
}

function stateOf(entry: string): string | undefined {
  return entry.split(":")[1];
}

function withState(entry: string, state: KeyState): string {
  const [id, , secret] = entry.split(":");
  return [id, state, secret].join(":");
}

/** Joins entries with commas, which need no quoting in an env file, and has core read what goes out. */
function joined(entries: readonly string[]): string {
  const text = entries.join(",");
  keyring(text);
  return text;
}

/**
 * First half of a rotation: the keyring with a new key that is only looked up (`staged`). Every process must
 * know the key before one of them writes under it.
 *
 * @throws InvalidInputError when the keyring is missing or cannot be read
 * @throws ConflictError `already-staged` when a staged key waits already
 */
export function stageKey(text: string | undefined): string {
  const entries = entriesOf(text);
  if (entries.some((entry) => stateOf(entry) === "staged")) {
    throw new ConflictError(
      "The keyring has a staged key already. When every process has it, go on with heed keys --activate.",
      { code: "already-staged" },
    );
  }
  return joined([...entries, newKey("staged")]);
}

/**
 * Second half of a rotation: the staged key becomes the one that writes (`active`), and the key that wrote
 * until now is only looked up (`lookup`).
 *
 * @throws InvalidInputError when the keyring is missing or cannot be read
 * @throws ConflictError `nothing-staged` when there is not exactly one staged key
 */
export function activateKey(text: string | undefined): string {
  const entries = entriesOf(text);
  if (entries.filter((entry) => stateOf(entry) === "staged").length !== 1) {
    throw new ConflictError(
      "The keyring needs exactly one staged key to activate. Stage one with heed keys --rotate.",
      { code: "nothing-staged" },
    );
  }
  return joined(
    entries.map((entry) => {
      if (stateOf(entry) === "active") return withState(entry, "lookup");
      return stateOf(entry) === "staged" ? withState(entry, "active") : entry;
    }),
  );
}
