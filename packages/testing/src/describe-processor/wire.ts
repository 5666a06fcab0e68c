import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Between, VendorReply, VendorRequest } from "./world.ts";

/** An answer as it goes over the wire. */
export interface WireReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A request that is under way. */
interface Passing extends VendorRequest {
  /** Lets the vendor have it. */
  readonly forward: () => Promise<WireReply>;
}

/** What becomes of a request: an answer, a cut connection, or no answer at all. */
export type Meets = WireReply | "cut" | "hang";

/** What happens on the wire: asked for every request. */
export type Rule = (request: Passing) => Promise<Meets> | Meets;

/** The wire between an adapter and its vendor, in the kit's hands. */
export interface Wire {
  readonly between: Between;
  /** Whether anybody uses it. */
  readonly isUsed: boolean;
  /** The requests that arrived, in order. */
  readonly requests: readonly VendorRequest[];
  /** From now on every request meets this, until {@link heal}. */
  meet(rule: Rule): void;
  heal(): void;
  /** Told of each request as it arrives. */
  onRequest: ((request: VendorRequest) => void) | undefined;
  close(): Promise<void>;
}

type Vendor = Parameters<Between>[0];

/** Of one hop only (RFC 9110 7.6.1), or of a form of the body that the wire does not pass on. */
const ofOneHop = new Set([
  "accept-encoding",
  "connection",
  "content-encoding",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "transfer-encoding",
  "upgrade",
]);

export function openWire(): Wire {
  const requests: VendorRequest[] = [];
  const closing: (() => Promise<void>)[] = [];
  const straight: Rule = ({ forward }) => forward();
  let rule = straight;

  async function pass(vendor: Vendor, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const sent = await bodyOf(incoming);
    const request: VendorRequest = {
      method: (incoming.method ?? "GET").toUpperCase(),
      path: incoming.url ?? "/",
      body: sent.toString("utf8"),
    };
    requests.push(request);
    wire.onRequest?.(request);
    const met = await rule({ ...request, forward: () => forward(vendor, incoming, sent) });
    if (met === "hang") return;
    if (met === "cut") outgoing.destroy();
    else {
      outgoing.writeHead(met.status, met.headers);
      outgoing.end(met.body);
    }
  }

  const wire: Wire = {
    requests,
    onRequest: undefined,
    get isUsed() {
      return closing.length > 0;
    },
    async between(vendor) {
      const server = createServer((incoming, outgoing) => {
        // A vendor that breaks the connection is a broken connection here too.
        pass(vendor, incoming, outgoing).catch(() => outgoing.destroy());
      });
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(0, "127.0.0.1", resolve);
      });
      closing.push(async () => {
        const closed = new Promise((resolve) => server.close(resolve));
        server.closeAllConnections();
        await closed;
      });
      const address = server.address();
      if (address === null || typeof address === "string") throw new TypeError("The wire has no port.");
      return `http://127.0.0.1:${address.port}`;
    },
    meet: (next) => void (rule = next),
    heal: () => void (rule = straight),
    close: async () => void (await Promise.all(closing.map((end) => end()))),
  };
  return wire;
}

/** As `buffer()` of `node:stream/consumers` does, which goes by a blob: the kit's cases send many thousand requests. */
function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    incoming.on("data", (part: Buffer) => void parts.push(part));
    incoming.once("end", () => resolve(Buffer.concat(parts)));
    incoming.once("error", reject);
  });
}

async function forward(vendor: Vendor, incoming: IncomingMessage, sent: Buffer): Promise<WireReply> {
  const method = incoming.method ?? "GET";
  const headers = Object.entries(incoming.headersDistinct).flatMap(([name, values = []]) =>
    ofOneHop.has(name) ? [] : values.map((value): [string, string] => [name, value]),
  );
  const base = typeof vendor === "string" ? vendor : "http://vendor.invalid";
  const url = base.replace(/\/+$/, "") + (incoming.url ?? "/");
  const request = new Request(url, {
    method,
    headers,
    redirect: "manual",
    ...(sent.length === 0 || method === "GET" || method === "HEAD" ? {} : { body: new Uint8Array(sent) }),
  });
  const response = await (typeof vendor === "string" ? fetch(request) : vendor(request));
  if (response.type === "error") throw new TypeError("The vendor broke the connection.");
  return {
    status: response.status,
    headers: Object.fromEntries([...response.headers].filter(([name]) => !ofOneHop.has(name))),
    body: await response.text(),
  };
}

/** An answer in a vendor's words, ready to be sent. */
export function wireReply({ status, headers = {}, body = "" }: VendorReply): WireReply {
  return typeof body === "string"
    ? { status, headers, body }
    : { status, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) };
}
