/**
 * Numbers, sizes, durations and times as text, in the browser's language and time zone.
 */

/** @type {Intl.DateTimeFormatOptions} */
const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
const TIME = new Intl.DateTimeFormat(undefined, CLOCK);
const DAY_AND_TIME = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", ...CLOCK });
const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const COUNT = new Intl.NumberFormat();

/** The time of day, after the date if that is not today. @param {string} at RFC 3339 */
export function timeOf(at) {
  const moment = new Date(at);
  const today = moment.toDateString() === new Date().toDateString();
  return (today ? TIME : DAY_AND_TIME).format(moment);
}

/** The date and the time in full. @param {string} at RFC 3339 */
export const fullTime = (at) => EXACT.format(new Date(at));

/** @param {number} count */
export const number = (count) => COUNT.format(count);

/** @param {number} seconds */
export function duration(seconds) {
  if (seconds < 0.0095) return `${(seconds * 1000).toFixed(1)} ms`;
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return joined(`${Math.floor(whole / 60)} min`, whole % 60, "s");
  const minutes = Math.floor(whole / 60);
  if (minutes < 1440) return joined(`${Math.floor(minutes / 60)} h`, minutes % 60, "min");
  return joined(`${Math.floor(minutes / 1440)} d`, Math.floor((minutes % 1440) / 60), "h");
}

/** @param {string} large @param {number} small @param {string} unit of the small part, which is left out if it is 0 */
const joined = (large, small, unit) => (small === 0 ? large : `${large} ${String(small).padStart(2, "0")} ${unit}`);

/** @param {number} size in bytes */
export function bytes(size) {
  if (size < 1024) return `${size} B`;
  const power = Math.min(Math.floor(Math.log2(size) / 10), 5);
  const scaled = size / 2 ** (10 * power);
  return `${scaled < 99.95 && !Number.isInteger(scaled) ? scaled.toFixed(1) : Math.round(scaled)} ${"KMGTP"[power - 1]}iB`;
}
