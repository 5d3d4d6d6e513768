/**
 * What a snapshot executed, cell by cell, as text.
 */
import * as React from 'react';

import { useLoaded, usePanel } from './context';
import { Id, Note, Trouble } from './pieces';

interface ICell {
  cell_type?: unknown;
  source?: unknown;
  execution_count?: unknown;
  outputs?: unknown;
}

/** The executed cells; outputs as the text they had. */
export function ExecutedCells({ id }: { id: string }): React.JSX.Element {
  const { model, trans } = usePanel();
  const { value, problem } = useLoaded(() => model.client.notebook(id), [id]);
  const cells = Array.isArray(value?.content.cells)
    ? (value.content.cells as ICell[])
    : [];
  return (
    <div className="jp-mlops-Page">
      {problem && <Trouble problem={problem} />}
      {value && (
        <>
          <header className="jp-mlops-Header">
            <h1>
              {value.name} <Id id={id} />
            </h1>
            <p>
              {trans._n('%1 cell executed', '%1 cells executed', value.cells)}
              {value.cut &&
                ` · ${trans.__('cut for size: %1 are shown', value.shown)}`}
            </p>
          </header>
          {cells.map((cell, place) => (
            <Cell key={place} cell={cell} />
          ))}
        </>
      )}
      {!value && !problem && <Note>{trans.__('Loading…')}</Note>}
    </div>
  );
}

function Cell({ cell }: { cell: ICell }): React.JSX.Element {
  const outputs = (Array.isArray(cell.outputs) ? cell.outputs : [])
    .map(textOf)
    .filter(Boolean);
  const count =
    typeof cell.execution_count === 'number' ? cell.execution_count : ' ';
  return (
    <div className="jp-mlops-Cell">
      <span className="jp-mlops-Prompt">
        {cell.cell_type === 'code' ? `[${count}]:` : ''}
      </span>
      <div>
        <pre className="jp-mlops-Code">{joined(cell.source)}</pre>
        {outputs.map((text, place) => (
          <pre key={place} className="jp-mlops-Output">
            {text}
          </pre>
        ))}
      </div>
    </div>
  );
}

/** How many characters of an output are shown. */
const MOST = 20_000;

function textOf(output: unknown): string {
  const said = output as {
    text?: unknown;
    data?: Record<string, unknown>;
    ename?: unknown;
    evalue?: unknown;
  };
  const text =
    joined(said.text) ||
    joined(said.data?.['text/plain']) ||
    [said.ename, said.evalue]
      .filter(part => typeof part === 'string')
      .join(': ');
  return text.length > MOST ? `${text.slice(0, MOST)}…` : text;
}

function joined(value: unknown): string {
  if (Array.isArray(value)) {
    return value.filter(part => typeof part === 'string').join('');
  }
  return typeof value === 'string' ? value : '';
}
