/**
 * A list that is asked for page by page, and brought up to date without losing one's place.
 */
import { ISignal, Signal } from '@lumino/signaling';

import { asProblem } from '../api/client';
import type { IPage, Problem } from '../api/records';

/** Gets one page; `cursor` is null for the first. */
export type Fetch<T> = (cursor: string | null) => Promise<IPage<T>>;

/**
 * A list of which only the beginning is known yet.
 */
export class PagedList<T> {
  /**
   * @param fetch - Gets one page.
   * @param key - What makes an item the same item after a change.
   */
  constructor(
    private readonly fetch: Fetch<T>,
    private readonly key: (item: T) => string
  ) {}

  /** Emitted when anything below differs. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The items known so far, in order. */
  get items(): readonly T[] {
    return this._items;
  }

  /** Whether there are further ones. */
  get more(): boolean {
    return this._next !== null;
  }

  /** Whether the first page has been seen. */
  get ready(): boolean {
    return this._ready;
  }

  /** Whether a page is on its way. */
  get loading(): boolean {
    return this._loading > 0;
  }

  /** Why the last page did not come; null when it did. */
  get problem(): Problem | null {
    return this._problem;
  }

  /** Begin anew, for instance with other search words. */
  async restart(): Promise<void> {
    this._round += 1;
    await this._page(null, page => {
      this._items = page.items;
      this._next = page.next;
      this._ready = true;
    });
  }

  /**
   * Get the newest page again and join what is known behind it.
   *
   * #### Notes
   * Where the new page does not reach what is known, the rest is forgotten and
   * comes again when it is scrolled to.
   */
  async refresh(): Promise<void> {
    const known = this._items;
    await this._page(null, page => {
      const fresh = new Set(page.items.map(this.key));
      const last = page.items.at(-1);
      const joint =
        last === undefined
          ? -1
          : known.findIndex(item => this.key(item) === this.key(last));
      if (page.next === null || joint < 0 || joint + 1 >= known.length) {
        this._items = page.items;
        this._next = page.next;
      } else {
        const rest = known.slice(joint + 1);
        this._items = [
          ...page.items,
          ...rest.filter(item => !fresh.has(this.key(item)))
        ];
      }
      this._ready = true;
    });
  }

  /** Get the next page, unless it is on its way. */
  async loadMore(): Promise<void> {
    if (this._next === null || this.loading) {
      return;
    }
    await this._page(this._next, page => {
      const known = new Set(this._items.map(this.key));
      const added = page.items.filter(item => !known.has(this.key(item)));
      this._items = [...this._items, ...added];
      this._next = page.next;
    });
  }

  /** Put a newer state of one item in its place, when it is known. */
  replace(item: T): void {
    const place = this._items.findIndex(
      old => this.key(old) === this.key(item)
    );
    if (place >= 0) {
      this._items = this._items.with(place, item);
      this._changed.emit();
    }
  }

  private async _page(
    cursor: string | null,
    take: (page: IPage<T>) => void
  ): Promise<void> {
    const round = this._round;
    this._loading += 1;
    this._changed.emit();
    try {
      const page = await this.fetch(cursor);
      if (round === this._round) {
        take(page);
        this._problem = null;
      }
    } catch (error) {
      if (round === this._round) {
        this._problem = asProblem(error);
      }
    } finally {
      this._loading -= 1;
      this._changed.emit();
    }
  }

  private _items: readonly T[] = [];
  private _next: string | null = null;
  private _ready = false;
  private _loading = 0;
  private _round = 0;
  private _problem: Problem | null = null;
  private _changed = new Signal<this, void>(this);
}
