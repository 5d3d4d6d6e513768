import { fireEvent, screen, within } from '@testing-library/react';
import * as React from 'react';

import type { Comparison, SnapshotDetail } from '../../src/api/records';
import { CommandIDs } from '../../src/tokens';
import { Captured, Missing } from '../../src/views/captured';
import { Compare } from '../../src/views/compare';
import { Head } from '../../src/views/head';
import { Runs } from '../../src/views/runs';
import { Models, Snapshots } from '../../src/views/sections';
import * as samples from './samples';
import { settled, show, withHeight } from './shown';

beforeAll(() => withHeight(400));

function page(...items: unknown[]): unknown {
  return { items, next: null };
}

function texts(section: string): string[] {
  const list = screen.getByRole('listbox', { name: section });
  return within(list)
    .getAllByRole('option')
    .map(row => row.textContent);
}

describe('the sections', () => {
  it('say what to do next where there is nothing yet', async () => {
    await show(
      <>
        <Snapshots />
        <Runs />
      </>
    );
    screen.getByText(/No snapshot yet. Train a model in a notebook/);
    screen.getByText(/Nothing runs. Reproduce a snapshot/);
  });

  it('say that nothing matches where it is searched', async () => {
    const { model } = await show(<Models />);
    await React.act(async () => {
      model.search = 'nowhere';
      await settled();
    });
    screen.getByText('Nothing matches.');
  });

  it('tell of a snapshot its holes in red, a metric, who, and its verdict', async () => {
    const verdict = {
      id: samples.id(9),
      level: 'different',
      reason: 'The accuracy differs.',
      cause: '',
      created: '2026-11-28T15:00:00Z',
      author: 'Bob',
      seconds: 3
    };
    await show(<Snapshots />, {
      '/snapshots': page(
        samples.snapshot(1, { blocking: 2, metrics: { loss: 0.1234567 } }),
        samples.snapshot(2, { verdict: verdict as never })
      )
    });
    const [first, second] = texts('Snapshots');
    expect(first).toMatch(/digits.*not rerun.*2 holes.*loss 0\.123457 · Ada/);
    expect(screen.getByText('2 holes').className).toBe('jp-mlops-Hole');
    expect(second).not.toMatch(/hole/);
    const mark = screen.getByText('different');
    expect(mark.dataset.tone).toBe('bad');
    expect(mark.title).toBe('The accuracy differs.');
  });

  it('tell of a record that cannot be read why, and list the others', async () => {
    await show(<Snapshots />, {
      '/snapshots': page(
        samples.snapshot(1, { problem: 'Its bytes are damaged.' }),
        samples.snapshot(2)
      )
    });
    const [first, second] = texts('Snapshots');
    expect(first).toMatch('Its bytes are damaged.');
    expect(second).toMatch('accuracy 0.99');
  });

  it('list only one model’s snapshots after a click on it, from the top', async () => {
    const { ran } = await show(<Models />, {
      '/models': page(samples.model('digits'), samples.model('trees'))
    });
    const rows = screen.getAllByRole('option');
    fireEvent.click(rows[1] as HTMLElement);
    expect(ran).toEqual([[CommandIDs.filter, { model: 'trees' }]]);
    expect(rows[1]?.dataset.model).toBe('trees');
  });

  it('ask for the filtered list, say what is filtered, and show all again', async () => {
    const { model, asked } = await show(<Snapshots />, {
      '/snapshots': page(samples.snapshot(1))
    });
    await React.act(async () => {
      model.filter = 'digits';
      await settled();
    });
    expect(asked.at(-1)).toMatch('model=digits');
    await React.act(async () => {
      fireEvent.click(screen.getByText('Show all'));
      await settled();
    });
    expect(model.filter).toBeNull();
    expect(asked.at(-1)).not.toMatch('model=');
  });

  it('show of a run how far it is, and of an ended one what came of it', async () => {
    const problem = { code: 'x', message: 'No interpreter.', hint: 'Get one.' };
    await show(<Runs />, {
      '/jobs': {
        items: [
          samples.job(2),
          samples.job(1, { state: 'failed', step: null, problem })
        ],
        next: null,
        running: 1,
        waiting: 0
      }
    });
    const [first, second] = texts('Runs');
    expect(first).toMatch('cell 2/4: clf = SVC()');
    expect(screen.getByRole('progressbar').getAttribute('aria-valuenow')).toBe(
      '50'
    );
    expect(second).toMatch(/failed.*No interpreter\./);
  });
});

describe('the head', () => {
  it('searches for what was typed, once, when a person pauses', async () => {
    const { asked } = await show(<Head />);
    const field = screen.getByRole('searchbox');
    const before = asked.length;
    await React.act(async () => {
      for (const words of ['d', 'di', 'dig ']) {
        fireEvent.change(field, { target: { value: words } });
      }
      await new Promise(resolve => setTimeout(resolve, 300));
      await settled();
    });
    expect(asked.slice(before)).toEqual([
      '/models?search=dig&limit=50',
      '/snapshots?search=dig&limit=50'
    ]);
  });

  it('says in red what is the matter with the store, and what to do', async () => {
    const status = samples.status(1);
    const problem = {
      code: 'read-only',
      message: 'The store can be read, but not written.',
      hint: 'Set MLOPS_STORE to another store.'
    };
    const store = { ...status.store, state: 'read-only', problem };
    await show(<Head />, { '/status': { ...status, store } });
    const said = screen.getByRole('alert').textContent;
    expect(said).toMatch(problem.message);
    expect(said).toMatch(problem.hint);
  });

  it('tells how much of a large store is read', async () => {
    const status = samples.status(9000);
    const store = { ...status.store, indexed: 40 };
    await show(<Head />, { '/status': { ...status, store } });
    screen.getByText('Reading the store: 40 of 9000 records.');
  });
});

/** Returns a snapshot with the parts that the tested views look at. */
function detail(more: {
  holes?: unknown[];
  data?: unknown[];
  external?: unknown[];
}): SnapshotDetail {
  const { holes = [], data = [], external = [] } = more;
  return {
    id: samples.id(1),
    holes,
    cut: {},
    record: {
      data,
      trees: [],
      answers: [],
      capture: { level: 'observed', external }
    }
  } as unknown as SnapshotDetail;
}

describe('a snapshot', () => {
  it('shows which holes stop others, with what can be done', async () => {
    const holes = [
      { blocking: true, cell: 3, text: 'x.csv is gone.', hint: 'Keep it.' },
      { blocking: false, cell: 0, text: 'No model.', hint: 'Name one.' }
    ];
    await show(<Missing detail={detail({ holes })} />);
    screen.getByRole('heading', { name: /2 holes/ });
    const [first, second] = screen.getAllByRole('listitem');
    expect(first?.textContent).toBe('Stops others [3] x.csv is gone. Keep it.');
    expect(first?.dataset.blocking).toBe('true');
    expect(second?.textContent).toBe('Noted No model. Name one.');
    expect(second?.dataset.blocking).toBe('false');
  });

  it('has no part about holes where there is none', async () => {
    await show(<Missing detail={detail({})} />);
    expect(screen.queryByRole('heading')).toBeNull();
  });

  it('marks an input that was not captured, and nothing else', async () => {
    const file = { role: 'input', cell: 1, observed: 'tracer', path: '/a' };
    const blobs = [{ digest: samples.id(7), size: 2048 }];
    await show(
      <Captured
        detail={detail({
          data: [
            { ...file, requested: 'a.csv', blobs },
            { ...file, requested: 'b.csv', blobs: [] }
          ],
          external: [{ host: 'db.example.org', port: 5432 }]
        })}
      />
    );
    const [, first, second] = screen.getAllByRole('row');
    expect(first?.textContent).toMatch('a.csvinput2.0 kB');
    expect(first?.dataset.state).toBeUndefined();
    expect(second?.textContent).toMatch('b.csvinputnot captured');
    expect(second?.dataset.state).toBe('bad');
    screen.getByText(/db\.example\.org:5432/);
  });

  it('says so where nothing was read', async () => {
    await show(<Captured detail={detail({})} />);
    screen.getByText('It read and wrote nothing that was seen.');
  });
});

/** Returns a comparison in which nothing differs. */
function same(more: Partial<Comparison> = {}): Comparison {
  return {
    a: samples.id(1),
    b: samples.id(2),
    notes: [],
    metrics: [],
    parameters: [],
    data: [],
    environment: {
      python_a: '3.11',
      python_b: '3.11',
      platform_a: 'linux',
      platform_b: 'linux',
      packages: [],
      same: 12,
      machine: []
    },
    signature: [],
    figures: [],
    ...more
  } as unknown as Comparison;
}

const NO_CELLS = {
  a: samples.id(1),
  b: samples.id(2),
  source: 'saved',
  method: 'nbdime',
  message: '',
  base: { cells: [] },
  diff: [],
  kept: [],
  cells_a: 3,
  cells_b: 3,
  changed: 0,
  whole: false,
  cut: false
};

describe('a comparison', () => {
  const view = <Compare a={samples.id(1)} b={samples.id(2)} />;

  it('shows metrics with signed differences, and colours those that differ', async () => {
    const metrics = [
      { name: 'accuracy', a: 0.9, b: 0.95, delta: 0.05 },
      { name: 'loss', a: 0.5, b: 0.25, delta: -0.25 },
      { name: 'rows', a: 10, b: 10, delta: 0 },
      { name: 'f1', a: null, b: 0.5, delta: null }
    ];
    await show(view, {
      '/compare': same({ metrics }),
      '/compare/notebook': NO_CELLS
    });
    const table = screen.getByRole('group', { name: 'Metrics' });
    const rows = within(table).getAllByRole('row').slice(1);
    expect(rows.map(row => row.textContent)).toEqual([
      'accuracy0.90.95+0.05',
      'loss0.50.25−0.25',
      'rows1010±0',
      'f1–0.5–'
    ]);
    expect(rows.map(row => row.dataset.state)).toEqual([
      'changed',
      'changed',
      undefined,
      'changed'
    ]);
  });

  it('says of each part that is the same that it is', async () => {
    await show(view, { '/compare': same(), '/compare/notebook': NO_CELLS });
    screen.getByText('Neither has a metric.');
    screen.getByText('12 packages are the same');
    screen.getByText('No cell differs.');
  });

  it('shows packages that came, went and changed', async () => {
    const { environment } = same();
    const packages = [
      { name: 'numpy', a: '1.26', b: '2.0' },
      { name: 'torch', a: null, b: '2.1' },
      { name: 'keras', a: '3.0', b: null }
    ];
    await show(view, {
      '/compare': same({
        environment: { ...environment, packages } as never
      }),
      '/compare/notebook': NO_CELLS
    });
    const table = screen.getByRole('group', { name: 'Environment' });
    const rows = within(table).getAllByRole('row').slice(1);
    expect(rows.map(row => [row.textContent, row.dataset.state])).toEqual([
      ['numpy1.262.0', 'changed'],
      ['torch–2.1', 'added'],
      ['keras3.0–', 'removed']
    ]);
  });

  it('says why there is none, with what to do, where a snapshot is gone', async () => {
    await show(view);
    const [first] = screen.getAllByRole('alert');
    expect(first?.textContent).toMatch('No such snapshot is in this store.');
    expect(first?.textContent).toMatch('Reload the list.');
  });
});
