/**
 * Two snapshots side by side: the notebooks, and beside them all the rest.
 */
import * as React from 'react';

import type { Comparison } from '../api/records';
import { CommandIDs } from '../tokens';
import { DataChanges } from './changes';
import { useLoaded, usePanel } from './context';
import { Figures } from './figures';
import { NotebookChanges } from './notebook_changes';
import { CommandLink, Note, Part, Rows, Trouble } from './pieces';
import { decimal, short, signed } from './words';

interface IProps {
  /** The older one's id. */
  a: string;
  /** The newer one's id. */
  b: string;
}

/** Two snapshots side by side. */
export function Compare({ a, b }: IProps): React.JSX.Element {
  const { model, trans } = usePanel();
  const { value, problem } = useLoaded(
    () => model.client.compare(a, b),
    [a, b]
  );
  return (
    <div className="jp-mlops-Page jp-mlops-Compare">
      <header className="jp-mlops-Header">
        <h1>
          <CommandLink id={CommandIDs.open} args={{ snapshot: a }}>
            {short(a)}
          </CommandLink>
          {' → '}
          <CommandLink id={CommandIDs.open} args={{ snapshot: b }}>
            {short(b)}
          </CommandLink>
        </h1>
      </header>
      {problem && <Trouble problem={problem} />}
      <div className="jp-mlops-CompareGrid">
        <div className="jp-mlops-CompareRest">
          {value ? (
            <Rest compared={value} />
          ) : (
            !problem && <Note>{trans.__('Comparing…')}</Note>
          )}
        </div>
        <NotebookChanges a={a} b={b} />
      </div>
    </div>
  );
}

function Rest({ compared }: { compared: Comparison }): React.JSX.Element {
  return (
    <>
      {compared.notes.map((note, place) => (
        <Note key={place}>{note}</Note>
      ))}
      <MetricChanges compared={compared} />
      <ParameterChanges compared={compared} />
      <DataChanges compared={compared} />
      <EnvironmentChanges compared={compared} />
      <Signature compared={compared} />
      <Figures compared={compared} />
    </>
  );
}

function MetricChanges({
  compared
}: {
  compared: Comparison;
}): React.JSX.Element {
  const { trans } = usePanel();
  return (
    <Part title={trans.__('Metrics')}>
      {compared.metrics.length === 0 ? (
        <Note>{trans.__('Neither has a metric.')}</Note>
      ) : (
        <Rows
          label={trans.__('Metrics')}
          columns={[
            trans.__('Metric'),
            trans.__('Older'),
            trans.__('Newer'),
            trans.__('Difference')
          ]}
          items={compared.metrics}
          state={item => (item.delta === 0 ? undefined : 'changed')}
          row={item => [
            item.name,
            decimal(item.a),
            decimal(item.b),
            signed(item.delta)
          ]}
        />
      )}
    </Part>
  );
}

function ParameterChanges(props: {
  compared: Comparison;
}): React.JSX.Element | null {
  const { trans } = usePanel();
  const { parameters } = props.compared;
  if (parameters.length === 0) {
    return null;
  }
  return (
    <Part title={trans.__('Parameters')}>
      <Rows
        label={trans.__('Parameters')}
        columns={[trans.__('Parameter'), trans.__('Older'), trans.__('Newer')]}
        items={parameters}
        state={item => item.change ?? undefined}
        row={item => [item.name, item.a ?? '–', item.b ?? '–']}
      />
    </Part>
  );
}

function EnvironmentChanges(props: {
  compared: Comparison;
}): React.JSX.Element {
  const { trans } = usePanel();
  const { environment } = props.compared;
  const facts = [
    {
      name: trans.__('Python'),
      a: environment.python_a,
      b: environment.python_b
    },
    {
      name: trans.__('Platform'),
      a: environment.platform_a,
      b: environment.platform_b
    },
    ...environment.packages.map(({ name, a, b }) => ({ name, a, b }))
  ].filter(({ a, b }) => a !== b);
  return (
    <Part
      title={trans.__('Environment')}
      aside={trans._n(
        '%1 package is the same',
        '%1 packages are the same',
        environment.same
      )}
    >
      {facts.length === 0 && environment.machine.length === 0 ? (
        <Note>{trans.__('No difference.')}</Note>
      ) : (
        <Rows
          label={trans.__('Environment')}
          columns={[trans.__('What'), trans.__('Older'), trans.__('Newer')]}
          items={facts}
          state={({ a, b }) =>
            a === null ? 'added' : b === null ? 'removed' : 'changed'
          }
          row={({ name, a, b }) => [name, a ?? '–', b ?? '–']}
        />
      )}
      {environment.machine.map((line, place) => (
        <Note key={place}>{line}</Note>
      ))}
    </Part>
  );
}

function Signature(props: { compared: Comparison }): React.JSX.Element | null {
  const { trans } = usePanel();
  const { signature } = props.compared;
  if (signature.length === 0) {
    return null;
  }
  return (
    <Part title={trans.__('Signature of the model')}>
      <Rows
        label={trans.__('Signature of the model')}
        columns={[trans.__('What'), trans.__('Older'), trans.__('Newer')]}
        items={signature}
        state={item => (item.same ? undefined : 'changed')}
        row={item => [item.name, item.a || '–', item.b || '–']}
      />
    </Part>
  );
}
