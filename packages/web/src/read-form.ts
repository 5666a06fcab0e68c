import { readBytes } from "./read-bytes.ts";

/** The fields of a form, or the HTTP status that says why there are none. */
export type Form =
  | { readonly fields: readonly (readonly [name: string, value: string])[] }
  | { readonly problem: 400 | 408 | 413 };

const MAX_BYTES = 8 * 1024;
const MAX_FIELDS = 10;

/**
 * Reads a small form: urlencoded, or multipart, also from senders that get multipart wrong. A body of another
 * type has no fields. Never reads more than 8 KiB.
 */
export async function readForm(request: Request, timeoutMs: number): Promise<Form> {
  const body = await readBytes(request, MAX_BYTES, timeoutMs);
  if (typeof body === "number") return { problem: body };
  const type = request.headers.get("content-type") ?? "";
  const fields = /^multipart\/form-data\b/i.test(type)
    ? await readMultipart(body, type)
    : readUrlEncoded(body, type);
  return fields.length > MAX_FIELDS ? { problem: 413 } : { fields };
}

/** Also for a body whose type is missing or plain text: some senders set none. */
function readUrlEncoded(body: Buffer, type: string): [string, string][] {
  if (!/^(?:application\/x-www-form-urlencoded\b|text\/plain\b|$)/i.test(type)) return [];
  return [...new URLSearchParams(body.toString("utf8"))];
}

async function readMultipart(body: Buffer<ArrayBuffer>, type: string): Promise<[string, string][]> {
  try {
    const form = await new Response(body, { headers: { "Content-Type": type } }).formData();
    return [...form].flatMap(([name, value]) => (typeof value === "string" ? [[name, value]] : []));
  } catch {
    return searchMultipart(body.toString("latin1"));
  }
}

/** Lone LF line ends or no boundary: wrong, and seen. The token is the authority here, not the body. */
function searchMultipart(body: string): [string, string][] {
  const fields: [string, string][] = [];
  let name: string | undefined;
  let isValue = false;
  // Line by line: nobody has shown a token yet, and one pattern for it all could be made to search for half a second.
  for (const line of body.split(/\r?\n/)) {
    if (isValue && name !== undefined) {
      fields.push([name, line]);
      name = undefined;
    }
    isValue = !isValue && name !== undefined && line === "";
    if (!isValue) name = /^content-disposition:.*\bname="?([\w-]+)/i.exec(line)?.[1] ?? name;
  }
  return fields;
}
