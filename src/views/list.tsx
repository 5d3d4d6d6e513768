/**
 * A list of which only the visible rows are on the page; for mouse, keyboard and screen reader.
 */
import { useVirtualizer } from '@tanstack/react-virtual';
import * as React from 'react';

/** How long what a row says of a time holds, in milliseconds. */
const MINUTE = 60_000;

/** How near to the end the next page is asked for, in rows. */
const AHEAD = 10;

/** What a list shows and does. */
export interface IListProps<T> {
  /** Its name, for a screen reader. */
  label: string;
  /** What it shows. */
  items: readonly T[];
  /** What makes an item the same item after a change. */
  keyOf: (item: T) => string;
  /** One row. */
  row: (item: T) => React.ReactNode;
  /** What of a row the context menu is told; names without `data-`. */
  data: (item: T) => Record<string, string>;
  /** A row's height in pixels. */
  height: number;
  /** Whether a row is picked; undefined when none can be. */
  picked?: (item: T) => boolean;
  /** The row was clicked, or Enter was pressed. */
  onOpen: (item: T) => void;
  /** The row was picked: Ctrl and click, or the space bar. */
  onPick?: (item: T) => void;
  /** The end comes near. */
  onEnd?: () => void;
}

/**
 * A list of rows of one height.
 */
export function List<T>(props: IListProps<T>): React.JSX.Element {
  const { items, keyOf, height } = props;
  const scroller = React.useRef<HTMLDivElement>(null);
  const [at, setAt] = useActive(items, keyOf);
  const base = React.useId();
  const virtual = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 6,
    // a frame later than it could be, but never several times in one
    useFlushSync: false
  });
  const rows = virtual.getVirtualItems();
  const last = rows.at(-1)?.index ?? 0;
  React.useEffect(() => {
    if (items.length > 0 && last + AHEAD >= items.length) {
      props.onEnd?.();
    }
  }, [last, items.length]);

  useAnchor(scroller, props);

  const move = (place: number): void => {
    const to = Math.max(0, Math.min(items.length - 1, place));
    setAt(to);
    virtual.scrollToIndex(to);
  };
  return (
    <div
      ref={scroller}
      className="jp-mlops-List"
      role="listbox"
      tabIndex={0}
      aria-label={props.label}
      aria-multiselectable={props.picked ? true : undefined}
      aria-activedescendant={
        rows.some(row => row.index === at) ? `${base}${at}` : undefined
      }
      onKeyDown={event => onKey(event, props, at, move)}
    >
      <div
        role="presentation"
        style={{ height: virtual.getTotalSize(), position: 'relative' }}
      >
        {rows.map(row => {
          const item = items[row.index];
          return (
            item !== undefined && (
              <Row
                key={keyOf(item)}
                {...props}
                id={`${base}${row.index}`}
                item={item}
                place={row.index}
                start={row.start}
                active={row.index === at}
                onActive={setAt}
              />
            )
          );
        })}
      </div>
    </div>
  );
}

/**
 * Returns the place of the active row and a way to set it; it stays with its
 * item when others come in front of it.
 */
function useActive<T>(
  items: readonly T[],
  keyOf: (item: T) => string
): [number, (place: number) => void] {
  const [{ place, key }, set] = React.useState({ place: 0, key: '' });
  const at = React.useMemo(() => {
    const item = items[place];
    if (!key || (item !== undefined && keyOf(item) === key)) {
      return place;
    }
    const found = items.findIndex(one => keyOf(one) === key);
    return found < 0 ? Math.max(0, Math.min(place, items.length - 1)) : found;
  }, [items, place, key]);
  const go = (to: number): void => {
    const item = items[to];
    set({ place: to, key: item === undefined ? '' : keyOf(item) });
  };
  return [at, go];
}

/** Keeps what one reads where it is, when rows come in front of it. */
function useAnchor<T>(
  scroller: React.RefObject<HTMLElement>,
  { items, keyOf, height }: IListProps<T>
): void {
  const before = React.useRef(items);
  React.useLayoutEffect(() => {
    const node = scroller.current;
    const first = Math.floor((node?.scrollTop ?? 0) / height);
    const item = before.current[first];
    before.current = items;
    if (node && first > 0 && item !== undefined) {
      const place = items.findIndex(one => keyOf(one) === keyOf(item));
      if (place >= 0 && place !== first) {
        node.scrollTop += (place - first) * height;
      }
    }
  }, [items]);
}

function Row<T>(
  props: IListProps<T> & {
    id: string;
    item: T;
    place: number;
    start: number;
    active: boolean;
    onActive: (place: number) => void;
  }
): React.JSX.Element {
  const { item } = props;
  const minute = Math.floor(Date.now() / MINUTE);
  // What a row says depends on its item alone, and on how long ago that was: while one scrolls,
  // rows come and go many times a second, and those that stay are not made anew.
  const content = React.useMemo(() => props.row(item), [item, minute]);
  const data = Object.fromEntries(
    Object.entries(props.data(item)).map(([name, value]) => [
      `data-${name}`,
      value
    ])
  );
  return (
    <div
      {...data}
      id={props.id}
      role="option"
      className={`jp-mlops-Row ${props.active ? 'jp-mod-active' : ''}`}
      aria-selected={props.picked?.(item) ?? false}
      aria-setsize={props.items.length}
      aria-posinset={props.place + 1}
      style={{
        height: props.height,
        transform: `translateY(${props.start}px)`
      }}
      onMouseDown={() => props.onActive(props.place)}
      onClick={event => {
        if (
          props.onPick &&
          (event.ctrlKey || event.metaKey || event.shiftKey)
        ) {
          props.onPick(item);
        } else {
          props.onOpen(item);
        }
      }}
    >
      {content}
    </div>
  );
}

function onKey<T>(
  event: React.KeyboardEvent,
  props: IListProps<T>,
  at: number,
  move: (place: number) => void
): void {
  const item = props.items[at];
  if (item === undefined) {
    return;
  }
  if (event.key === 'Enter') {
    props.onOpen(item);
  } else if (event.key === ' ') {
    (props.onPick ?? props.onOpen)(item);
  } else if (!pressed(event.key, at, props.items.length, move)) {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}

/** How many rows a page key goes. */
const LEAP = 10;

function pressed(
  key: string,
  at: number,
  count: number,
  move: (place: number) => void
): boolean {
  const steps: Record<string, number> = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    PageDown: at + LEAP,
    PageUp: at - LEAP,
    Home: 0,
    End: count - 1
  };
  const place = steps[key];
  if (place === undefined) {
    return false;
  }
  move(place);
  return true;
}
