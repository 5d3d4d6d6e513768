/**
 * The icons that JupyterLab has not.
 */
import { LabIcon } from '@jupyterlab/ui-components';

import camera from '../style/camera.svg';
import compare from '../style/compare.svg';
import mlops from '../style/mlops.svg';

/** The panel: again, and the same. */
export const mlopsIcon = new LabIcon({ name: 'py-mlops:panel', svgstr: mlops });

/** A snapshot. */
export const snapshotIcon = new LabIcon({
  name: 'py-mlops:snapshot',
  svgstr: camera
});

/** Two side by side. */
export const compareIcon = new LabIcon({
  name: 'py-mlops:compare',
  svgstr: compare
});
