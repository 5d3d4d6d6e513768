/** Records as the server sends them, for tests of the model and of views. */
import type {
  Job,
  ModelSummary,
  SnapshotSummary,
  Status
} from '../../src/api/records';

/** Return an id that is made of one number. */
export function id(number: number): string {
  return `sha256:${number.toString(16).padStart(64, '0')}`;
}

/** Return a snapshot in a list. */
export function snapshot(
  number: number,
  more: Partial<SnapshotSummary> = {}
): SnapshotSummary {
  return {
    id: id(number),
    model: 'digits',
    created: new Date(1_790_000_000_000 - 1000 * number).toISOString(),
    author: 'Ada',
    notebook: 'digits.ipynb',
    metrics: { accuracy: 0.99 },
    capture: 'observed',
    holes: 0,
    blocking: 0,
    verdict: null,
    heads: [],
    complete: true,
    problem: '',
    ...more
  };
}

/** Return a model in a list. */
export function model(name: string): ModelSummary {
  return {
    name,
    count: 1,
    newest: snapshot(1, { model: name }),
    heads: [],
    verdict: null,
    verdict_on: null
  };
}

/** Return a server with a store of so many records. */
export function status(records: number): Status {
  return {
    version: '0.1.0',
    store: {
      state: 'ready',
      address: '~/store',
      id: 'a',
      records,
      indexed: records,
      problem: null
    },
    author: { name: 'Ada', email: null, source: 'git' },
    verbs: ['reproduce', 'restore', 'verify'],
    nbdime: true,
    limits: { page: 200, jobs: 1, waiting: 20, notebook_bytes: 1_000_000 }
  };
}

/** Return a rerun. */
export function job(number: number, more: Partial<Job> = {}): Job {
  return {
    id: `20261128T150000-${number.toString(16).padStart(12, '0')}`,
    request: {
      verb: 'reproduce',
      snapshot: id(1),
      reproduce: null,
      restore: null,
      bundle: null,
      run: null
    },
    model: 'digits',
    author: 'Ada',
    state: 'running',
    created: '2026-11-28T15:00:00Z',
    started: '2026-11-28T15:00:01Z',
    ended: null,
    step: { stage: 'cell', text: 'clf = SVC()', done: 2, total: 4 },
    level: null,
    record: null,
    summary: '',
    problem: null,
    ...more
  };
}
