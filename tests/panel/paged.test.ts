import type { IPage } from '../../src/api/records';
import { PagedList } from '../../src/model/paged';

/** A list on a server, whose pages have two items. */
class Served {
  items: number[] = [];
  fail = false;
  asked = 0;

  page = (cursor: string | null): Promise<IPage<number>> => {
    this.asked += 1;
    if (this.fail) {
      return Promise.reject(new Error('no answer'));
    }
    const from = cursor === null ? 0 : Number(cursor);
    const next = from + 2 < this.items.length ? String(from + 2) : null;
    return Promise.resolve({ items: this.items.slice(from, from + 2), next });
  };
}

function listOf(...items: number[]): [Served, PagedList<number>] {
  const served = new Served();
  served.items = items;
  return [served, new PagedList(served.page, String)];
}

describe('a paged list', () => {
  it('knows the first page, and the others once asked for', async () => {
    const [, list] = listOf(5, 4, 3, 2, 1);
    await list.restart();
    expect(list.items).toEqual([5, 4]);
    await list.loadMore();
    await list.loadMore();
    expect(list.items).toEqual([5, 4, 3, 2, 1]);
    expect(list.more).toBe(false);
  });

  it('asks for a page once, however often its end is seen', async () => {
    const [served, list] = listOf(5, 4, 3);
    await list.restart();
    await Promise.all([list.loadMore(), list.loadMore(), list.loadMore()]);
    expect(served.asked).toBe(2);
    await list.loadMore();
    expect(served.asked).toBe(2);
  });

  it('takes a new item in front and keeps what was scrolled to', async () => {
    const [served, list] = listOf(4, 3, 2, 1);
    await list.restart();
    await list.loadMore();
    served.items = [5, 4, 3, 2, 1];
    await list.refresh();
    expect(list.items).toEqual([5, 4, 3, 2, 1]);
  });

  it('forgets the rest when the new page does not reach it', async () => {
    const [served, list] = listOf(4, 3, 2, 1);
    await list.restart();
    served.items = [9, 8, 7, 6, 5, 4, 3, 2, 1];
    await list.refresh();
    expect(list.items).toEqual([9, 8]);
    await list.loadMore();
    expect(list.items).toEqual([9, 8, 7, 6]);
  });

  it('throws an answer away that belongs to older words', async () => {
    let answer: (page: IPage<number>) => void = () => undefined;
    const list = new PagedList<number>(
      () => new Promise(resolve => (answer = resolve)),
      String
    );
    const first = list.restart();
    const old = answer;
    const second = list.restart();
    answer({ items: [2], next: null });
    old({ items: [1], next: null });
    await Promise.all([first, second]);
    expect(list.items).toEqual([2]);
  });

  it('keeps what it knows when the server does not answer, and says so', async () => {
    const [served, list] = listOf(2, 1);
    await list.restart();
    served.fail = true;
    await list.refresh();
    expect(list.items).toEqual([2, 1]);
    expect(list.problem?.message).toBe('no answer');
    served.fail = false;
    await list.refresh();
    expect(list.problem).toBeNull();
  });
});
