/**
 * Whether one open notebook is still what was snapshotted.
 */
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { INotebookModel } from '@jupyterlab/notebook';
import type { IDisposable } from '@lumino/disposable';
import { Debouncer } from '@lumino/polling';
import { ISignal, Signal } from '@lumino/signaling';

import { asProblem } from '../api/client';
import type { Badge, Problem } from '../api/records';
import type { Model } from './model';
import { Refetch } from './refetch';

/** How long typing must pause before it is looked whether the text differs, in milliseconds. */
const PAUSE = 300;

/**
 * The badge of one notebook. The server judges what is saved; what is typed
 * since then is only noticed. Nothing is ever written.
 */
export class NotebookBadge implements IDisposable {
  /**
   * @param context - The open notebook.
   * @param model - Asks the server.
   */
  constructor(
    readonly context: DocumentRegistry.IContext<INotebookModel>,
    private readonly model: Model
  ) {
    this._refetch = new Refetch(() => this._ask());
    this._typed = new Debouncer(() => this._look(), PAUSE);
    context.saveState.connect(this._onSave);
    context.pathChanged.connect(this._onChange);
    context.model.contentChanged.connect(this._onType);
    model.storeChanged.connect(this._onChange);
    model.changed.connect(this._onModel);
    void context.ready.then(this._onChange);
  }

  /** Emitted when anything below differs. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** What the server says; null before it has said anything. */
  get badge(): Badge | null {
    return this._badge;
  }

  /** Whether cells were edited and not saved since. */
  get edited(): boolean {
    return this._edited;
  }

  /** Why the server says nothing. */
  get problem(): Problem | null {
    return this._problem;
  }

  /** Whether it is on the page: what nobody sees is not asked for. */
  set visible(visible: boolean) {
    this._visible = visible;
    if (visible && this._stale) {
      void this._refetch.ask();
    }
  }

  /** Whether this was disposed. */
  get isDisposed(): boolean {
    return this._disposed;
  }

  /** Listen no more. */
  dispose(): void {
    if (this._disposed) {
      return;
    }
    this._disposed = true;
    this.context.saveState.disconnect(this._onSave);
    this.context.pathChanged.disconnect(this._onChange);
    this.context.model.contentChanged.disconnect(this._onType);
    this.model.storeChanged.disconnect(this._onChange);
    this.model.changed.disconnect(this._onModel);
    this._typed.dispose();
    Signal.clearData(this);
  }

  private readonly _onChange = (): void => {
    this._stale = true;
    if (this._visible) {
      void this._refetch.ask();
    }
  };

  private readonly _onSave = (_: unknown, state: string): void => {
    if (state === 'completed') {
      this._onChange();
    }
  };

  private readonly _onModel = (): void => {
    if (this._stale && this._visible && this.model.availability === 'ready') {
      void this._refetch.ask();
    }
  };

  private readonly _onType = (): void => {
    void this._typed.invoke().catch(() => undefined);
  };

  private async _ask(): Promise<void> {
    if (this._disposed || this.model.availability !== 'ready') {
      return;
    }
    this._stale = false;
    this._saved = this.context.model.dirty ? this._saved : this._sources();
    try {
      this._badge = await this.model.client.badge(this.context.path);
      this._problem = null;
    } catch (error) {
      this._problem = asProblem(error);
    }
    if (this.isDisposed) {
      return; // the notebook was closed meanwhile
    }
    this._look();
    this._changed.emit();
  }

  private _look(): void {
    const edited =
      this.context.model.dirty &&
      this._saved !== null &&
      this._sources() !== this._saved;
    if (edited !== this._edited) {
      this._edited = edited;
      this._changed.emit();
    }
  }

  private _sources(): string {
    const cells = this.context.model.sharedModel.cells;
    return JSON.stringify(cells.map(cell => cell.getSource()));
  }

  private readonly _refetch: Refetch;
  private readonly _typed: Debouncer;
  private _badge: Badge | null = null;
  private _problem: Problem | null = null;
  private _saved: string | null = null;
  private _edited = false;
  private _visible = false;
  private _stale = false;
  private _disposed = false;
  private _changed = new Signal<this, void>(this);
}
