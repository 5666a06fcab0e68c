/**
 * Looks at what a handler is made of, for callers that no compiler checked: without it each request would be answered that
 * it cannot be served now.
 *
 * @throws TypeError that says what to pass
 */
export function needs(handler: string, option: string, given: unknown, functions: readonly string[]): void {
  const has = (name: string): boolean =>
    typeof given === "object" && given !== null && typeof Reflect.get(given, name) === "function";
  if (!functions.every(has)) {
    throw new TypeError(`${handler}() needs \`${option}\`, for example heed.${option}`);
  }
}
