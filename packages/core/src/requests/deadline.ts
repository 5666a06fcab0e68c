import type { Controller } from "../policy/policy.ts";

/** A deadline with its proof. */
export interface Deadline {
  readonly regime: "gdpr";
  /** Civil date of receipt in the controller's zone. */
  readonly receivedOn: string;
  /** The same date next month, or that month's last day (Regulation 1182/71 Art. 3(2)(c)). */
  readonly rawDueOn: string;
  /** Rolled over weekends and public holidays (Art. 3(4)). The last day on which it may be done. */
  readonly dueOn: string;
  /** RFC 3339: the first instant after `dueOn` in the controller's zone. */
  readonly dueAt: string;
}

/**
 * One month of receipt (GDPR Art. 12(3)), by Regulation (EEC, Euratom) 1182/71: calendar arithmetic, never
 * 30 days. Public holidays are those of `controller.holidays`.
 */
export function deadlineOf(controller: Controller, receivedAt: string): Deadline {
  const zone = controller.zone ?? "UTC";
  const receivedOn = civilDateIn(zone, new Date(receivedAt));
  const rawDueOn = addMonths(receivedOn, 1);
  const dueOn = rollForward(rawDueOn, new Set(controller.holidays));
  return {
    regime: "gdpr",
    receivedOn,
    rawDueOn,
    dueOn,
    dueAt: startOfDay(zone, addDays(dueOn, 1)).toISOString(),
  };
}

/** The civil date at an instant in a zone. */
export function civilDateIn(zone: string, instant: Date): string {
  const parts = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  });
  return parts.format(instant);
}

/** Whole years after the end of the calendar year of `date`, as a civil date. */
export function endOfYearPlus(date: string, years: number): string {
  return `${String(Number(date.slice(0, 4)) + years).padStart(4, "0")}-12-31`;
}

function addMonths(date: string, months: number): string {
  const [year = 0, month = 0, day = 0] = date.split("-").map(Number);
  const lastOfMonth = new Date(Date.UTC(year, month - 1 + months + 1, 0));
  const clamped = Math.min(day, lastOfMonth.getUTCDate());
  return new Date(Date.UTC(lastOfMonth.getUTCFullYear(), lastOfMonth.getUTCMonth(), clamped))
    .toISOString()
    .slice(0, 10);
}

function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

function rollForward(date: string, holidays: ReadonlySet<string>): string {
  const weekday = new Date(`${date}T00:00:00Z`).getUTCDay();
  return weekday === 0 || weekday === 6 || holidays.has(date)
    ? rollForward(addDays(date, 1), holidays)
    : date;
}

/** The first instant of the next civil day in a zone. */
export function nextMidnight(zone: string, instant: Date): Date {
  return startOfDay(zone, addDays(civilDateIn(zone, instant), 1));
}

/** The first instant of a civil date in a zone: the zone's offset there, found by trying the one before. */
function startOfDay(zone: string, date: string): Date {
  const midnight = Date.parse(`${date}T00:00:00Z`);
  const guess = new Date(midnight - offsetMs(zone, new Date(midnight)));
  return new Date(midnight - offsetMs(zone, guess));
}

function offsetMs(zone: string, instant: Date): number {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  }).formatToParts(instant);
  const value = (type: string) => Number(parts.find((part) => part.type === type)?.value ?? 0);
  const local = Date.UTC(
    value("year"),
    value("month") - 1,
    value("day"),
    value("hour"),
    value("minute"),
    value("second"),
  );
  return local - Math.floor(instant.getTime() / 1000) * 1000;
}
