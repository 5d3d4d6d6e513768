/**
 * Puts the panel at the side.
 */
import {
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IMainMenu } from '@jupyterlab/mainmenu';
import { ITranslator } from '@jupyterlab/translation';

import { mlopsIcon } from '../icons';
import type { Model } from '../model/model';
import { CommandIDs, DOMAIN, IModel, SETTINGS } from '../tokens';
import { Panel } from '../widgets/panel';

/** Where among the panels of its side it stands. */
const RANK = 550;

/** Adds the panel. */
export const sidebarPlugin: JupyterFrontEndPlugin<void> = {
  id: SETTINGS,
  description: 'The panel with models, snapshots and runs.',
  autoStart: true,
  requires: [IModel, ITranslator],
  optional: [ILayoutRestorer, ICommandPalette, IMainMenu],
  activate: (
    app: JupyterFrontEnd,
    model: Model,
    translator: ITranslator,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    menu: IMainMenu | null
  ): void => {
    const trans = translator.load(DOMAIN);
    const { commands, shell } = app;
    const panel = new Panel({ model, commands, trans });
    commands.addCommand(CommandIDs.reveal, {
      label: trans.__('MLOps: Show the Panel'),
      caption: trans.__('Show models, snapshots and runs'),
      icon: mlopsIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => {
        shell.activateById(panel.id);
      }
    });
    palette?.addItem({
      command: CommandIDs.reveal,
      category: trans.__('MLOps')
    });
    menu?.viewMenu.addGroup([{ command: CommandIDs.reveal }], RANK);
    restorer?.add(panel, panel.id);
    shell.add(panel, 'left', { rank: RANK, type: 'MLOps' });
  }
};
