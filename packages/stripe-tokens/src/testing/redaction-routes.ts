import { one } from "./form.ts";
import { listPage } from "./lists.ts";
import { endedJobs, moveJobs } from "./redaction-jobs.ts";
import { type Asked, type Route, inMode, seen } from "./route.ts";
import { StripeFailure, noSuch } from "./stripe-failure.ts";
import type { RedactionJobObject } from "./stripe-objects.ts";

const mostObjects = 10;

/**
 * Redaction jobs, a preview. They work by themselves: created, validating, ready or failed; when told to run,
 * redacting, succeeded.
 *
 * @see https://docs.stripe.com/api/privacy/redaction-job?api-version=preview
 */
export const redactionRoutes: readonly Route[] = [
  {
    endpoint: "GET /v1/privacy/redaction_jobs",
    preview: true,
    run: (asked) => {
      const status = one(asked.params, "status");
      const rows = inMode(asked.state.redactionJobs, asked);
      const wanted = rows.filter((row) => status === undefined || row.status === status);
      return listPage(wanted, asked.params, asked.path);
    },
  },
  { endpoint: "POST /v1/privacy/redaction_jobs", preview: true, run: create },
  { endpoint: "GET /v1/privacy/redaction_jobs/{id}", preview: true, run: (asked) => shown(jobInPath(asked)) },
  {
    endpoint: "POST /v1/privacy/redaction_jobs/{id}/run",
    preview: true,
    run: (asked) => {
      const job = jobInPath(asked);
      if (job.status !== "ready") throw wrongStatus(job);
      job.status = "redacting";
      job.movesAt = laterThanNow(asked);
      settle(asked);
      return shown(job);
    },
  },
  {
    endpoint: "POST /v1/privacy/redaction_jobs/{id}/cancel",
    preview: true,
    run: (asked) => {
      const job = jobInPath(asked);
      if (job.status !== "ready" && job.status !== "failed") throw wrongStatus(job);
      job.status = "canceled";
      return shown(job);
    },
  },
  {
    endpoint: "GET /v1/privacy/redaction_jobs/{id}/validation_errors",
    preview: true,
    run: (asked) => {
      const { livemode, created, validation_errors } = jobInPath(asked);
      const rows = validation_errors.map((error) => ({ ...error, livemode, created }));
      return listPage(rows, asked.params, asked.path);
    },
  },
];

function create(asked: Asked): object {
  const { state, switches, params, live } = asked;
  const objects: Record<string, readonly string[]> = {};
  for (const [name, ids] of params) {
    const kind = /^objects\[(\w+)\]\[\]$/.exec(name)?.[1];
    if (kind !== undefined) objects[kind] = ids;
  }
  const ids = Object.values(objects).flat();
  if (ids.length === 0) {
    throw new StripeFailure(400, {
      code: "parameter_missing",
      message: "Missing required param: objects.",
      param: "objects",
    });
  }
  if (ids.length > mostObjects) {
    throw new StripeFailure(400, { message: "A redaction job takes 10 objects at most.", param: "objects" });
  }
  for (const id of objects["customers"] ?? []) {
    const customer = seen(state.customers, id, asked);
    if (customer === undefined || (customer.deleted && !switches.redactsDeleted)) {
      throw noSuch("customer", id, "objects[customers]", 400);
    }
  }
  const job: RedactionJobObject = {
    id: `prj_${String(state.redactionJobs.size + 1).padStart(14, "0")}`,
    object: "privacy.redaction_job",
    created: Math.floor(switches.now().getTime() / 1000),
    livemode: live,
    status: "created",
    validation_behavior: one(params, "validation_behavior") ?? "error",
    objects,
    validation_errors: [],
    movesAt: laterThanNow(asked),
  };
  state.redactionJobs.set(job.id, job);
  settle(asked);
  return shown(job);
}

/** Where a state takes no time, the answer shows the one after it. */
function settle({ state, switches }: Asked): void {
  if (switches.redactionMs === 0) {
    moveJobs(state, switches, Math.floor(switches.now().getTime() / 1000));
  }
}

function laterThanNow({ switches }: Asked): number {
  return Math.floor((switches.now().getTime() + switches.redactionMs) / 1000);
}

function jobInPath(asked: Asked): RedactionJobObject {
  const id = asked.ids[0] ?? "";
  const job = seen(asked.state.redactionJobs, id, asked);
  if (job === undefined) throw noSuch("redaction job", id, "job");
  return job;
}

function wrongStatus({ status }: RedactionJobObject): StripeFailure {
  const isOver = endedJobs.has(status) ? " and is over" : "";
  return new StripeFailure(400, { message: `This redaction job has a status of ${status}${isOver}.` });
}

function shown(job: RedactionJobObject): object {
  const { id, object, created, livemode, status, validation_behavior, objects, validation_errors } = job;
  const firstErrors = validation_errors.slice(0, 10);
  return {
    id,
    object,
    created,
    livemode,
    status,
    validation_behavior,
    objects,
    validation_errors: firstErrors,
  };
}
