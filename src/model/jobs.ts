/**
 * What was asked of the server and takes long.
 */
import { ISignal, Signal } from '@lumino/signaling';

import { asProblem, Client } from '../api/client';
import type { Job, Problem } from '../api/records';

/** Whether a job still waits or runs. */
export function isActive(job: Job): boolean {
  return job.state === 'queued' || job.state === 'running';
}

/**
 * The newest jobs; ended ones are kept by the server for a while.
 */
export class Jobs {
  /**
   * @param client - Asks the server.
   */
  constructor(private readonly client: Client) {}

  /** Emitted when any job differs. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Emitted once for each job that ended while this page looked on. */
  get ended(): ISignal<this, Job> {
    return this._ended;
  }

  /** The jobs, newest first. */
  get items(): readonly Job[] {
    return this._items;
  }

  /** How many wait or run. */
  get active(): number {
    return this._items.filter(isActive).length;
  }

  /** Why the list did not come; null when it did. */
  get problem(): Problem | null {
    return this._problem;
  }

  /** Return one of the jobs; undefined when it is not among them. */
  get(id: string): Job | undefined {
    return this._items.find(job => job.id === id);
  }

  /** Ask for the list again. */
  async refresh(): Promise<void> {
    try {
      const page = await this.client.jobs();
      this._problem = null;
      this._take(page.items);
    } catch (error) {
      this._problem = asProblem(error);
      this._changed.emit();
    }
  }

  /** Show a job that the server has just told of. */
  put(job: Job): void {
    const others = this._items.filter(other => other.id !== job.id);
    this._take([job, ...others].sort((a, b) => (a.id < b.id ? 1 : -1)));
  }

  /**
   * Cancel a job.
   *
   * @throws A `RequestError` when the server refuses it.
   */
  async cancel(id: string): Promise<void> {
    this.put(await this.client.cancel(id));
  }

  private _take(items: readonly Job[]): void {
    const before = new Map(this._items.map(job => [job.id, job]));
    this._items = items;
    this._changed.emit();
    for (const job of items) {
      const old = before.get(job.id);
      if (old && isActive(old) && !isActive(job)) {
        this._ended.emit(job);
      }
    }
  }

  private _items: readonly Job[] = [];
  private _problem: Problem | null = null;
  private _changed = new Signal<this, void>(this);
  private _ended = new Signal<this, Job>(this);
}
