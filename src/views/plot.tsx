/**
 * Small drawings: how a number went, and how a column is distributed.
 */
import * as React from 'react';

import type { ColumnChange, Level } from '../api/records';
import { usePanel, useWidth } from './context';
import { decimal, moment, toneOf } from './words';

/** A number at a time. */
export interface IPlotPoint {
  /** The snapshot's id. */
  id: string;
  /** When it was taken. */
  time: string;
  /** The number. */
  value: number;
  /** The newest verdict on it. */
  level: Level | null;
}

const HEIGHT = 150;
const LEFT = 56;
const RIGHT = 14;
const TOP = 12;
const BOTTOM = 24;

/** How one metric went, a point for each snapshot; a click opens it. */
export function HistoryPlot(props: {
  /** The metric. */
  name: string;
  /** The snapshot that is looked at. */
  current: string;
  /** The points, oldest first. */
  points: readonly IPlotPoint[];
  /** A point was clicked. */
  onOpen: (id: string) => void;
}): React.JSX.Element {
  const { trans } = usePanel();
  const [reference, width] = useWidth();
  const { points } = props;
  const values = points.map(point => point.value).filter(Number.isFinite);
  const low = Math.min(...values);
  const high = Math.max(...values);
  const span = high - low || Math.abs(high) || 1;
  const x = (place: number): number =>
    LEFT + ((width - LEFT - RIGHT) * place) / Math.max(1, points.length - 1);
  const y = (value: number): number =>
    TOP +
    (HEIGHT - TOP - BOTTOM) * (high === low ? 0.5 : (high - value) / span);
  const drawn = points
    .map((point, place) => ({ ...point, x: x(place), y: y(point.value) }))
    .filter(point => Number.isFinite(point.y));
  const said = trans.__(
    '%1 over %2 snapshots, from %3 to %4',
    props.name,
    points.length,
    decimal(low),
    decimal(high)
  );
  return (
    <div ref={reference} className="jp-mlops-Plot">
      {width > LEFT + RIGHT && (
        <svg width={width} height={HEIGHT} role="img" aria-label={said}>
          {(high === low ? [high] : [high, low]).map(value => (
            <g key={value} className="jp-mlops-Axis">
              <line x1={LEFT} x2={width - RIGHT} y1={y(value)} y2={y(value)} />
              <text x={LEFT - 8} y={y(value) + 4} textAnchor="end">
                {decimal(value)}
              </text>
            </g>
          ))}
          <text className="jp-mlops-AxisText" x={LEFT} y={HEIGHT - 4}>
            {moment(points[0]?.time ?? '')}
          </text>
          {width > 360 && (
            <text
              className="jp-mlops-AxisText"
              x={width - RIGHT}
              y={HEIGHT - 4}
              textAnchor="end"
            >
              {moment(points.at(-1)?.time ?? '')}
            </text>
          )}
          <polyline
            className="jp-mlops-Line"
            points={drawn.map(point => `${point.x},${point.y}`).join(' ')}
          />
          {drawn.map(point => (
            <circle
              key={point.id}
              className="jp-mlops-Point"
              data-tone={toneOf(point.level)}
              data-current={point.id === props.current}
              cx={point.x}
              cy={point.y}
              r={point.id === props.current ? 6 : 4}
              onClick={() => props.onOpen(point.id)}
            >
              <title>{`${moment(point.time)}: ${decimal(point.value)}`}</title>
            </circle>
          ))}
        </svg>
      )}
    </div>
  );
}

const BARS = { width: 120, height: 28 };

/** How a column is distributed on both sides: the older in outline, the newer filled. */
export function Distribution(props: {
  /** The column. */
  column: ColumnChange;
}): React.JSX.Element | null {
  const { trans } = usePanel();
  const { counts_a: a, counts_b: b, edges, name } = props.column;
  const count = Math.max(a.length, b.length);
  if (count === 0) {
    return null;
  }
  const most = Math.max(1, ...a, ...b);
  const step = BARS.width / count;
  const bar = (value: number): number => (BARS.height * value) / most;
  const said = trans.__(
    'Distribution of %1 from %2 to %3',
    name,
    decimal(edges[0]),
    decimal(edges.at(-1))
  );
  return (
    <svg
      className="jp-mlops-Bars"
      width={BARS.width}
      height={BARS.height}
      role="img"
      aria-label={said}
    >
      <title>{said}</title>
      {b.map((value, place) => (
        <rect
          key={`b${place}`}
          className="jp-mlops-BarNew"
          x={place * step}
          y={BARS.height - bar(value)}
          width={Math.max(1, step - 1)}
          height={bar(value)}
        />
      ))}
      {a.map((value, place) => (
        <rect
          key={`a${place}`}
          className="jp-mlops-BarOld"
          x={place * step + 0.5}
          y={BARS.height - bar(value)}
          width={Math.max(1, step - 2)}
          height={bar(value)}
        />
      ))}
    </svg>
  );
}
