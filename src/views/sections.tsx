/**
 * The sections of the panel: models, snapshots, runs.
 */
import * as React from 'react';

import type { ModelSummary, SnapshotSummary } from '../api/records';
import type { PagedList } from '../model/paged';
import { CommandIDs } from '../tokens';
import { usePanel, useSignal } from './context';
import { List } from './list';
import { Ago, Id, LevelMark, Note, Trouble } from './pieces';
import { decimal } from './words';

/** The height of a row of two lines, in pixels. */
export const ROW = 46;

/** The models, the one with the newest snapshot first. */
export function Models(): React.JSX.Element {
  const { model, commands, trans } = usePanel();
  useSignal(model.changed);
  return (
    <Paged list={model.models} empty={<Nothing />}>
      {items => (
        <List<ModelSummary>
          key={model.search}
          label={trans.__('Models')}
          items={items}
          keyOf={item => item.name}
          height={ROW}
          data={item => ({ model: item.name, snapshot: item.newest.id })}
          picked={item => item.name === model.filter}
          onOpen={item =>
            void commands.execute(CommandIDs.filter, { model: item.name })
          }
          onEnd={() => void model.models.loadMore()}
          row={item => <ModelRow item={item} />}
        />
      )}
    </Paged>
  );
}

function ModelRow({ item }: { item: ModelSummary }): React.JSX.Element {
  const { trans } = usePanel();
  return (
    <>
      <div className="jp-mlops-RowLine">
        <span className="jp-mlops-RowName" title={item.name}>
          {item.name}
        </span>
        <LevelMark level={item.verdict?.level} reason={item.verdict?.reason} />
      </div>
      <div className="jp-mlops-RowLine jp-mlops-RowMore">
        <span className="jp-mlops-RowText">
          {item.heads.map(head => (
            <span
              key={head.name}
              className="jp-mlops-Head"
              title={trans.__('%1, moved by %2', head.name, head.author)}
            >
              {head.branch}
            </span>
          ))}
          {trans._n('%1 snapshot', '%1 snapshots', item.count)}
        </span>
        <Ago time={item.newest.created} />
      </div>
    </>
  );
}

/** The snapshots, newest first; of one model when it is picked. */
export function Snapshots(): React.JSX.Element {
  const { model, commands, trans } = usePanel();
  useSignal(model.changed);
  useSignal(model.selection.changed);
  return (
    <>
      {model.filter !== null && (
        <div className="jp-mlops-Filter">
          <span className="jp-mlops-RowName">{model.filter}</span>
          <button
            type="button"
            className="jp-mlops-Link"
            onClick={() => {
              model.filter = null;
            }}
          >
            {trans.__('Show all')}
          </button>
        </div>
      )}
      <Paged list={model.snapshots} empty={<Nothing />}>
        {items => (
          <List<SnapshotSummary>
            key={JSON.stringify([model.search, model.filter])}
            label={trans.__('Snapshots')}
            items={items}
            keyOf={item => item.id}
            height={ROW}
            data={item => ({ snapshot: item.id, model: item.model })}
            picked={item => model.selection.has(item.id)}
            onOpen={item =>
              void commands.execute(CommandIDs.open, { snapshot: item.id })
            }
            onPick={item => model.selection.toggle(item)}
            onEnd={() => void model.snapshots.loadMore()}
            row={item => <SnapshotRow item={item} />}
          />
        )}
      </Paged>
    </>
  );
}

function SnapshotRow({ item }: { item: SnapshotSummary }): React.JSX.Element {
  const { trans } = usePanel();
  const [metric] = Object.entries(item.metrics);
  return (
    <>
      <div className="jp-mlops-RowLine">
        <span className="jp-mlops-RowName" title={item.model}>
          {item.model}
        </span>
        <Id id={item.id} />
        <LevelMark level={item.verdict?.level} reason={item.verdict?.reason} />
      </div>
      <div className="jp-mlops-RowLine jp-mlops-RowMore">
        <span className="jp-mlops-RowText" title={item.problem || undefined}>
          {item.blocking > 0 && (
            <span className="jp-mlops-Hole">
              {trans._n('%1 hole', '%1 holes', item.blocking)}
            </span>
          )}
          {item.problem
            ? item.problem
            : metric
              ? `${metric[0]} ${decimal(metric[1])}`
              : item.notebook}
          {` · ${item.author}`}
        </span>
        <Ago time={item.created} />
      </div>
    </>
  );
}

function Paged<T>(props: {
  list: PagedList<T>;
  empty: React.JSX.Element;
  children: (items: readonly T[]) => React.JSX.Element;
}): React.JSX.Element {
  const { model, trans } = usePanel();
  const { list } = props;
  useSignal(list.changed);
  if (list.problem && model.availability === 'ready' && !model.problem) {
    return <Trouble problem={list.problem} />;
  }
  if (!list.ready) {
    return list.loading ? <Note>{trans.__('Loading…')}</Note> : <></>;
  }
  return list.items.length > 0 ? props.children(list.items) : props.empty;
}

function Nothing(): React.JSX.Element {
  const { model, trans } = usePanel();
  return (
    <Note>
      {model.search || model.filter !== null
        ? trans.__('Nothing matches.')
        : trans.__(
            'No snapshot yet. Train a model in a notebook, then press Snapshot.'
          )}
    </Note>
  );
}
