import { randomUUID } from "node:crypto";

/** An answer of the portal, before it becomes HTTP. A string is sent as it is, anything else as JSON. */
export interface Reply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

function failure(status: number, category: string, message: string, more: object = {}): Reply {
  return { status, body: { status: "error", message, correlationId: randomUUID(), category, ...more } };
}

export function invalid(message: string, category = "VALIDATION_ERROR"): Reply {
  return failure(400, category, message);
}

/** A refusal that names the property. HubSpot's text quotes the value as well. */
export function invalidProperty(property: string, message: string, code: string): Reply {
  return failure(400, "VALIDATION_ERROR", message, {
    errors: [{ message, code, context: { propertyName: [property] } }],
  });
}

export function tooLarge(message: string): Reply {
  return failure(413, "PAYLOAD_TOO_LARGE", message);
}

export function unauthenticated(): Reply {
  return failure(
    401,
    "INVALID_AUTHENTICATION",
    "Authentication credentials not found. This API supports OAuth 2.0 authentication.",
  );
}

export function missingScopes(scopes: readonly string[]): Reply {
  return failure(
    403,
    "MISSING_SCOPES",
    "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: https://developers.hubspot.com/scopes.",
    {
      errors: [
        {
          message: "One or more of the following scopes are required.",
          context: { missingScopes: scopes },
        },
      ],
    },
  );
}

export function objectNotFound(id: string): Reply {
  return failure(404, "OBJECT_NOT_FOUND", "Object not found.  objectId are usually numeric.", {
    context: { id: [id] },
  });
}

/** A URL that nothing serves: no category, so that nobody takes it for a missing object. */
export function unknownRoute(): Reply {
  return {
    status: 404,
    body: { status: "error", message: "resource not found", correlationId: randomUUID() },
  };
}

export function alreadyExists(id: string): Reply {
  return failure(409, "CONFLICT", `Contact already exists. Existing ID: ${id}`);
}

/** The 429 of HubSpot's own words; `policyName` says which limit it was. */
export function rateLimited(
  policyName: "TEN_SECONDLY_ROLLING" | "DAILY",
  retryAfterSeconds: number | undefined,
): Reply {
  return {
    status: 429,
    body: {
      status: "error",
      message: `You have reached your ${policyName.toLowerCase()} limit.`,
      errorType: "RATE_LIMIT",
      correlationId: randomUUID(),
      policyName,
      groupName: "publicapi:private-apps:api-calls",
    },
    ...(retryAfterSeconds === undefined ? {} : { headers: { "Retry-After": String(retryAfterSeconds) } }),
  };
}
