import { defineProject, mergeConfig } from "vitest/config";
import shared from "../../vitest.shared.ts";

// A test of the command starts a process for each, ten at most.
export default mergeConfig(
  shared,
  defineProject({ test: { name: "cli", testTimeout: 60_000, hookTimeout: 60_000 } }),
);
