/**
 * What can be done with a snapshot: the commands, in palette and context menu.
 */
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Clipboard, ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator } from '@jupyterlab/translation';
import {
  caretRightIcon,
  checkIcon,
  copyIcon,
  downloadIcon,
  filterIcon,
  folderIcon,
  infoIcon,
  LabIcon,
  notebookIcon,
  refreshIcon
} from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { expectComparison } from '../diff/ready';
import { compareIcon, snapshotIcon } from '../icons';
import type { Model } from '../model/model';
import { CommandIDs, DOMAIN, IModel, PACKAGE } from '../tokens';
import type { IContext } from '../views/context';
import { MainView } from '../widgets/main';
import {
  bundle,
  cancel,
  reproduce,
  reproduceWith,
  restore,
  verify
} from './jobs';

/** Adds the commands. */
export const commandsPlugin: JupyterFrontEndPlugin<void> = {
  id: `${PACKAGE}:commands`,
  description: 'Reproduce, compare, restore, explain and verify snapshots.',
  autoStart: true,
  requires: [IModel, ITranslator],
  optional: [ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    model: Model,
    translator: ITranslator,
    palette: ICommandPalette | null
  ): void => {
    const { commands } = app;
    const trans = translator.load(DOMAIN);
    const context: IContext = { model, commands, trans };
    const pointed = new Pointed(app, model);
    addSnapshotCommands(context, pointed);
    addOtherCommands(context, app);
    model.selection.changed.connect(() => {
      commands.notifyCommandChanged(CommandIDs.compare);
      if (model.selection.items.length > 0) {
        expectComparison(model.client);
      }
    });
    model.changed.connect(() => {
      commands.notifyCommandChanged();
    });
    const category = trans.__('MLOps');
    for (const command of [
      CommandIDs.open,
      CommandIDs.openNotebook,
      CommandIDs.reproduce,
      CommandIDs.reproduceWith,
      CommandIDs.compare,
      CommandIDs.restore,
      CommandIDs.bundle,
      CommandIDs.explain,
      CommandIDs.verify,
      CommandIDs.refresh
    ]) {
      palette?.addItem({ command, category });
    }
  }
};

/**
 * Knows which snapshot a person means.
 */
class Pointed {
  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly model: Model
  ) {}

  /** The snapshot's id: said, clicked, in front, or the only one picked; null when none. */
  snapshot(args: ReadonlyPartialJSONObject): string | null {
    if (typeof args.snapshot === 'string') {
      return args.snapshot;
    }
    const clicked = this.data('snapshot');
    if (clicked) {
      return clicked;
    }
    const front = this.app.shell.currentWidget;
    if (front instanceof MainView && front.snapshot !== null) {
      return front.snapshot;
    }
    const { items } = this.model.selection;
    return items.length === 1 ? (items[0]?.id ?? null) : null;
  }

  /** What a clicked row says about itself. */
  data(name: string): string | undefined {
    const node = this.app.contextMenuHitTest(
      element => element.dataset[name] !== undefined
    );
    return node?.dataset[name];
  }
}

interface IVerb {
  id: string;
  label: string;
  caption: string;
  icon: LabIcon;
  execute: (id: string) => unknown;
}

function addSnapshotCommands(context: IContext, pointed: Pointed): void {
  const { commands, model, trans } = context;
  const args = {
    type: 'object',
    properties: {
      snapshot: {
        type: 'string',
        description: trans.__('The whole id of a snapshot')
      }
    }
  };
  for (const verb of verbs(context)) {
    commands.addCommand(verb.id, {
      label: verb.label,
      caption: verb.caption,
      icon: verb.icon,
      describedBy: { args },
      isEnabled: args =>
        model.availability === 'ready' && pointed.snapshot(args) !== null,
      execute: args => {
        const id = pointed.snapshot(args);
        return id === null ? undefined : verb.execute(id);
      }
    });
  }
}

function verbs(context: IContext): IVerb[] {
  const { commands, trans } = context;
  const show = (view: string) => (id: string) =>
    commands.execute(CommandIDs.view, { view, a: id });
  return [
    {
      id: CommandIDs.open,
      label: trans.__('Open Snapshot'),
      caption: trans.__('Show everything about it'),
      icon: snapshotIcon,
      execute: show('snapshot')
    },
    {
      id: CommandIDs.openNotebook,
      label: trans.__('Show Executed Cells'),
      caption: trans.__('Show what was executed, in that order'),
      icon: notebookIcon,
      execute: show('notebook')
    },
    {
      id: CommandIDs.reproduce,
      label: trans.__('Reproduce'),
      caption: trans.__('Train it again and say whether it comes out the same'),
      icon: caretRightIcon,
      execute: id => reproduce(context, id)
    },
    {
      id: CommandIDs.reproduceWith,
      label: trans.__('Reproduce with Options…'),
      caption: trans.__('Say what may differ, and what the rerun may do'),
      icon: caretRightIcon,
      execute: id => reproduceWith(context, id)
    },
    {
      id: CommandIDs.restore,
      label: trans.__('Restore…'),
      caption: trans.__('Put its files into a folder'),
      icon: folderIcon,
      execute: id => restore(context, id)
    },
    {
      id: CommandIDs.bundle,
      label: trans.__('Bundle…'),
      caption: trans.__('Write it into one file, to be reproduced elsewhere'),
      icon: downloadIcon,
      execute: id => bundle(context, id)
    },
    {
      id: CommandIDs.explain,
      label: trans.__('Explain'),
      caption: trans.__('Tell what it came from, and what came of it'),
      icon: infoIcon,
      execute: show('lineage')
    },
    {
      id: CommandIDs.copyId,
      label: trans.__('Copy Id'),
      caption: trans.__('Copy its whole id'),
      icon: copyIcon,
      execute: id => Clipboard.copyToSystem(id)
    }
  ];
}

function addOtherCommands(context: IContext, app: JupyterFrontEnd): void {
  const { commands, model, trans } = context;
  const word = { type: 'string' } as const;
  const pair = (args: ReadonlyPartialJSONObject) =>
    typeof args.a === 'string' && typeof args.b === 'string'
      ? { a: args.a, b: args.b }
      : model.selection.pair;
  commands.addCommand(CommandIDs.compare, {
    label: trans.__('Compare Snapshots'),
    caption: args =>
      pair(args)
        ? trans.__('Compare two snapshots')
        : trans.__(
            'Pick two snapshots first: Ctrl and click, or the space bar'
          ),
    icon: compareIcon,
    describedBy: { args: { type: 'object', properties: { a: word, b: word } } },
    isEnabled: args => model.availability === 'ready' && pair(args) !== null,
    execute: args =>
      commands.execute(CommandIDs.view, { view: 'compare', ...pair(args) })
  });
  commands.addCommand(CommandIDs.openVerdict, {
    label: trans.__('Open Verdict'),
    describedBy: { args: { type: 'object', properties: { verdict: word } } },
    execute: args =>
      commands.execute(CommandIDs.view, { view: 'verdict', a: args.verdict })
  });
  const job = (args: ReadonlyPartialJSONObject): string =>
    typeof args.job === 'string'
      ? args.job
      : (app.contextMenuHitTest(node => node.dataset.job !== undefined)?.dataset
          .job ?? '');
  commands.addCommand(CommandIDs.openJob, {
    label: trans.__('Open Run'),
    describedBy: { args: { type: 'object', properties: { job: word } } },
    execute: args =>
      commands.execute(CommandIDs.view, { view: 'job', a: job(args) })
  });
  commands.addCommand(CommandIDs.cancelJob, {
    label: trans.__('Cancel'),
    caption: trans.__('Stop it, with everything it has started'),
    describedBy: { args: { type: 'object', properties: { job: word } } },
    execute: args => cancel(context, job(args))
  });
  commands.addCommand(CommandIDs.filter, {
    label: trans.__('Show Only This Model'),
    icon: filterIcon,
    describedBy: { args: { type: 'object', properties: { model: word } } },
    execute: args => {
      const name =
        typeof args.model === 'string'
          ? args.model
          : app.contextMenuHitTest(node => node.dataset.model !== undefined)
              ?.dataset.model;
      model.filter = name === model.filter ? null : (name ?? null);
    }
  });
  commands.addCommand(CommandIDs.verify, {
    label: trans.__('Verify'),
    caption: trans.__('Prove that nothing in the store was altered'),
    icon: checkIcon,
    describedBy: { args: { type: 'object', properties: {} } },
    isEnabled: () => model.availability === 'ready',
    execute: () => verify(context)
  });
  commands.addCommand(CommandIDs.refresh, {
    label: trans.__('Refresh MLOps'),
    caption: trans.__('Ask for everything again'),
    icon: refreshIcon,
    describedBy: { args: { type: 'object', properties: {} } },
    execute: () => model.refresh()
  });
}
