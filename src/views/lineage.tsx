/**
 * A snapshot's lineage: what it was made of, what came of it, and which it follows.
 */
import * as React from 'react';

import type { SnapshotDetail } from '../api/records';
import { CommandIDs } from '../tokens';
import { useLoaded, usePanel, useWidth } from './context';
import { DrawnLineage } from './drawing';
import { CommandLink, Note, Part, Trouble } from './pieces';
import { short } from './words';

const ROW = 34;
const BOX = { width: 92, height: 24 };

/** How many of each side are drawn. */
const MOST = 8;

/** What a snapshot was made of and what came of it, drawn; and its parents and children. */
export function Lineage(props: {
  /** The snapshot. */
  detail: SnapshotDetail;
}): React.JSX.Element {
  const { model, trans } = usePanel();
  const { id } = props.detail;
  const { value, problem } = useLoaded(() => model.client.lineage(id), [id]);
  return (
    <Part
      title={trans.__('Lineage')}
      aside={
        value &&
        value.ancestors + value.affected > 0 &&
        trans.__(
          'snapshots it came from: %1, that used it: %2',
          value.ancestors,
          value.affected
        )
      }
    >
      {problem && <Trouble problem={problem} />}
      {!value && !problem && <Note>{trans.__('Loading…')}</Note>}
      {value && <DrawnLineage lineage={value} />}
      <Order detail={props.detail} />
      <CommandLink id={CommandIDs.explain} args={{ snapshot: id }}>
        {trans.__('Explain in words')}
      </CommandLink>
    </Part>
  );
}

/** The graph of a snapshot's parents and children; nothing when it has none. */
function Order(props: { detail: SnapshotDetail }): React.JSX.Element | null {
  const { commands, trans } = usePanel();
  const [reference, width] = useWidth();
  const { detail } = props;
  const parents = detail.record.parents.slice(0, MOST);
  const children = detail.children.slice(0, MOST);
  if (parents.length + children.length === 0) {
    return null;
  }
  const height = ROW * Math.max(1, parents.length, children.length);
  const room = Math.max(3 * BOX.width + 40, Math.min(width, 640));
  const at = (count: number, place: number): number =>
    height / 2 + ROW * (place - (count - 1) / 2);
  const columns = [
    { ids: parents, x: 1 },
    { ids: [detail.id], x: (room - BOX.width) / 2 },
    { ids: children, x: room - BOX.width - 1 }
  ];
  const middle = (room - BOX.width) / 2;
  const open = (id: string) =>
    void commands.execute(CommandIDs.open, { snapshot: id });
  return (
    <>
      <h3>{trans.__('The snapshot before it, and those after it')}</h3>
      <div ref={reference} className="jp-mlops-Scroll">
        <svg width={room} height={height} className="jp-mlops-Graph">
          {parents.map((id, place) => (
            <path
              key={id}
              d={curve(
                BOX.width + 1,
                at(parents.length, place),
                middle,
                height / 2
              )}
            />
          ))}
          {children.map((id, place) => (
            <path
              key={id}
              d={curve(
                middle + BOX.width,
                height / 2,
                room - BOX.width - 1,
                at(children.length, place)
              )}
            />
          ))}
          {columns.map(({ ids, x }) =>
            ids.map((id, place) => (
              <g
                key={id}
                role="button"
                tabIndex={0}
                aria-label={trans.__('Open snapshot %1', short(id))}
                data-current={id === detail.id}
                transform={`translate(${x}, ${at(ids.length, place) - BOX.height / 2})`}
                onClick={() => open(id)}
                onKeyDown={event => {
                  if (event.key === 'Enter') {
                    open(id);
                  }
                }}
              >
                <rect {...BOX} rx={4} />
                <text x={BOX.width / 2} y={16} textAnchor="middle">
                  {short(id)}
                </text>
              </g>
            ))
          )}
        </svg>
      </div>
    </>
  );
}

function curve(x1: number, y1: number, x2: number, y2: number): string {
  const half = (x1 + x2) / 2;
  return `M${x1},${y1} C${half},${y1} ${half},${y2} ${x2},${y2}`;
}
