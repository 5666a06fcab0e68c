const number = /^\d*\+?$/;

/** Lines of a table: the columns aligned, those of numbers to the right. The first row is the heading. */
export function table(rows: readonly (readonly string[])[]): readonly string[] {
  const [heading = [], ...body] = rows;
  const columns = heading.map((_, column) => {
    const width = Math.max(...rows.map((row) => row[column]?.length ?? 0));
    const isNumeric = column > 0 && body.every((row) => number.test(row[column] ?? ""));
    return (cell: string) => (isNumeric ? cell.padStart(width) : cell.padEnd(width));
  });
  return rows.map((row) =>
    columns
      .map((align, column) => align(row[column] ?? ""))
      .join("  ")
      .trimEnd(),
  );
}
