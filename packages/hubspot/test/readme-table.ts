import { readFile } from "node:fs/promises";

const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");

/** The rows of the README's table whose first column is headed so, cell by cell. */
export function readmeTable(head: string): readonly (readonly string[])[] {
  const lines = readme.split("\n");
  const at = lines.findIndex((line) => cellsOf(line)[0] === head);
  const end = lines.findIndex((line, index) => index > at && !line.startsWith("|"));
  return at === -1 ? [] : lines.slice(at + 2, end).map(cellsOf);
}

/** The names in a cell that are written as code. */
export const namesIn = (cell = ""): readonly string[] =>
  [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);

function cellsOf(line: string): readonly string[] {
  return line.startsWith("|")
    ? line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim())
    : [];
}
