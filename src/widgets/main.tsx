/**
 * A view in the main area: what it shows is its arguments, so that it comes back after a reload.
 */
import { MainAreaWidget } from '@jupyterlab/apputils';
import { LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { compareIcon, mlopsIcon, snapshotIcon } from '../icons';
import { Compare } from '../views/compare';
import type { IContext } from '../views/context';
import { ExecutedCells } from '../views/executed';
import { Explanation } from '../views/explanation';
import { JobView } from '../views/job';
import { Snapshot } from '../views/snapshot';
import { Verdict } from '../views/verdict';
import { short } from '../views/words';
import { View } from './view';

/** The views there are. */
export const VIEWS = [
  'snapshot',
  'verdict',
  'notebook',
  'lineage',
  'compare',
  'job'
] as const;

/** What a view shows. */
export interface IViewArgs {
  /** Which view. */
  view: (typeof VIEWS)[number];
  /** The id of what it shows. */
  a: string;
  /** For a comparison, the newer one's id. */
  b?: string;
}

/**
 * A view in the main area.
 */
export class MainView extends MainAreaWidget<View> {
  /**
   * @param context - What every view is given.
   * @param args - What it shows.
   */
  constructor(
    context: IContext,
    readonly args: IViewArgs
  ) {
    super({ content: new View(context, viewOf(args)) });
    this.id = nameOf(args);
    this.addClass('jp-mlops-Main');
    this.title.label = labelOf(args, context);
    this.title.icon = iconOf(args);
    this.title.closable = true;
    this.toolbar.hide();
    this.content.node.tabIndex = 0;
    this.content.node.setAttribute('role', 'region');
    this.content.node.setAttribute('aria-label', this.title.label);
  }

  /** The snapshot that commands mean while this view is in front; null when none. */
  get snapshot(): string | null {
    const { view, a } = this.args;
    return ['snapshot', 'notebook', 'lineage'].includes(view) ? a : null;
  }
}

/** Return the name of a view, the same for the same arguments. */
export function nameOf(args: IViewArgs): string {
  return ['mlops', args.view, args.a, args.b ?? ''].join('-');
}

/** Return the arguments of a view, or null when they are not such. */
export function asViewArgs(args: Record<string, unknown>): IViewArgs | null {
  const { view, a, b } = args;
  const kind = VIEWS.find(known => known === view);
  if (kind === undefined || typeof a !== 'string') {
    return null;
  }
  return typeof b === 'string' ? { view: kind, a, b } : { view: kind, a };
}

function viewOf(args: IViewArgs): React.JSX.Element {
  switch (args.view) {
    case 'snapshot':
      return <Snapshot id={args.a} />;
    case 'verdict':
      return <Verdict id={args.a} />;
    case 'notebook':
      return <ExecutedCells id={args.a} />;
    case 'lineage':
      return <Explanation id={args.a} />;
    case 'compare':
      return <Compare a={args.a} b={args.b ?? args.a} />;
    case 'job':
      return <JobView id={args.a} />;
  }
}

function labelOf(args: IViewArgs, { trans }: IContext): string {
  switch (args.view) {
    case 'snapshot':
      return trans.__('Snapshot %1', short(args.a));
    case 'verdict':
      return trans.__('Verdict %1', short(args.a));
    case 'notebook':
      return trans.__('Executed in %1', short(args.a));
    case 'lineage':
      return trans.__('Lineage of %1', short(args.a));
    case 'compare':
      return trans.__('%1 → %2', short(args.a), short(args.b ?? args.a));
    case 'job':
      return trans.__('Run %1', args.a.slice(-6));
  }
}

function iconOf(args: IViewArgs): LabIcon {
  return args.view === 'compare'
    ? compareIcon
    : args.view === 'snapshot'
      ? snapshotIcon
      : mlopsIcon;
}
