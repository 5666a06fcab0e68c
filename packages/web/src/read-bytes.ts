/** A request's body, or the HTTP status that says why there is none. Never reads more than `maxBytes`. */
export async function readBytes(
  request: Request,
  maxBytes: number,
  timeoutMs: number,
): Promise<Buffer<ArrayBuffer> | 400 | 408 | 413> {
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) return 413;
  if (!request.body) return Buffer.alloc(0);
  const reader = request.body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">((resolve) => (timer = setTimeout(resolve, timeoutMs, "late")));
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for (;;) {
      const next = await Promise.race([reader.read(), late]);
      if (next === "late") return 408;
      if (next.done) return Buffer.concat(chunks);
      size += next.value.length;
      if (size > maxBytes) return 413;
      chunks.push(next.value);
    }
  } catch {
    // The sender broke off.
    return 400;
  } finally {
    clearTimeout(timer);
    reader.cancel().catch(() => {});
  }
}
