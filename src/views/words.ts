/**
 * How numbers, times and names are written for a person.
 */
import type { Job, Level } from '../api/records';

/** How many digits of an id are shown. */
const SHORT = 8;

/** Return the beginning of an id, as commands take it. */
export function short(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, SHORT);
}

/** Return a number as a metric is written: six significant digits at most. */
export function decimal(value: number | null | undefined): string {
  if (value === null || value === undefined) {
    return '–';
  }
  return Number.isInteger(value)
    ? String(value)
    : String(+value.toPrecision(6));
}

/** Return a difference with its sign. */
export function signed(value: number | null): string {
  if (value === null) {
    return '–';
  }
  const said = decimal(Math.abs(value));
  return value > 0 ? `+${said}` : value < 0 ? `−${said}` : '±0';
}

/** Return a length in bytes with a unit. */
export function bytes(size: number | null | undefined): string {
  if (size === null || size === undefined) {
    return '–';
  }
  let rest = size;
  for (const unit of ['B', 'kB', 'MB', 'GB']) {
    if (rest < 1000) {
      return `${rest < 10 && unit !== 'B' ? rest.toFixed(1) : rest.toFixed(0)} ${unit}`;
    }
    rest /= 1000;
  }
  return `${rest.toFixed(1)} TB`;
}

/** Return a duration in seconds with a unit. */
export function duration(seconds: number): string {
  if (seconds < 60) {
    return `${seconds < 10 ? seconds.toFixed(1) : seconds.toFixed(0)} s`;
  }
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes} min ${Math.round(seconds % 60)} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Made once: making a formatter takes a thousand times as long as using it. */
const MOMENTS = new Intl.DateTimeFormat(undefined, {
  dateStyle: 'medium',
  timeStyle: 'short'
});

/** Return a time of the server in this browser's zone and language. */
export function moment(time: string): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? time : MOMENTS.format(date);
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60]
];

const AGES = new Intl.RelativeTimeFormat(undefined, {
  numeric: 'auto',
  style: 'short'
});

/**
 * Return how long ago something was.
 *
 * @param time - When, RFC 3339.
 * @param now - The present of whoever told the time, in milliseconds since 1970.
 *
 * #### Notes
 * A colleague whose clock is ahead does not speak of the future.
 */
export function ago(time: string, now: number): string {
  const seconds = (now - new Date(time).getTime()) / 1000;
  if (Number.isNaN(seconds)) {
    return time;
  }
  for (const [unit, length] of STEPS) {
    if (seconds >= length) {
      return AGES.format(-Math.floor(seconds / length), unit);
    }
  }
  return AGES.format(0, 'second');
}

/** Return the last part of a path. */
export function fileName(path: string): string {
  return path.split('/').at(-1) ?? path;
}

/** How a verdict is coloured: it came out the same, nearly, or not; or nobody knows. */
export type Tone = 'good' | 'near' | 'bad' | 'none';

const TONES: Record<Level, Tone> = {
  identical: 'good',
  equivalent: 'good',
  'within tolerance': 'near',
  different: 'bad',
  failed: 'bad',
  cannot: 'none'
};

/** Return a verdict's colour. */
export function toneOf(level: Level | null | undefined): Tone {
  return level ? TONES[level] : 'none';
}

/** Return how much of a job is done, from 0 to 1; null when nobody can tell. */
export function fraction(job: Job): number | null {
  if (!job.step || job.step.total <= 0) {
    return null;
  }
  return Math.min(1, job.step.done / job.step.total);
}
