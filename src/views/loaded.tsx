/**
 * A page of something that the server is asked for: loading, there, or refused.
 */
import * as React from 'react';

import { useLoaded, usePanel } from './context';
import { Note, Trouble } from './pieces';

/** A page that shows what was asked for, as soon as it is there. */
export function Loaded<T>(props: {
  /** Asks. */
  load: () => Promise<T>;
  /** What it asks for; when this differs, what was shown goes. */
  what: string;
  /** Shows it. */
  children: (value: T) => React.ReactNode;
}): React.JSX.Element {
  const { trans } = usePanel();
  const { value, problem } = useLoaded(props.load, [props.what]);
  return (
    <div className="jp-mlops-Page">
      {problem && <Trouble problem={problem} />}
      {value !== null
        ? props.children(value)
        : !problem && <Note>{trans.__('Loading…')}</Note>}
    </div>
  );
}
