import { isHeedError } from "@heed/core/storage";
import pg from "pg";
import { describe, expect, it } from "vitest";
import { assertConnectionString } from "./connection-string.ts";
import { postgres } from "./postgres.ts";

describe("a connection string", () => {
  it.each([
    "postgres://localhost/app",
    "postgresql://role:secret@db.example:5432/app?sslmode=verify-full",
    "POSTGRES://db.example",
    "postgres:///app",
    "postgres://role@/app?host=/var/run/postgresql",
    "postgres://role:se%2Fcr%40et@[::1]:5432/app",
    "postgres://role:a p%ss@db.example/app",
    "postgres://%2Fvar%2Frun%2Fpostgresql/app",
    "socket:/var/run/postgresql?db=app",
    "/var/run/postgresql app",
  ])("that the driver understands is taken: %s", (given) => {
    expect(() => new pg.Client({ connectionString: given })).not.toThrow();
    expect(() => assertConnectionString(given)).not.toThrow();
  });

  it.each([
    "canary",
    "canary.example:5432/app",
    "mysql://role:canary@db.example/app",
    "host=db.example password=canary",
    "postgres:/canary",
    "postgres://role:can/ary@db.example/app",
    "postgres://role:can#ary@db.example/app",
    "postgres://role:canary@db.example:port/app",
    "postgres://role:canary%ff@db.example/app",
  ])("that is none is refused at once, and nothing of it is repeated: %s", (given) => {
    let thrown: unknown;
    try {
      postgres(given);
    } catch (error) {
      thrown = error;
    }
    expect(isHeedError(thrown) && thrown.code).toBe("invalid-input");
    expect(String(thrown)).toContain("For example: postgres://");
    expect(String(thrown)).not.toMatch(/canary|can\b|\bary/);
    expect(thrown).not.toHaveProperty("cause.input");
  });
});
