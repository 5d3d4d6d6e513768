/**
 * The plugins of py-mlops; wiring only.
 */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { badgePlugin } from './features/badge';
import { commandsPlugin } from './features/commands';
import { endingsPlugin } from './features/jobs';
import { modelPlugin } from './features/model';
import { notebookPlugin } from './features/notebook';
import { sidebarPlugin } from './features/sidebar';
import { viewsPlugin } from './features/views';

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  modelPlugin,
  commandsPlugin,
  viewsPlugin,
  endingsPlugin,
  notebookPlugin,
  badgePlugin,
  sidebarPlugin
];

export default plugins;
