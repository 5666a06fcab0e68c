/** Header fields in their order: names in lower case, values unfolded. */
export type Fields = readonly (readonly [name: string, value: string])[];

/** Reads a block of header fields (RFC 5322 2.2), up to its first empty line. What is no field is passed over. */
export function readFields(block: string): Fields {
  const [fields = ""] = block.replace(/^(?:\r?\n)+/, "").split(/\r?\n\r?\n/, 1);
  return fields
    .replaceAll(/\r?\n[\t ]+/g, " ")
    .split(/\r?\n/)
    .flatMap((line) => {
      const [, name, value] = /^([!-9;-~]+)[\t ]*:(.*)$/s.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [[name.toLowerCase(), value.trim()] as const];
    });
}

/** Every value of a field. */
export function valuesOf(fields: Fields, wanted: string): string[] {
  return fields.filter(([name]) => name === wanted).map(([, value]) => value);
}

/** The first value of a field. */
export function valueOf(fields: Fields, wanted: string): string | undefined {
  return fields.find(([name]) => name === wanted)?.[1];
}
