import { InvalidInputError } from "@heed/core/storage";

/**
 * Refuses what can be no connection string: its driver would take almost any text for the name of a database, and look
 * for it until all patience is used up. Nothing of the string is repeated, for it holds a password.
 *
 * @throws InvalidInputError
 */
export function assertConnectionString(given: string): void {
  // A directory of Unix sockets, which the driver takes as it is.
  if (given.startsWith("/")) return;
  if (!/^(postgres(ql)?:\/\/|socket:)/i.test(given))
    throw refused("It begins with postgres:// or postgresql://.");
  const url = parsed(given);
  if (url === undefined || ![url.username, url.password, url.pathname, url.hostname].every(isDecodable)) {
    throw refused('In a role or a password, "/", "#", "?", "@", ":" and "%" are percent-encoded.');
  }
}

/** As the driver (pg-connection-string) reads it: it forgives spaces and stray percent signs, and needs no host. */
function parsed(given: string): URL | undefined {
  const isLax = / |%[^a-f0-9]|%[a-f0-9][^a-f0-9]/i.test(given);
  const text = isLax ? encodeURI(given).replace(/%25(\d\d)/g, "%$1") : given;
  return URL.parse(text) ?? URL.parse(text.replace("@/", "@host/")) ?? undefined;
}

function isDecodable(part: string): boolean {
  try {
    decodeURIComponent(part);
    return true;
  } catch {
    return false;
  }
}

function refused(advice: string): InvalidInputError {
  return new InvalidInputError(
    `The connection string of postgres() is none. ${advice} For example: postgres://role:password@db.example:5432/app`,
  );
}
