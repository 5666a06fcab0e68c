import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that take from a quarter of a minute to a minute. */
const long =
  /(?:conformance|histories|new-processor|describe-processor|recovery|engine-crash|accounts-story|process|pump)\.test\.ts$/;

/**
 * Begins with the longest test files, so that none of them is left to run alone in the end. The others go project by
 * project: a process goes on with the next file only where that is of the same project.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- not that of an array
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification) => long.test(moduleId);
    const others = Map.groupBy(
      sorted.filter((file) => !isLong(file)),
      ({ project }) => project.name,
    );
    return [...sorted.filter(isLong), ...[...others.values()].flat()];
  }
}
