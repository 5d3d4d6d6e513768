/**
 * Makes the model that all other plugins share, and begins to ask the server.
 */
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';

import { ITranslator } from '@jupyterlab/translation';

import { Client } from '../api/client';
import { Model } from '../model/model';
import { DOMAIN, IModel, PACKAGE } from '../tokens';

/** Provides the model. */
export const modelPlugin: JupyterFrontEndPlugin<Model> = {
  id: `${PACKAGE}:model`,
  description: 'Knows models, snapshots and jobs, and keeps them up to date.',
  autoStart: true,
  requires: [ITranslator],
  provides: IModel,
  activate: (app: JupyterFrontEnd, translator: ITranslator): Model => {
    const { events, serverSettings } = app.serviceManager;
    const client = new Client(serverSettings, translator.load(DOMAIN));
    const model = new Model({ client, events });
    // Nothing of ours delays the page: the first question is asked when it is there.
    void app.restored.then(() => model.start());
    return model;
  }
};
