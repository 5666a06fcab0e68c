/** Parts of at most `size`, in order; none of nothing. */
export function inChunks<T>(items: readonly T[], size: number): readonly T[][] {
  const starts = Array.from({ length: Math.ceil(items.length / size) }, (_, at) => at * size);
  return starts.map((start) => items.slice(start, start + size));
}
