/**
 * Asks the server extension; the one place that knows its addresses.
 */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import { nullTranslator, TranslationBundle } from '@jupyterlab/translation';

import type {
  Badge,
  Comparison,
  ExecutedNotebook,
  IPage,
  Job,
  JobLog,
  JobPage,
  JobRequest,
  MetricHistory,
  ModelSummary,
  NotebookComparison,
  Problem,
  ReproductionDetail,
  SnapshotDetail,
  SnapshotLineage,
  SnapshotSummary,
  Status
} from './records';
import { DOMAIN } from '../tokens';

/** Where the interface begins, below the server's base address. */
const BASE = 'py-mlops/api/v1';

/** Clocks that differ by less than this go alike, in milliseconds. */
const CLOSE = 10_000;

/** How many items a page has. */
export const PAGE = 50;

/**
 * An answer that is no good one: what happened, and what to do next.
 */
export class RequestError extends Error {
  /**
   * @param problem - What the server said, or what we say in its place.
   * @param status - The HTTP status; 0 when there was no answer.
   */
  constructor(
    readonly problem: Problem,
    readonly status: number
  ) {
    super(problem.message);
    this.name = 'RequestError';
  }

  /** Whether it may be gone when one asks again: there was no answer, or the store gave none. */
  get passing(): boolean {
    return this.status === 0 || this.status === 503;
  }

  /** Whether there is no server extension at all. */
  get absent(): boolean {
    return this.problem.code === 'absent';
  }
}

/** Which part of a list is wanted. */
export interface IListOptions {
  /** Words that each must match. */
  search?: string;
  /** Only this model's. */
  model?: string | null;
  /** The last page's `next`. */
  cursor?: string | null;
}

type Query = Record<string, string | number | boolean | null | undefined>;

/**
 * The REST interface, one method a route.
 */
export class Client {
  /**
   * @param settings - The connection to the Jupyter server.
   * @param trans - The person's language.
   */
  constructor(
    settings: ServerConnection.ISettings = ServerConnection.makeSettings(),
    trans: TranslationBundle = nullTranslator.load(DOMAIN)
  ) {
    this._own = problems(trans);
    // With `no-store`, JupyterLab adds a word of its own to the query, which routes refuse.
    const init: RequestInit = { ...settings.init, cache: 'no-cache' };
    this.settings = { ...settings, init };
  }

  /** Tell what the server looks at. */
  status(): Promise<Status> {
    return this._json('/status');
  }

  /** List models, the one with the newest snapshot first. */
  models(options: IListOptions): Promise<IPage<ModelSummary>> {
    const { search, cursor } = options;
    return this._json('/models', { search, cursor, limit: PAGE });
  }

  /** List snapshots, newest first. */
  snapshots(options: IListOptions): Promise<IPage<SnapshotSummary>> {
    const { search, model, cursor } = options;
    return this._json('/snapshots', { search, model, cursor, limit: PAGE });
  }

  /** Return everything about one snapshot. */
  snapshot(id: string): Promise<SnapshotDetail> {
    return this._json(`/snapshots/${id}`);
  }

  /** Return the notebook of a snapshot as it was executed. */
  notebook(id: string): Promise<ExecutedNotebook> {
    return this._json(`/snapshots/${id}/notebook`);
  }

  /** Return how the metrics of a snapshot's model went. */
  history(id: string): Promise<MetricHistory> {
    return this._json(`/snapshots/${id}/history`);
  }

  /** Return where a snapshot comes from, and what came of it. */
  lineage(id: string): Promise<SnapshotLineage> {
    return this._json(`/snapshots/${id}/lineage`);
  }

  /** Return everything about one verdict. */
  reproduction(id: string): Promise<ReproductionDetail> {
    return this._json(`/reproductions/${id}`);
  }

  /** Say that notebooks will be compared soon. */
  async expectComparison(): Promise<void> {
    await this._json('/compare/ready');
  }

  /** Compare all but the notebooks. */
  compare(a: string, b: string): Promise<Comparison> {
    return this._json('/compare', { a, b });
  }

  /** Compare the notebooks, with their unchanged cells only when asked. */
  compareNotebooks(
    a: string,
    b: string,
    whole: boolean
  ): Promise<NotebookComparison> {
    return this._json('/compare/notebook', { a, b, whole });
  }

  /** Return an image of a snapshot's notebook; anything but an image is refused. */
  async figure(id: string, digest: string): Promise<Blob> {
    const response = await this._request(`/snapshots/${id}/figures/${digest}`);
    const blob = await response.blob();
    if (!/^image\/(png|jpeg)\b/.test(blob.type)) {
      throw new RequestError(this._own.illegible, response.status);
    }
    return blob;
  }

  /** List jobs, newest first. */
  jobs(cursor: string | null = null): Promise<JobPage> {
    return this._json('/jobs', { cursor, limit: PAGE });
  }

  /** Ask for a job; it is queued. */
  start(request: JobRequest): Promise<Job> {
    return this._json('/jobs', {}, 'POST', JSON.stringify(request));
  }

  /** Return one job. */
  job(id: string): Promise<Job> {
    return this._json(`/jobs/${id}`);
  }

  /** Cancel a job. */
  cancel(id: string): Promise<Job> {
    return this._json(`/jobs/${id}`, {}, 'DELETE');
  }

  /** Return the piece of a job's log that begins at an offset in bytes. */
  log(id: string, offset: number): Promise<JobLog> {
    return this._json(`/jobs/${id}/log`, { offset });
  }

  /** Say whether a saved notebook is still what was snapshotted. */
  badge(path: string): Promise<Badge> {
    return this._json(`/documents/${URLExt.encodeParts(path)}`);
  }

  /**
   * Return the server's time, in milliseconds since 1970: times in records are
   * its own, and the clock of this browser may be wrong by days.
   */
  now(): number {
    return Date.now() + this._skew;
  }

  private _setClock(response: Response): void {
    const said = Date.parse(response.headers.get('Date') ?? '');
    if (!Number.isNaN(said)) {
      const skew = said - Date.now();
      this._skew = Math.abs(skew) < CLOSE ? 0 : skew;
    }
  }

  private readonly settings: ServerConnection.ISettings;
  private readonly _own: IProblems;
  private _skew = 0;

  private async _json<T>(
    path: string,
    query: Query = {},
    method = 'GET',
    body?: string
  ): Promise<T> {
    const response = await this._request(path, query, method, body);
    try {
      return (await response.json()) as T;
    } catch {
      throw new RequestError(this._own.illegible, response.status);
    }
  }

  private async _request(
    path: string,
    query: Query = {},
    method = 'GET',
    body?: string
  ): Promise<Response> {
    const said = Object.entries(query).filter(([, value]) => value ?? false);
    const asked = new URLSearchParams(
      said.map(([name, value]) => [name, String(value)])
    ).toString();
    const base = URLExt.join(this.settings.baseUrl, BASE) + path;
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(
        asked ? `${base}?${asked}` : base,
        { method, body },
        this.settings
      );
    } catch {
      throw new RequestError(this._own.unreachable, 0);
    }
    this._setClock(response);
    if (!response.ok) {
      throw new RequestError(
        await problemOf(response, this._own),
        response.status
      );
    }
    return response;
  }
}

/** What we say in the server's place. */
type IProblems = Record<
  'illegible' | 'unreachable' | 'absent' | 'stranger',
  Problem
>;

function problems(trans: TranslationBundle): IProblems {
  return {
    illegible: {
      code: 'illegible',
      message: trans.__('The answer of the Jupyter server cannot be read.'),
      hint: trans.__(
        'Look whether py-mlops is as new on the server as in this page, and reload the page.'
      )
    },
    unreachable: {
      code: 'unreachable',
      message: trans.__('The Jupyter server does not answer.'),
      hint: trans.__(
        'Look whether it still runs; the panel goes on by itself once it does.'
      )
    },
    // when the server knows none of our routes
    absent: {
      code: 'absent',
      message: trans.__('The py-mlops server extension is not there.'),
      hint: trans.__(
        'Install py-mlops where the Jupyter server runs, and start the server again.'
      )
    },
    stranger: {
      code: 'not-signed-in',
      message: trans.__('The Jupyter server does not let you in.'),
      hint: trans.__('Reload the page and sign in again.')
    }
  };
}

async function problemOf(response: Response, own: IProblems): Promise<Problem> {
  try {
    const said: unknown = await response.json();
    if (isProblem(said)) {
      return said;
    }
  } catch {
    // no JSON: what stands below says it
  }
  if (response.status === 404 || response.status === 405) {
    return own.absent;
  }
  if (response.status === 401 || response.status === 403) {
    return own.stranger;
  }
  return own.illegible;
}

function isProblem(value: unknown): value is Problem {
  const fields = value as Partial<Record<keyof Problem, unknown>> | null;
  return (
    typeof fields === 'object' &&
    typeof fields?.code === 'string' &&
    typeof fields.message === 'string' &&
    typeof fields.hint === 'string'
  );
}

/**
 * Return what went wrong in words, whatever was thrown.
 *
 * @param error - What was caught.
 */
export function asProblem(error: unknown): Problem {
  if (error instanceof RequestError) {
    return error.problem;
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'internal', message, hint: '' };
}
