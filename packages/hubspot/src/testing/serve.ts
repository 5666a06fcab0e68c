import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";

/** A portal that listens on loopback. */
export interface ListeningPortal {
  /** For example `http://127.0.0.1:43121`. */
  readonly url: string;
  close(): Promise<void>;
}

type Answer = (request: Request) => Promise<Response>;

/** Answers over real HTTP on 127.0.0.1. A network error breaks the connection. */
export function serve(answer: Answer, port: number): Promise<ListeningPortal> {
  return new Promise((resolve, reject) => {
    let url = "";
    const server = createServer((incoming, outgoing) => {
      pass(answer, url, incoming, outgoing).catch(() => outgoing.destroy());
    });
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") throw new TypeError("The server has no port.");
      url = `http://127.0.0.1:${address.port}`;
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

async function pass(
  answer: Answer,
  url: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const body = await buffer(incoming);
  const response = await answer(
    new Request(url + (incoming.url ?? "/"), {
      method: incoming.method ?? "GET",
      headers: Object.entries(incoming.headers).flatMap(([name, value]) =>
        typeof value === "string" ? [[name, value] as [string, string]] : [],
      ),
      ...(body.length === 0 ? {} : { body }),
    }),
  );
  if (response.type === "error") {
    outgoing.destroy();
    return;
  }
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.end(Buffer.from(await response.arrayBuffer()));
}
