/**
 * The small pieces that views are made of.
 */
import { LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { Level, Problem } from '../api/records';
import { IContext, usePanel } from './context';
import { ago, moment, short, Tone, toneOf } from './words';

/** The word of a verdict, with its colour; or that there is none. */
export function LevelMark(props: {
  /** The verdict; null when a snapshot was never rerun. */
  level: Level | null | undefined;
  /** Why, shown when pointed at. */
  reason?: string;
}): React.JSX.Element {
  const { trans } = usePanel();
  return (
    <Mark
      tone={toneOf(props.level)}
      title={props.reason ?? trans.__('It was never trained again.')}
    >
      {props.level ? levelWord(props.level, trans) : trans.__('not rerun')}
    </Mark>
  );
}

/** Return the word of a verdict in the person's language. */
export function levelWord(level: Level, trans: IContext['trans']): string {
  const words: Record<Level, string> = {
    identical: trans.__('identical'),
    equivalent: trans.__('equivalent'),
    'within tolerance': trans.__('within tolerance'),
    different: trans.__('different'),
    failed: trans.__('failed'),
    cannot: trans.__('cannot')
  };
  return words[level];
}

/** A word in a coloured frame. */
export function Mark(props: {
  /** The colour. */
  tone: Tone;
  /** Shown when pointed at. */
  title?: string;
  /** The word. */
  children: React.ReactNode;
}): React.JSX.Element {
  return (
    <span className="jp-mlops-Mark" data-tone={props.tone} title={props.title}>
      {props.children}
    </span>
  );
}

/** A moment, as it is long ago; pointed at, as date and time. */
export function Ago(props: {
  /** RFC 3339. */
  time: string;
}): React.JSX.Element {
  const { model } = usePanel();
  return (
    <time dateTime={props.time} title={moment(props.time)}>
      {ago(props.time, model.client.now())}
    </time>
  );
}

/** What went wrong and what to do next. */
export function Trouble(props: {
  /** What went wrong. */
  problem: Problem;
}): React.JSX.Element {
  return (
    <div className="jp-mlops-Trouble" role="alert">
      <p>{props.problem.message}</p>
      {props.problem.hint && <p>{props.problem.hint}</p>}
    </div>
  );
}

/** A sentence where something could be. */
export function Note(props: { children: React.ReactNode }): React.JSX.Element {
  return <p className="jp-mlops-Note">{props.children}</p>;
}

/** A button that runs a command, named by the command itself. */
export function CommandButton(props: {
  /** The command. */
  id: string;
  /** Its arguments. */
  args: Record<string, string>;
  /** Whether it is what one came for. */
  accept?: boolean;
  /** Its name, where it means something special. */
  label?: string;
}): React.JSX.Element {
  const { commands } = usePanel();
  const { id, args } = props;
  const icon = commands.icon(id, args);
  return (
    <button
      type="button"
      className={`jp-mlops-Button jp-mod-styled ${props.accept ? 'jp-mod-accept' : ''}`}
      title={commands.caption(id, args)}
      onClick={() => void commands.execute(id, args)}
    >
      {icon instanceof LabIcon && (
        <icon.react tag="span" className="jp-mlops-ButtonIcon" />
      )}
      {props.label ?? commands.label(id, args)}
    </button>
  );
}

/** A link that runs a command. */
export function CommandLink(props: {
  /** The command. */
  id: string;
  /** Its arguments. */
  args: Record<string, string>;
  /** Its text. */
  children: React.ReactNode;
}): React.JSX.Element {
  const { commands } = usePanel();
  return (
    <button
      type="button"
      className="jp-mlops-Link"
      onClick={() => void commands.execute(props.id, props.args)}
    >
      {props.children}
    </button>
  );
}

/** A row of buttons: what can be done with what a page shows. */
export function Actions(props: {
  /** The buttons. */
  children: React.ReactNode;
}): React.JSX.Element {
  const { trans } = usePanel();
  return (
    <div
      className="jp-mlops-Actions"
      role="toolbar"
      aria-label={trans.__('Actions')}
    >
      {props.children}
    </div>
  );
}

/** The beginning of an id. */
export function Id(props: { id: string }): React.JSX.Element {
  return (
    <code className="jp-mlops-Id" title={props.id}>
      {short(props.id)}
    </code>
  );
}

/** A part of a view, with its heading. */
export function Part(props: {
  /** The heading. */
  title: string;
  /** What stands beside it, small. */
  aside?: React.ReactNode;
  /** The content. */
  children: React.ReactNode;
}): React.JSX.Element {
  const id = React.useId();
  return (
    <section className="jp-mlops-Part" aria-labelledby={id}>
      <h2 id={id}>
        {props.title}
        {props.aside !== undefined && (
          <small className="jp-mlops-Aside">{props.aside}</small>
        )}
      </h2>
      {props.children}
    </section>
  );
}

/** How many rows a table shows before it is asked for more. */
const FIRST = 50;

/** A table that shows its first rows, and more on demand. */
export function Rows<T>(props: {
  /** What it is a table of, for a screen reader. */
  label: string;
  /** The headings of its columns. */
  columns: readonly string[];
  /** What the rows are of. */
  items: readonly T[];
  /** The cells of one row. */
  row: (item: T) => readonly React.ReactNode[];
  /** A word for the row's state, for its colour. */
  state?: (item: T) => string | undefined;
}): React.JSX.Element {
  const { trans } = usePanel();
  const [shown, setShown] = React.useState(FIRST);
  const rest = props.items.length - shown;
  return (
    <div
      className="jp-mlops-Scroll"
      tabIndex={0}
      role="group"
      aria-label={props.label}
    >
      <table className="jp-mlops-Table">
        <thead>
          <tr>
            {props.columns.map((column, place) => (
              <th key={place} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {props.items.slice(0, shown).map((item, place) => (
            <tr key={place} data-state={props.state?.(item)}>
              {props.row(item).map((cell, column) => (
                <td key={column}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rest > 0 && (
        <button
          type="button"
          className="jp-mlops-Link"
          onClick={() => setShown(shown + 10 * FIRST)}
        >
          {trans._n('Show %1 more', 'Show %1 more', rest)}
        </button>
      )}
    </div>
  );
}
