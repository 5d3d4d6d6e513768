/**
 * The plugins of py-mlops; wiring only.
 */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { badgePlugin } from './features/badge';
import { commandsPlugin } from './features/commands';
import { endingsPlugin } from './features/jobs';
import { modelPlugin } from './features/model';
import { runPlugin } from './features/run';
import { sidebarPlugin } from './features/sidebar';
import { snapshotPlugin } from './features/snapshot';
import { viewsPlugin } from './features/views';

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  modelPlugin,
  commandsPlugin,
  viewsPlugin,
  endingsPlugin,
  snapshotPlugin,
  runPlugin,
  badgePlugin,
  sidebarPlugin
];

export default plugins;
