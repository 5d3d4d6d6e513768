/**
 * Which snapshots a person has picked to compare: the two newest picks.
 */
import { ISignal, Signal } from '@lumino/signaling';

import type { SnapshotSummary } from '../api/records';

/** How many can be picked. */
const MOST = 2;

/**
 * The picked snapshots, in the order they were picked.
 */
export class Selection {
  /** Emitted when a pick was added or taken back. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The picked snapshots. */
  get items(): readonly SnapshotSummary[] {
    return this._items;
  }

  /** The ids of the older and the newer one; null until two are picked. */
  get pair(): { a: string; b: string } | null {
    const [first, second] = this._items;
    if (!first || !second) {
      return null;
    }
    return first.created <= second.created
      ? { a: first.id, b: second.id }
      : { a: second.id, b: first.id };
  }

  /** Whether a snapshot is picked. */
  has(id: string): boolean {
    return this._items.some(item => item.id === id);
  }

  /** Pick a snapshot, or take the pick back; beyond two, the oldest pick goes. */
  toggle(item: SnapshotSummary): void {
    const others = this._items.filter(other => other.id !== item.id);
    this._items =
      others.length < this._items.length
        ? others
        : [...others, item].slice(-MOST);
    this._changed.emit();
  }

  /** Take every pick back. */
  clear(): void {
    if (this._items.length > 0) {
      this._items = [];
      this._changed.emit();
    }
  }

  private _items: readonly SnapshotSummary[] = [];
  private _changed = new Signal<this, void>(this);
}
