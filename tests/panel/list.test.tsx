import { fireEvent, render, screen } from '@testing-library/react';
import * as React from 'react';

import { IListProps, List } from '../../src/views/list';
import { withHeight } from './shown';

const HEIGHT = 40;
const COUNT = 10_000;

/** Returns so many items, the newest first, each known by its number. */
function items(count: number, newer = 0): string[] {
  return Array.from({ length: count + newer }, (_, place) =>
    String(count + newer - 1 - place)
  );
}

function props(more: Partial<IListProps<string>> = {}): IListProps<string> {
  return {
    label: 'Snapshots',
    items: items(COUNT),
    keyOf: item => item,
    row: item => <span>{item}</span>,
    data: item => ({ snapshot: item }),
    height: HEIGHT,
    onOpen: () => undefined,
    ...more
  };
}

function rows(): string[] {
  return screen.getAllByRole('option').map(row => row.textContent);
}

function active(): string | null | undefined {
  const id = screen.getByRole('listbox').getAttribute('aria-activedescendant');
  return id ? document.getElementById(id)?.textContent : null;
}

beforeAll(() => withHeight(10 * HEIGHT));

describe('a list of ten thousand', () => {
  it('has only the rows on the page that can be seen, and tells how many there are', () => {
    render(<List {...props()} />);
    const shown = screen.getAllByRole('option');
    expect(shown.length).toBeGreaterThanOrEqual(10);
    expect(shown.length).toBeLessThan(30);
    expect(shown[0]?.getAttribute('aria-setsize')).toBe(String(COUNT));
    expect(shown[0]?.getAttribute('aria-posinset')).toBe('1');
  });

  it('makes no row twice while one scrolls and walks', async () => {
    const made: string[] = [];
    const row = (item: string): React.ReactNode => {
      made.push(item);
      return <span>{item}</span>;
    };
    render(<List {...props({ row })} />);
    const list = screen.getByRole('listbox');
    const before = made.length;
    for (let step = 1; step <= 5; step++) {
      fireEvent.keyDown(list, { key: 'ArrowDown' });
      list.scrollTop = step * 2 * HEIGHT;
      await React.act(async () => {
        fireEvent.scroll(list);
        await new Promise(resolve => setTimeout(resolve, 0));
      });
    }
    expect(made.length).toBeGreaterThan(before);
    expect(new Set(made).size).toBe(made.length);
  });

  it('is walked through by keyboard: arrows, pages, both ends', () => {
    render(<List {...props()} />);
    const list = screen.getByRole('listbox');
    fireEvent.keyDown(list, { key: 'ArrowDown' });
    fireEvent.keyDown(list, { key: 'ArrowDown' });
    fireEvent.keyDown(list, { key: 'ArrowUp' });
    expect(active()).toBe(String(COUNT - 2));
    fireEvent.keyDown(list, { key: 'PageDown' });
    fireEvent.keyDown(list, { key: 'Home' });
    expect(active()).toBe(String(COUNT - 1));
    fireEvent.keyDown(list, { key: 'ArrowUp' });
    expect(active()).toBe(String(COUNT - 1));
  });

  it('opens with Enter and picks with the space bar, and leaves other keys alone', () => {
    const opened: string[] = [];
    const picked: string[] = [];
    render(
      <List
        {...props({
          onOpen: item => opened.push(item),
          onPick: item => picked.push(item)
        })}
      />
    );
    const list = screen.getByRole('listbox');
    fireEvent.keyDown(list, { key: 'ArrowDown' });
    expect(fireEvent.keyDown(list, { key: 'Enter' })).toBe(false);
    fireEvent.keyDown(list, { key: ' ' });
    expect(fireEvent.keyDown(list, { key: 'c' })).toBe(true);
    expect(opened).toEqual([String(COUNT - 2)]);
    expect(picked).toEqual([String(COUNT - 2)]);
  });

  it('opens with a click, and picks with Ctrl and a click', () => {
    const opened: string[] = [];
    const picked: string[] = [];
    render(
      <List
        {...props({
          onOpen: item => opened.push(item),
          onPick: item => picked.push(item)
        })}
      />
    );
    const [first, second] = screen.getAllByRole('option');
    fireEvent.click(first as HTMLElement);
    fireEvent.click(second as HTMLElement, { ctrlKey: true });
    expect(opened).toEqual([String(COUNT - 1)]);
    expect(picked).toEqual([String(COUNT - 2)]);
  });

  it('asks for more when its end comes near, and not before', () => {
    let asked = 0;
    const onEnd = (): number => (asked += 1);
    const { unmount } = render(<List {...props({ onEnd })} />);
    expect(asked).toBe(0);
    unmount();
    render(<List {...props({ items: items(20), onEnd })} />);
    expect(asked).toBe(1);
  });

  it('keeps the active row when newer ones come in front of it', () => {
    const { rerender } = render(<List {...props({ items: items(50) })} />);
    const list = screen.getByRole('listbox');
    fireEvent.keyDown(list, { key: 'ArrowDown' });
    expect(active()).toBe('48');
    rerender(<List {...props({ items: items(50, 3) })} />);
    expect(active()).toBe('48');
    fireEvent.keyDown(list, { key: 'ArrowDown' });
    expect(active()).toBe('47');
  });

  it('keeps in sight what one reads when newer ones come in front of it', () => {
    const { rerender } = render(<List {...props()} />);
    const list = screen.getByRole('listbox');
    list.scrollTop = 100 * HEIGHT;
    fireEvent.scroll(list);
    const before = rows();
    expect(before).not.toContain(String(COUNT - 1));
    rerender(<List {...props({ items: items(COUNT, 2) })} />);
    expect(list.scrollTop).toBe(102 * HEIGHT);
    fireEvent.scroll(list);
    expect(rows()).toEqual(before);
  });

  it('shows newer ones at once to whoever is at its top', () => {
    const { rerender } = render(<List {...props()} />);
    rerender(<List {...props({ items: items(COUNT, 2) })} />);
    expect(rows()[0]).toBe(String(COUNT + 1));
  });
});
