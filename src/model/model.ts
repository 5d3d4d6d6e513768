/**
 * What the panels know, and when they ask again: the only state that is shared.
 */
import type { Event } from '@jupyterlab/services';
import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { ISignal, Signal } from '@lumino/signaling';

import { asProblem, Client, RequestError } from '../api/client';
import type {
  Job,
  JobRequest,
  ModelSummary,
  Problem,
  SnapshotSummary,
  Status
} from '../api/records';
import { Jobs } from './jobs';
import { PagedList } from './paged';
import { Refetch } from './refetch';
import { Selection } from './selection';

/** The event that says: ask again. */
export const CHANGED = 'https://py-mlops.dev/events/changed';

/** How often one light request looks whether an event got lost, in milliseconds. */
const INTERVAL = 30_000;

/** How often it is asked otherwise, and how often while the server does not answer. */
const CALM = { interval: INTERVAL, backoff: true, max: 10 * INTERVAL };
const ANXIOUS = { interval: 2_000, backoff: false, max: 5_000 };

/** What is known of the server: nothing yet, that it answers, that it is not there, or not now. */
export type Availability = 'unknown' | 'ready' | 'absent' | 'unreachable';

/**
 * Models, snapshots and jobs, kept up to date by events and one light poll.
 */
export class Model implements IDisposable {
  /**
   * @param options - The client, and the server's events when there are any.
   */
  constructor(options: Model.IOptions) {
    this.client = options.client ?? new Client();
    this.models = new PagedList(
      cursor => this.client.models({ search: this._search, cursor }),
      item => item.name
    );
    this.snapshots = new PagedList(
      cursor =>
        this.client.snapshots({
          search: this._search,
          model: this._filter,
          cursor
        }),
      item => item.id
    );
    this.jobs = new Jobs(this.client);
    this._store = new Refetch(() => this._refetchStore());
    this._running = new Refetch(() => this.jobs.refresh());
    this._events = options.events ?? null;
    this._events?.stream.connect(this._onEvent);
    this._poll = new Poll({
      name: 'py-mlops:status',
      auto: false,
      factory: () => this._look(),
      frequency: CALM,
      standby: options.standby ?? 'when-hidden'
    });
  }

  /** Asks the server. */
  readonly client: Client;

  /** The models that match the search. */
  readonly models: PagedList<ModelSummary>;

  /** The snapshots that match the search and the filter. */
  readonly snapshots: PagedList<SnapshotSummary>;

  /** What was asked of the server and takes long. */
  readonly jobs: Jobs;

  /** Which snapshots a person has picked. */
  readonly selection = new Selection();

  /** Emitted when the status, the search, or the filter differs. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Emitted when what is in the store may differ: whoever shows some of it asks again. */
  get storeChanged(): ISignal<this, void> {
    return this._storeChanged;
  }

  /** Whether the server extension is there. */
  get availability(): Availability {
    return this._availability;
  }

  /** What the server looks at; null before it has said so. */
  get status(): Status | null {
    return this._status;
  }

  /** Why the server or its store cannot be used; null when they can. */
  get problem(): Problem | null {
    return this._problem ?? this._status?.store.problem ?? null;
  }

  /** The words that are searched for. */
  get search(): string {
    return this._search;
  }
  set search(words: string) {
    if (words !== this._search) {
      this._search = words;
      this._changed.emit();
      void this.models.restart();
      void this.snapshots.restart();
    }
  }

  /** The model whose snapshots alone are listed; null for all. */
  get filter(): string | null {
    return this._filter;
  }
  set filter(model: string | null) {
    if (model !== this._filter) {
      this._filter = model;
      this._changed.emit();
      void this.snapshots.restart();
    }
  }

  /**
   * Ask for the first time; without a server extension nothing is asked again.
   */
  async start(): Promise<void> {
    await this._poll.start();
    await this._poll.tick.catch(() => undefined);
  }

  /** Ask for everything again, now. */
  async refresh(): Promise<void> {
    await this._poll.refresh();
    await this._poll.tick.catch(() => undefined);
    if (this._availability === 'ready') {
      await Promise.all([this._store.ask(), this._running.ask()]);
    }
  }

  /**
   * Ask for a job; it shows among the jobs at once.
   *
   * @param request - What is to be done.
   * @throws A `RequestError` when the server refuses it.
   */
  async startJob(request: JobRequest): Promise<Job> {
    const job = await this.client.start(request);
    this.jobs.put(job);
    return job;
  }

  /** Whether this was disposed. */
  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  /** Stop asking. */
  dispose(): void {
    if (!this.isDisposed) {
      this._events?.stream.disconnect(this._onEvent);
      this._poll.dispose();
      Signal.clearData(this);
    }
  }

  private readonly _onEvent = (_: unknown, emission: Event.Emission): void => {
    if (emission.schema_id !== CHANGED || this._availability === 'absent') {
      return;
    }
    if (emission.kind === 'job') {
      void this._running.ask();
    } else {
      void this._store.ask();
    }
  };

  private async _refetchStore(): Promise<void> {
    this._storeChanged.emit();
    await Promise.all([
      this.models.refresh(),
      this.snapshots.refresh(),
      this._askStatus().catch(() => undefined)
    ]);
  }

  /** The poll's request: whatever an event should have told, but did not. */
  private async _look(): Promise<void> {
    const before = this._status?.store;
    const was = this._availability;
    const { store } = await this._askStatus();
    const lost =
      was !== 'ready' ||
      before?.records !== store.records ||
      before.indexed !== store.indexed ||
      before.state !== store.state ||
      before.id !== store.id;
    if (lost) {
      void this._store.ask();
    }
    if (was !== 'ready' || this.jobs.active > 0) {
      void this._running.ask();
    }
  }

  private async _askStatus(): Promise<Status> {
    try {
      this._status = await this.client.status();
      this._availability = 'ready';
      this._problem = null;
      this._poll.frequency = CALM;
      return this._status;
    } catch (error) {
      const absent = error instanceof RequestError && error.absent;
      this._availability = absent ? 'absent' : 'unreachable';
      this._problem = asProblem(error);
      this._poll.frequency = absent ? CALM : ANXIOUS;
      if (absent) {
        void this._poll.stop();
      }
      throw error;
    } finally {
      this._changed.emit();
    }
  }

  private readonly _events: Event.IManager | null;
  private readonly _poll: Poll;
  private readonly _store: Refetch;
  private readonly _running: Refetch;
  private _availability: Availability = 'unknown';
  private _status: Status | null = null;
  private _problem: Problem | null = null;
  private _search = '';
  private _filter: string | null = null;
  private _changed = new Signal<this, void>(this);
  private _storeChanged = new Signal<this, void>(this);
}

/** What belongs to the model. */
export namespace Model {
  /** How a model is made. */
  export interface IOptions {
    /** Asks the server; by default the one that served the page. */
    client?: Client;
    /** The server's events; without them the poll alone keeps things up to date. */
    events?: Event.IManager;
    /** When the poll rests. */
    standby?: Poll.Standby;
  }
}
