/**
 * What the plugins share: names, ids of commands, and the token of the model.
 */
import { Token } from '@lumino/coreutils';

import type { Model } from './model/model';

/** The npm package, which begins the ids of plugins and settings. */
export const PACKAGE = 'py-mlops';

/** The domain of translations. */
export const DOMAIN = 'py_mlops';

/** The plugin whose settings a person can change. */
export const SETTINGS = `${PACKAGE}:panel`;

/** What the plugins know and share; React only renders it. */
export const IModel = new Token<Model>(
  `${PACKAGE}:IModel`,
  'What py-mlops knows of models, snapshots and jobs.'
);

/**
 * The ids of the commands.
 *
 * #### Notes
 * `snapshot`, `a` and `b` are whole ids. Without one, a command means what was
 * clicked, or what is in front.
 */
export const CommandIDs = {
  /** Take a snapshot of the current notebook. `{path?}` */
  snapshot: 'mlops:snapshot',
  /** Train a snapshot again. `{snapshot?}` */
  reproduce: 'mlops:reproduce',
  /** Train a snapshot again, with options that are asked for. `{snapshot?}` */
  reproduceWith: 'mlops:reproduce-with-options',
  /** Run a notebook from its first cell to its last, and snapshot it. `{path?}` */
  run: 'mlops:run',
  /** Write a snapshot with all it stands on into a file. `{snapshot?}` */
  bundle: 'mlops:bundle',
  /** Put a snapshot's files into a folder. `{snapshot?}` */
  restore: 'mlops:restore',
  /** Tell what a snapshot came from. `{snapshot?}` */
  explain: 'mlops:explain',
  /** Prove that nothing of a snapshot was altered. `{snapshot?}` */
  verify: 'mlops:verify',
  /** Show a view in the main area. `{view, a, b?}` */
  view: 'mlops:view',
  /** Show a snapshot. `{snapshot?}` */
  open: 'mlops:open',
  /** Show a verdict. `{verdict}` */
  openVerdict: 'mlops:open-verdict',
  /** Show what a snapshot executed. `{snapshot?}` */
  openNotebook: 'mlops:open-executed-notebook',
  /** Show two snapshots side by side. `{a?, b?}` */
  compare: 'mlops:compare',
  /** Show a job and its log. `{job}` */
  openJob: 'mlops:open-job',
  /** Cancel a job. `{job}` */
  cancelJob: 'mlops:cancel-job',
  /** Show only one model's snapshots. `{model}` */
  filter: 'mlops:filter-by-model',
  /** Copy a snapshot's id. `{snapshot?}` */
  copyId: 'mlops:copy-id',
  /** Go to a cell of an open notebook. `{path, cell}` */
  goToCell: 'mlops:go-to-cell',
  /** Ask for everything again. */
  refresh: 'mlops:refresh',
  /** Bring the panel to the front. */
  reveal: 'mlops:reveal'
} as const;
