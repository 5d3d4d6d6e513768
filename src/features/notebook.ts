/**
 * What can be done with the notebook in front: a snapshot of it, and a run of it on the server.
 */
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator } from '@jupyterlab/translation';

import type { Model } from '../model/model';
import { CommandIDs, DOMAIN, IModel, PACKAGE } from '../tokens';
import type { IContext } from '../views/context';
import { runCommand } from './run';
import { snapshotCommand } from './snapshot';

/** Adds the commands. */
export const notebookPlugin: JupyterFrontEndPlugin<void> = {
  id: `${PACKAGE}:notebook`,
  description: 'Snapshots the notebook in front, or runs it on the server.',
  autoStart: true,
  requires: [IModel, ITranslator],
  optional: [INotebookTracker, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    model: Model,
    translator: ITranslator,
    tracker: INotebookTracker | null,
    palette: ICommandPalette | null
  ): void => {
    const { commands } = app;
    const trans = translator.load(DOMAIN);
    const context: IContext = { model, commands, trans };
    commands.addCommand(CommandIDs.snapshot, snapshotCommand(context, tracker));
    commands.addCommand(CommandIDs.run, runCommand(context, tracker));
    tracker?.currentChanged.connect(() => {
      commands.notifyCommandChanged(CommandIDs.snapshot);
      commands.notifyCommandChanged(CommandIDs.run);
    });
    for (const item of [
      { command: CommandIDs.snapshot, args: { ask: false } },
      { command: CommandIDs.snapshot, args: { ask: true } },
      { command: CommandIDs.run }
    ]) {
      palette?.addItem({ ...item, category: trans.__('MLOps') });
    }
  }
};
