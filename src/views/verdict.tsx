/**
 * One verdict: the word, why, and the comparison axis by axis.
 */
import * as React from 'react';

import type { ReproductionDetail } from '../api/records';
import { CommandIDs } from '../tokens';
import { usePanel } from './context';
import { Loaded } from './loaded';
import { Actions, CommandButton, Id, LevelMark, Part, Rows } from './pieces';
import { decimal, duration, moment } from './words';

/** Everything about one verdict. */
export function Verdict({ id }: { id: string }): React.JSX.Element {
  const { model } = usePanel();
  return (
    <Loaded load={() => model.client.reproduction(id)} what={id}>
      {detail => <Detail detail={detail} />}
    </Loaded>
  );
}

function Detail({ detail }: { detail: ReproductionDetail }): React.JSX.Element {
  const { trans } = usePanel();
  const { record } = detail;
  const first = record.first_difference;
  return (
    <>
      <header className="jp-mlops-Header">
        <h1>
          {detail.model}{' '}
          <LevelMark level={record.level} reason={record.reason} />
        </h1>
        <p>
          {record.reason} {record.cause && <strong>{record.cause}</strong>}
        </p>
        <p>
          {trans.__(
            '%1 by %2, took %3',
            moment(record.created),
            record.author.name,
            duration(record.seconds)
          )}
          {' · '}
          <Id id={record.snapshot} />
        </p>
        <Actions>
          <CommandButton
            id={CommandIDs.open}
            args={{ snapshot: record.snapshot }}
            accept
          />
          <CommandButton
            id={CommandIDs.reproduce}
            args={{ snapshot: record.snapshot }}
            label={trans.__('Reproduce Again')}
          />
        </Actions>
      </header>
      <Numbers detail={detail} />
      <Axes detail={detail} />
      {first && (
        <Part title={trans.__('First difference')} aside={`[${first.count}]`}>
          <pre className="jp-mlops-Code">{first.source}</pre>
          <div className="jp-mlops-Sides">
            <figure>
              <figcaption>{trans.__('Recorded')}</figcaption>
              <pre className="jp-mlops-Code">{first.recorded}</pre>
            </figure>
            <figure>
              <figcaption>{trans.__('Rerun')}</figcaption>
              <pre className="jp-mlops-Code">{first.rerun}</pre>
            </figure>
          </div>
        </Part>
      )}
    </>
  );
}

function Numbers({
  detail
}: {
  detail: ReproductionDetail;
}): React.JSX.Element {
  const { trans } = usePanel();
  const { metrics, predictions } = detail.record;
  return (
    <>
      {metrics.length > 0 && (
        <Part title={trans.__('Metrics')}>
          <Rows
            label={trans.__('Metrics')}
            columns={[
              trans.__('Metric'),
              trans.__('Recorded'),
              trans.__('Rerun'),
              trans.__('Tolerance'),
              trans.__('State')
            ]}
            items={metrics}
            state={item => (item.state === 'different' ? 'bad' : undefined)}
            row={item => [
              item.name,
              decimal(item.recorded),
              decimal(item.rerun),
              item.relative
                ? `${decimal(100 * item.tolerance)} %`
                : decimal(item.tolerance),
              item.state
            ]}
          />
        </Part>
      )}
      {predictions.length > 0 && (
        <Part title={trans.__('Answers on held-out inputs')}>
          <Rows
            label={trans.__('Answers on held-out inputs')}
            columns={[
              trans.__('Method'),
              trans.__('Rows'),
              trans.__('Agree'),
              trans.__('State')
            ]}
            items={predictions}
            state={item => (item.state === 'different' ? 'bad' : undefined)}
            row={item => [
              item.method,
              item.rows,
              `${decimal(100 * item.agree)} %`,
              item.state
            ]}
          />
        </Part>
      )}
    </>
  );
}

function Axes({ detail }: { detail: ReproductionDetail }): React.JSX.Element {
  const { trans } = usePanel();
  return (
    <Part title={trans.__('Axis by axis')}>
      <Rows
        label={trans.__('Axis by axis')}
        columns={[trans.__('Axis'), trans.__('State'), trans.__('What')]}
        items={detail.record.axes}
        state={axis => (axis.state === 'different' ? 'bad' : undefined)}
        row={axis => [
          axis.name,
          axis.state,
          axis.details.length > 0 ? (
            <details>
              <summary>{axis.text}</summary>
              <ul>
                {axis.details.map((line, place) => (
                  <li key={place}>{line}</li>
                ))}
              </ul>
            </details>
          ) : (
            axis.text
          )
        ]}
      />
    </Part>
  );
}
