/**
 * A snapshot's numbers, and how they went from snapshot to snapshot.
 */
import * as React from 'react';

import { CommandIDs } from '../tokens';
import { useLoaded, usePanel } from './context';
import { Note, Part, Rows } from './pieces';
import { HistoryPlot } from './plot';
import { decimal, moment } from './words';

/** The metrics of a snapshot with their history. */
export function Metrics(props: {
  /** The snapshot. */
  id: string;
  /** Numbers by name. */
  metrics: Record<string, number>;
}): React.JSX.Element {
  const { model, commands, trans } = usePanel();
  const { value } = useLoaded(() => model.client.history(props.id), [props.id]);
  const [chosen, choose] = React.useState<string | null>(null);
  const names = Object.keys(props.metrics);
  const shown = chosen ?? names[0] ?? value?.names[0];
  if (names.length === 0) {
    return (
      <Part title={trans.__('Metrics')}>
        <Note>{trans.__('No metric was named. Name one with --metric.')}</Note>
      </Part>
    );
  }
  const points = (value?.points ?? []).filter(
    point => shown !== undefined && shown in point.metrics
  );
  return (
    <Part title={trans.__('Metrics')}>
      <div className="jp-mlops-Beside">
        <div
          role="group"
          aria-label={trans.__('Metrics')}
          className="jp-mlops-Metrics"
        >
          {names.map(name => (
            <button
              key={name}
              type="button"
              className="jp-mlops-Metric"
              aria-pressed={name === shown}
              onClick={() => choose(name)}
            >
              <span>{name}</span>
              <b>{decimal(props.metrics[name])}</b>
            </button>
          ))}
        </div>
        {shown !== undefined && points.length > 1 && (
          <HistoryPlot
            name={shown}
            current={props.id}
            points={points.map(point => ({
              id: point.id,
              time: point.created,
              value: point.metrics[shown] ?? 0,
              level: point.level
            }))}
            onOpen={id =>
              void commands.execute(CommandIDs.open, { snapshot: id })
            }
          />
        )}
      </div>
      {value && shown !== undefined && points.length > 1 && (
        <details>
          <summary>{trans.__('History in numbers')}</summary>
          <Rows
            label={trans.__('History')}
            columns={[trans.__('When'), shown, trans.__('Verdict')]}
            items={[...points].reverse()}
            row={point => [
              moment(point.created),
              decimal(point.metrics[shown]),
              point.level ?? trans.__('not rerun')
            ]}
          />
        </details>
      )}
    </Part>
  );
}
