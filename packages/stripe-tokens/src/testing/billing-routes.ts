import { one } from "./form.ts";
import { listPage, onlyExpands } from "./lists.ts";
import { type Route, inMode, seen } from "./route.ts";
import { StripeFailure, noSuch } from "./stripe-failure.ts";
import { cancelSubscription, endedStatuses, updateSubscription } from "./subscription-changes.ts";
import { ownedRows } from "./which-customer.ts";

/** The account, and what a customer pays: subscriptions, schedules, invoices, charges, disputes. */
export const billingRoutes: readonly Route[] = [
  {
    endpoint: "GET /v1/account",
    run: ({ switches }) => ({ id: switches.id, object: "account", type: "standard", charges_enabled: true }),
  },
  {
    endpoint: "GET /v1/subscriptions",
    run: (asked) => {
      const status = one(asked.params, "status");
      const rows = ownedRows(asked, asked.state.subscriptions).filter((row) => {
        if (status === "all") return true;
        if (status === "ended") return endedStatuses.has(row.status);
        return status === undefined ? row.status !== "canceled" : row.status === status;
      });
      return listPage(rows, asked.params, asked.path);
    },
  },
  {
    endpoint: "POST /v1/subscriptions/{id}",
    locks: (asked) => asked.state.subscriptions.get(asked.ids[0] ?? "")?.customer ?? undefined,
    run: updateSubscription,
  },
  {
    endpoint: "DELETE /v1/subscriptions/{id}",
    locks: (asked) => asked.state.subscriptions.get(asked.ids[0] ?? "")?.customer ?? undefined,
    run: cancelSubscription,
  },
  {
    endpoint: "GET /v1/subscription_schedules",
    run: (asked) => listPage(ownedRows(asked, asked.state.schedules), asked.params, asked.path),
  },
  {
    endpoint: "POST /v1/subscription_schedules/{id}/release",
    locks: (asked) => asked.state.schedules.get(asked.ids[0] ?? "")?.customer ?? undefined,
    run: (asked) => {
      const id = asked.ids[0] ?? "";
      const schedule = seen(asked.state.schedules, id, asked);
      if (schedule === undefined) throw noSuch("subscription schedule", id, "schedule");
      if (!["not_started", "active"].includes(schedule.status)) {
        throw new StripeFailure(400, {
          message: `You cannot release a subscription schedule that is currently in the \`${schedule.status}\` status.`,
        });
      }
      const subscription = asked.state.subscriptions.get(schedule.subscription ?? "");
      if (subscription) subscription.schedule = null;
      schedule.status = "released";
      return schedule;
    },
  },
  {
    endpoint: "GET /v1/invoices",
    run: (asked) => {
      const status = one(asked.params, "status");
      const rows = ownedRows(asked, asked.state.invoices);
      const wanted = rows.filter((row) => status === undefined || row.status === status);
      return listPage(wanted, asked.params, asked.path);
    },
  },
  {
    endpoint: "POST /v1/invoices/{id}",
    run: (asked) => {
      const id = asked.ids[0] ?? "";
      const invoice = seen(asked.state.invoices, id, asked);
      if (invoice === undefined) throw noSuch("invoice", id, "invoice");
      if (!["draft", "open"].includes(invoice.status)) {
        throw new StripeFailure(400, { message: "Finalized invoices can't be updated in this way." });
      }
      for (const field of ["default_payment_method", "default_source"] as const) {
        const value = one(asked.params, field);
        if (value !== undefined) invoice[field] = value || null;
      }
      return invoice;
    },
  },
  {
    endpoint: "DELETE /v1/invoices/{id}",
    run: (asked) => {
      const id = asked.ids[0] ?? "";
      const invoice = seen(asked.state.invoices, id, asked);
      if (invoice === undefined) throw noSuch("invoice", id, "invoice");
      if (invoice.status !== "draft") {
        throw new StripeFailure(400, { message: "You can only delete draft invoices." });
      }
      asked.state.invoices.delete(id);
      return { id, object: "invoice", deleted: true };
    },
  },
  {
    endpoint: "GET /v1/charges",
    run: (asked) => {
      onlyExpands(asked.params, "data.refunds");
      return listPage(ownedRows(asked, asked.state.charges), asked.params, asked.path);
    },
  },
  {
    endpoint: "GET /v1/disputes",
    run: (asked) => {
      const charge = one(asked.params, "charge");
      if (charge !== undefined && !seen(asked.state.charges, charge, asked)) {
        throw noSuch("charge", charge, "charge", 400);
      }
      const rows = inMode(asked.state.disputes, asked).filter(
        (row) => charge === undefined || row.charge === charge,
      );
      return listPage(rows, asked.params, asked.path);
    },
  },
];
