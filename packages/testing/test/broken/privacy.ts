import type { privacy } from "../../src/describe-processor/cases/privacy.ts";
import { type BrokenFor, emailOf } from "./broken.ts";

export const privacyBroken: BrokenFor<typeof privacy> = {
  "names nobody in errors, answers, logs or warnings, whatever the vendor quotes": [
    {
      that: "logs the address",
      in: "erase",
      slip: ({ run }) => ({
        run(call, context) {
          console.info(`erasing ${emailOf(call)}`);
          return run(call, context);
        },
      }),
    },
    {
      that: "warns of the address",
      in: "erase",
      slip: ({ run }) => ({
        run(call, context) {
          process.emitWarning(`erasing ${emailOf(call)}`);
          return run(call, context);
        },
      }),
    },
    {
      that: "says whom it looks up for the second time",
      in: "export",
      slip: ({ resolve }) => {
        let looks = 0;
        return {
          resolve(calls, context) {
            looks += 1;
            if (looks > 1) for (const call of calls) console.debug(`looking ${emailOf(call)} up again`);
            return resolve(calls, context);
          },
        };
      },
    },
    {
      that: "quotes in its error what it was to write",
      in: "rectify",
      slip: ({ ask, failure }) => {
        let written = "";
        return {
          ask(request, context, operation) {
            if (request.method === "PATCH") written = JSON.stringify(request.body);
            return ask(request, context, operation);
          },
          failure: (response, code, operation) =>
            Object.assign(failure(response, code, operation), { cause: new Error(written) }),
        };
      },
    },
    {
      that: "quotes the vendor in the cause of its error",
      in: "erase",
      slip: ({ send, failure }) => {
        let said = "";
        return {
          async send(request, context) {
            const response = await send(request, context);
            said = await response.clone().text();
            return response;
          },
          failure: (response, code, operation) =>
            Object.assign(failure(response, code, operation), { cause: new Error(said) }),
        };
      },
    },
  ],
  "leaves nobody's name in evidence, traces, metrics or rows of heed's own": [
    {
      that: "throws the address at the engine",
      in: "unsubscribe",
      slip: () => ({
        async run(call) {
          throw new TypeError(`Cannot unsubscribe ${emailOf(call)}.`);
        },
      }),
    },
    {
      that: "throws the address at the engine when it looks a person up again",
      in: "exclude",
      slip: ({ resolve }) => {
        let looks = 0;
        return {
          async resolve(calls, context) {
            looks += 1;
            if (looks === 2) throw new TypeError(`Who is ${calls.map(emailOf).join()}?`);
            return resolve(calls, context);
          },
        };
      },
    },
    {
      that: "says under which step it writes what",
      in: "rectify",
      slip: ({ run }) => ({
        run(call, context) {
          // As the engine names steps; by the kit's own ids a call is not known.
          if (call.id.length === 36) console.info(call.id, call.input);
          return run(call, context);
        },
      }),
    },
  ],
};
