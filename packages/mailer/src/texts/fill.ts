const placeholder = /\{(\w+)\}/g;

/** Puts values into a text, in one pass: what a value says is never read as a placeholder. */
export function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(placeholder, (_, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === undefined) throw new TypeError(`a text needs {${name}}, and there is no such value`);
    return value;
  });
}

/** The names of a text's placeholders, each once, in alphabetical order. */
export function placeholdersOf(text: string): readonly string[] {
  return [...new Set(Array.from(text.matchAll(placeholder), ([, name = ""]) => name))].toSorted();
}
