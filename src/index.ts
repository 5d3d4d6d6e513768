/**
 * The plugins of py-mlops; wiring only.
 */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { modelPlugin } from './features/model';
import { sidebarPlugin } from './features/sidebar';

const plugins: JupyterFrontEndPlugin<unknown>[] = [modelPlugin, sidebarPlugin];

export default plugins;
