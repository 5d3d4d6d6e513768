/**
 * The changed cells of two notebooks; the unchanged ones on demand.
 */
import * as React from 'react';

import { asProblem } from '../api/client';
import type { NotebookComparison, Problem } from '../api/records';
import { drawing } from '../diff/ready';
import { useLoaded, usePanel } from './context';
import { Note, Part, Trouble } from './pieces';

/** How many cells are drawn before one asks for more: each has an editor or two. */
const FIRST = 50;

/** The changed cells, drawn once the comparison and the drawing code are there. */
export function NotebookChanges(props: {
  /** The older one's id. */
  a: string;
  /** The newer one's id. */
  b: string;
}): React.JSX.Element {
  const { model, trans } = usePanel();
  const [whole, setWhole] = React.useState(false);
  React.useEffect(() => {
    // while the server compares; who draws says what is wrong
    drawing().catch(() => undefined);
  }, []);
  const { value, problem } = useLoaded(
    () => model.client.compareNotebooks(props.a, props.b, whole),
    [props.a, props.b, String(whole)]
  );
  return (
    <Part
      title={trans.__('Notebook')}
      aside={
        value &&
        trans._n(
          '%1 of %2 cells differs',
          '%1 of %2 cells differ',
          value.changed,
          Math.max(value.cells_a, value.cells_b)
        )
      }
    >
      {problem && <Trouble problem={problem} />}
      {!value && !problem && <Note>{trans.__('Comparing…')}</Note>}
      {value?.message && <Note>{value.message}</Note>}
      {value && value.changed === 0 && !whole && (
        <Note>{trans.__('No cell differs.')}</Note>
      )}
      {value && (value.changed > 0 || whole) && <Drawn compared={value} />}
      {value && !value.whole && (
        <button
          type="button"
          className="jp-mlops-Link"
          onClick={() => setWhole(true)}
        >
          {trans.__('Show unchanged cells, too')}
        </button>
      )}
    </Part>
  );
}

function Drawn(props: { compared: NotebookComparison }): React.JSX.Element {
  const { trans } = usePanel();
  const host = React.useRef<HTMLDivElement>(null);
  const [problem, setProblem] = React.useState<Problem | null>(null);
  const [most, setMost] = React.useState(FIRST);
  const [rest, setRest] = React.useState(0);
  // The same content is not drawn again: an event of the store alone changes nothing.
  const content = JSON.stringify([props.compared.base, props.compared.diff]);
  React.useEffect(() => {
    const task = new AbortController();
    const { signal } = task;
    const draw = async (): Promise<void> => {
      const { drawDiff } = await drawing();
      if (!signal.aborted && host.current) {
        const names = {
          cell: trans.__('Source of a cell'),
          more: trans.__('Show or hide')
        };
        const { compared } = props;
        const left = await drawDiff(
          host.current,
          compared,
          most,
          signal,
          names
        );
        if (!task.signal.aborted) {
          setRest(left);
        }
      }
    };
    draw().catch((error: unknown) => {
      setProblem(asProblem(error));
    });
    return () => {
      task.abort();
    };
  }, [content, most]);
  return (
    <>
      {problem && <Trouble problem={problem} />}
      <div ref={host} className="jp-mlops-DiffHost" />
      {rest > 0 && (
        <Note>
          {trans._n(
            '%1 further cell is not shown.',
            '%1 further cells are not shown.',
            rest
          )}{' '}
          <button
            type="button"
            className="jp-mlops-Link"
            onClick={() => setMost(2 * most)}
          >
            {trans.__('Show more')}
          </button>
        </Note>
      )}
    </>
  );
}
