/**
 * The panel at the side: what one searches for, what one can do, and the sections.
 */
import {
  CommandToolbarButton,
  SidePanel,
  Toolbar
} from '@jupyterlab/ui-components';
import { AccordionPanel } from '@lumino/widgets';
import * as React from 'react';

import { mlopsIcon } from '../icons';
import { CommandIDs } from '../tokens';
import type { IContext } from '../views/context';
import { Head } from '../views/head';
import { Runs } from '../views/runs';
import { Models, Snapshots } from '../views/sections';
import { View } from './view';

/** Sections and their share of the height at first. */
const SHARES = [0.3, 0.45, 0.25];

/**
 * The panel.
 */
export class Panel extends SidePanel {
  /**
   * @param context - What every view is given.
   */
  constructor(context: IContext) {
    const { commands, trans } = context;
    super({ toolbar: new Toolbar() });
    this.id = 'mlops-panel';
    this.addClass('jp-mlops-Panel');
    this.title.icon = mlopsIcon;
    this.title.caption = trans.__('MLOps: models, snapshots and runs');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('MLOps'));

    this.toolbar.node.setAttribute('aria-label', trans.__('MLOps actions'));
    for (const id of [
      CommandIDs.snapshot,
      CommandIDs.compare,
      CommandIDs.refresh
    ]) {
      const button = new CommandToolbarButton({ commands, id, label: '' });
      this.toolbar.addItem(id, button);
    }
    this.header.addWidget(new View(context, <Head />));
    this._add(context, trans.__('Models'), <Models />);
    this._add(context, trans.__('Snapshots'), <Snapshots />);
    this._add(context, trans.__('Runs'), <Runs />);
    if (this.content instanceof AccordionPanel) {
      this.content.setRelativeSizes(SHARES);
    }
  }

  private _add(
    context: IContext,
    label: string,
    view: React.JSX.Element
  ): void {
    const section = new View(context, view);
    section.addClass('jp-mlops-Section');
    section.title.label = label;
    section.title.caption = label;
    this.addWidget(section);
  }
}
