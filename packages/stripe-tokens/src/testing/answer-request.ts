import { additionRoutes } from "./addition-routes.ts";
import { billingRoutes } from "./billing-routes.ts";
import { customerRoutes } from "./customer-routes.ts";
import type { Fault } from "./faults.ts";
import { type Params, decodeForm, decodeJson } from "./form.ts";
import type { KeptAnswer } from "./idempotency.ts";
import { intentRoutes } from "./intent-routes.ts";
import { paymentMethodRoutes } from "./payment-method-routes.ts";
import { recordRoutes } from "./record-routes.ts";
import { redactionRoutes } from "./redaction-routes.ts";
import { refuseUndocumented } from "./request-shapes.ts";
import type { Asked, Route } from "./route.ts";
import { StripeFailure, lockTimeout, rateLimited, unknownRoute } from "./stripe-failure.ts";
import { letTimePass } from "./time-passes.ts";
import type { LoggedCall, World } from "./world.ts";

const routes = [
  ...additionRoutes,
  ...customerRoutes,
  ...paymentMethodRoutes,
  ...intentRoutes,
  ...billingRoutes,
  ...recordRoutes,
  ...redactionRoutes,
].map((route) => {
  const [method, path = ""] = route.endpoint.split(" ");
  // A fixed path stands before the pattern that would match it too: search before {id}.
  return { route, method, pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, "([^/]+)")}$`) };
});

/** Answers one HTTP request as the account would. A broken connection is a network error response. */
export async function answerRequest(world: World, request: Request): Promise<Response> {
  const url = new URL(request.url);
  const { method } = request;
  const params = await paramsOf(request, url);
  const version = request.headers.get("stripe-version") ?? "";
  const found = find(method, url.pathname, world.switches.redaction && version.endsWith(".preview"));
  const call: LoggedCall = {
    requestId: `req_${String(world.nextCall()).padStart(14, "0")}`,
    endpoint: found?.route.endpoint,
    method,
    path: url.pathname,
    params: Object.fromEntries(params),
    version,
    idempotencyKey: request.headers.get("idempotency-key") ?? undefined,
    status: undefined,
    code: undefined,
  };
  if (world.calls.length >= world.switches.remembers) world.calls.shift();
  world.calls.push(call);
  world.hooks.take(call.endpoint ?? "")?.();
  letTimePass(world);
  const fault = world.faults.take(call.endpoint ?? "");
  if (fault === "hang") return new Promise<never>(() => {});
  if (fault === "drop-before") return Response.error();

  let answer: KeptAnswer & { readonly headers?: Readonly<Record<string, string>> };
  try {
    const live = modeOf(request, world);
    if (found === undefined) throw unknownRoute(method, url.pathname);
    const refused = world.switches.limited ? world.windows.count(found.route.endpoint, live) : undefined;
    if (refused !== undefined) throw refused;
    const { state, switches, count } = world;
    const asked = { state, switches, count, live, path: url.pathname, ids: found.ids, params };
    answer = await replayOrRun(world, found.route, asked, call, fault);
  } catch (error) {
    if (!(error instanceof StripeFailure)) throw error;
    answer = error;
    call.code = error.body.error["code"];
  }
  if (fault === "drop-after") return Response.error();
  call.status = fault === "garbage" || fault === "wrong-shape" ? 200 : answer.status;
  const headers = { "Request-Id": call.requestId, "Stripe-Version": "2026-10-28.endive", ...answer.headers };
  if (fault === "garbage") {
    return new Response("<html>Bad gateway</html>", { headers: { ...headers, "Content-Type": "text/html" } });
  }
  const body = fault === "wrong-shape" ? { object: "unexpected" } : answer.body;
  return Response.json(body, { status: call.status, headers });
}

async function paramsOf(request: Request, url: URL): Promise<Params> {
  const query = decodeForm(url.search.slice(1));
  const text = await request.text();
  const isJson = request.headers.get("content-type")?.includes("json") === true;
  return new Map([...query, ...(isJson ? decodeJson(text) : decodeForm(text))]);
}

function find(
  method: string,
  path: string,
  previews: boolean,
): { route: Route; ids: readonly string[] } | undefined {
  for (const each of routes) {
    if (each.route.preview === true && !previews) continue;
    const match = each.method === method ? each.pattern.exec(path) : null;
    if (match) return { route: each.route, ids: match.slice(1).map((id) => decodeURIComponent(id)) };
  }
  return undefined;
}

function modeOf(request: Request, world: World): boolean {
  const key = /^Bearer (.+)$/.exec(request.headers.get("authorization") ?? "")?.[1];
  if (key === undefined) throw new StripeFailure(401, { message: "You did not provide an API key." });
  const live = world.keys.get(key);
  if (live === undefined) {
    throw new StripeFailure(401, { message: `Invalid API Key provided: ${key.slice(0, 8)}***` });
  }
  return live;
}

/** Only what starts to run is kept under the key: not a refused parameter, not a refused rate. */
async function replayOrRun(
  world: World,
  route: Route,
  asked: Asked,
  call: LoggedCall,
  fault: Fault | undefined,
): Promise<KeptAnswer & { headers?: Record<string, string> }> {
  if (fault === "rate-limit") throw rateLimited("endpoint-rate");
  if (fault === "lock-timeout") throw lockTimeout();
  if (typeof fault === "number" && fault < 500) throw refusal(fault, call, asked.params);
  refuseUndocumented(route.endpoint, asked.params);
  const key = call.method === "POST" ? call.idempotencyKey : undefined;
  const fingerprint = JSON.stringify([call.path, call.params]);
  const replayed = key === undefined ? undefined : world.kept.replay(`${asked.live} ${key}`, fingerprint);
  if (replayed !== undefined) return { ...replayed, headers: { "Idempotent-Replayed": "true" } };
  const answer = await alone(world, route, asked, () => execute(route, asked, call, fault));
  if (key !== undefined) world.kept.keep(`${asked.live} ${key}`, fingerprint, answer);
  return answer;
}

function execute(route: Route, asked: Asked, call: LoggedCall, fault: Fault | undefined): KeptAnswer {
  try {
    if (typeof fault === "number") throw refusal(fault, call, asked.params);
    // On a copy everything happens, and nothing of it is kept.
    const state = fault === "pretend" ? structuredClone(asked.state) : asked.state;
    return { status: 200, body: structuredClone(route.run({ ...asked, state })) };
  } catch (error) {
    if (!(error instanceof StripeFailure)) throw error;
    call.code = error.body.error["code"];
    return error;
  }
}

/** Runs a write while no other one has the customer. */
async function alone<T>(world: World, route: Route, asked: Asked, run: () => T): Promise<T> {
  const customer = world.switches.writesCollide ? route.locks?.(asked) : undefined;
  if (customer === undefined) return run();
  if (world.locked.has(customer)) throw lockTimeout();
  world.locked.add(customer);
  try {
    await new Promise((resolve) => setImmediate(resolve));
    return run();
  } finally {
    world.locked.delete(customer);
  }
}

/** Stripe's texts may quote what they were sent, so this one does: nobody may rely on them being harmless. */
function refusal(status: number, call: LoggedCall, params: Params): StripeFailure {
  if (status === 404) return unknownRoute(call.method, call.path);
  const sent = [...params].map(([name, values]) => `${name}=${values.join()}`).join(", ");
  return new StripeFailure(status, {
    ...(status >= 500 ? { type: "api_error" } : {}),
    message: `Something is wrong with ${call.method} ${call.path} (${sent}).`,
  });
}
