import { serve } from "srvx";

/** A running server. */
export interface Listening {
  /** Where it listens, without a slash at the end: `http://127.0.0.1:3000`. */
  readonly url: string;
  /** Ends it and every open connection. */
  close(): Promise<void>;
}

/**
 * Serves a handler over HTTP. Behind it, something else has to speak TLS to the world.
 *
 * @param where.port default: any free one
 * @param where.host default: 127.0.0.1, this machine only
 * @throws TypeError without a handler; the system's error when the port cannot be had
 */
export async function listen(
  handler: (request: Request) => Response | Promise<Response>,
  where: { readonly port?: number; readonly host?: string } = {},
): Promise<Listening> {
  if (typeof handler !== "function") {
    throw new TypeError("listen() needs a handler, for example unsubscribeHandler({ … })");
  }
  const { port = 0, host = "127.0.0.1" } = where;
  const server = serve({ fetch: handler, port, hostname: host, silent: true, gracefulShutdown: false });
  await server.ready();
  return { url: (server.url ?? "").replace(/\/$/, ""), close: () => server.close(true) };
}
