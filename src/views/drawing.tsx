/**
 * Lineage as pictures: boxes for snapshots and files, arrows for what went into what.
 */
import * as React from 'react';

import type { Drawing, DrawnBox, SnapshotLineage } from '../api/records';
import { CommandIDs } from '../tokens';
import { usePanel } from './context';
import { Note } from './pieces';

const BOX = { width: 190, height: 54 };
const ACROSS = 240;
const DOWN = 68;
const MARGIN = 6;

/** How many letters fit into a box. */
const FITS = { title: 23, line: 29 };

/** Both pictures of a snapshot's lineage. */
export function DrawnLineage(props: {
  /** Its lineage. */
  lineage: SnapshotLineage;
}): React.JSX.Element {
  const { trans } = usePanel();
  const { origins, effects } = props.lineage;
  return (
    <>
      <h3>{trans.__('What it was made of')}</h3>
      {origins ? (
        <Picture drawing={origins} />
      ) : (
        <Note>{trans.__('It read no file, and asked nothing outside.')}</Note>
      )}
      <h3>{trans.__('What came of it')}</h3>
      {effects ? (
        <Picture drawing={effects} />
      ) : (
        <Note>{trans.__('No snapshot used what it wrote.')}</Note>
      )}
    </>
  );
}

function Picture({ drawing }: { drawing: Drawing }): React.JSX.Element {
  const { boxes, arrows, layers, height, title } = drawing;
  const width = (layers - 1) * ACROSS + BOX.width + 2 * MARGIN;
  const tall = (height - 1) * DOWN + BOX.height + 2 * MARGIN;
  return (
    <div
      className="jp-mlops-Scroll"
      tabIndex={0}
      role="group"
      aria-label={title}
    >
      <svg
        width={width}
        height={tall}
        className="jp-mlops-Graph jp-mlops-Drawing"
      >
        {arrows.map((arrow, place) => (
          <path
            key={place}
            d={wayOf(arrow.points)}
            data-sure={arrow.sure}
            className="jp-mlops-Way"
          />
        ))}
        {boxes.map((box, place) => (
          <BoxOf key={place} box={box} />
        ))}
      </svg>
    </div>
  );
}

function BoxOf({ box }: { box: DrawnBox }): React.JSX.Element {
  const { commands, trans } = usePanel();
  const { snapshot } = box;
  const [x, y] = corner(box.layer, box.height);
  const told = [box.title, ...box.lines].join('\n');
  const open = (): void => {
    void commands.execute(CommandIDs.open, { snapshot });
  };
  const acts =
    snapshot === null
      ? {}
      : {
          role: 'button',
          tabIndex: 0,
          'aria-label': trans.__('Open snapshot %1', told),
          onClick: open,
          onKeyDown: (event: React.KeyboardEvent) => {
            if (event.key === 'Enter' || event.key === ' ') {
              event.preventDefault();
              open();
            }
          }
        };
  return (
    <g
      data-kind={box.kind}
      data-whole={box.whole}
      data-current={box.focus}
      transform={`translate(${x}, ${y})`}
      {...acts}
    >
      <title>{told}</title>
      <rect {...BOX} rx={box.kind === 'snapshot' ? 12 : 4} />
      <text x={10} y={box.lines.length > 1 ? 17 : 23}>
        {fit(box.title, FITS.title)}
      </text>
      {box.lines.slice(0, 2).map((line, place) => (
        <text
          key={place}
          className="jp-mlops-Small"
          x={10}
          y={(box.lines.length > 1 ? 32 : 40) + 14 * place}
        >
          {fit(line, FITS.line)}
        </text>
      ))}
    </g>
  );
}

function corner(layer: number, height: number): [number, number] {
  return [MARGIN + layer * ACROSS, MARGIN + (height - 0.5) * DOWN];
}

/** Returns the path of an arrow through the middles of its places, with its tip. */
function wayOf(points: readonly (readonly number[])[]): string {
  const middles = points.map(([layer = 0, height = 0]) => {
    const [x, y] = corner(layer, height);
    return { x, y: y + BOX.height / 2 };
  });
  const first = middles[0] ?? { x: 0, y: 0 };
  const last = middles.at(-1) ?? first;
  const forward = last.x > first.x;
  const [out, into] = forward ? [BOX.width, 0] : [0, BOX.width];
  const stops = [{ x: first.x + out, y: first.y }];
  for (const { x, y } of middles.slice(1, -1)) {
    const ends = [
      { x, y },
      { x: x + BOX.width, y }
    ];
    stops.push(...(forward ? ends : ends.reverse()));
  }
  stops.push({ x: last.x + into, y: last.y });
  const [begin] = stops;
  let path = `M${begin?.x ?? 0},${begin?.y ?? 0}`;
  for (let place = 1; place < stops.length; place++) {
    const from = stops[place - 1];
    const to = stops[place];
    if (from && to) {
      const half = (from.x + to.x) / 2;
      path += ` C${half},${from.y} ${half},${to.y} ${to.x},${to.y}`;
    }
  }
  const back = forward ? -6 : 6;
  return `${path} m${back},-4 l${-back},4 l${back},4`;
}

/** Returns text cut in its middle, so that its beginning and its end are seen. */
function fit(text: string, most: number): string {
  const letters = Array.from(text);
  if (letters.length <= most) {
    return text;
  }
  const half = Math.floor((most - 1) / 2);
  return `${letters.slice(0, most - 1 - half).join('')}…${letters.slice(-half).join('')}`;
}
