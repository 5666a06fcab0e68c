import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { getResponse, type HttpHandler } from "msw";

/** A portal that listens on loopback. */
export interface ListeningPortal {
  /** For example `http://127.0.0.1:43121`. */
  readonly url: string;
  close(): Promise<void>;
}

/** Serves MSW handlers over real HTTP on 127.0.0.1. A handler's network error breaks the connection. */
export function serveHandlers(
  handlersAt: (url: string) => readonly HttpHandler[],
  port: number,
): Promise<ListeningPortal> {
  return new Promise((resolve, reject) => {
    let handlers: HttpHandler[] = [];
    let url = "";
    const server = createServer((incoming, outgoing) => {
      answer(incoming, outgoing, url, handlers).catch(() => outgoing.destroy());
    });
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") throw new TypeError("The server has no port.");
      url = `http://127.0.0.1:${address.port}`;
      handlers = [...handlersAt(url)];
      resolve({
        url,
        close: () =>
          new Promise((closed, failed) => {
            server.close((error) => (error === undefined ? closed() : failed(error)));
            server.closeAllConnections();
          }),
      });
    });
  });
}

async function answer(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  url: string,
  handlers: HttpHandler[],
): Promise<void> {
  const body = await buffer(incoming);
  const method = incoming.method ?? "GET";
  const request = new Request(url + (incoming.url ?? "/"), {
    method,
    headers: Object.entries(incoming.headers).flatMap(([name, value]) =>
      typeof value === "string" ? [[name, value] as [string, string]] : [],
    ),
    ...(body.length === 0 ? {} : { body }),
  });
  const response = await getResponse(handlers, request);
  if (response === undefined || response.type === "error") {
    outgoing.destroy();
    return;
  }
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.end(Buffer.from(await response.arrayBuffer()));
}
