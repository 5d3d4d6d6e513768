/**
 * A Lumino widget that shows a view.
 */
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

import { IContext, Provider } from '../views/context';

/**
 * Shows a React view, and gives it what every view is given.
 */
export class View extends ReactWidget {
  /**
   * @param context - What every view is given.
   * @param view - The view.
   */
  constructor(
    private readonly context: IContext,
    private readonly view: React.JSX.Element
  ) {
    super();
    this.addClass('jp-mlops-View');
  }

  protected override render(): React.JSX.Element {
    return <Provider value={this.context}>{this.view}</Provider>;
  }
}
