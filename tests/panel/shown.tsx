/** Shows views on a page as JupyterLab does: a real model, real commands, a server from memory. */
import { ServerConnection } from '@jupyterlab/services';
import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { render } from '@testing-library/react';
import * as React from 'react';

import { Client } from '../../src/api/client';
import { Model } from '../../src/model/model';
import { CommandIDs } from '../../src/tokens';
import { IContext, Provider } from '../../src/views/context';
import * as samples from './samples';

/** Answers by path; a function answers anew each time. */
export type Answers = Record<string, unknown>;

/** A page with one view on it. */
export interface IShown extends IContext {
  /** The commands that were run, with their arguments. */
  ran: [string, unknown][];
  /** The addresses that were asked. */
  asked: string[];
  /** Show another view in its place. */
  again: (view: React.JSX.Element) => void;
}

function response(answer: unknown): Response {
  const status = answer === undefined ? 404 : 200;
  return new Response(JSON.stringify(answer ?? NOT_FOUND), { status });
}

const NOT_FOUND = {
  code: 'unknown',
  message: 'No such snapshot is in this store.',
  hint: 'Reload the list.'
};

/** Wait until nothing more is on its way. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) {
    await new Promise(resolve => setTimeout(resolve, 0));
  }
}

/**
 * Show a view.
 *
 * @param view - The view.
 * @param answers - What the server answers.
 */
export async function show(
  view: React.JSX.Element,
  answers: Answers = {}
): Promise<IShown> {
  const asked: string[] = [];
  const known: Answers = {
    '/status': samples.status(1),
    '/models': { items: [], next: null },
    '/snapshots': { items: [], next: null },
    '/jobs': { items: [], next: null, running: 0, waiting: 0 },
    ...answers
  };
  const settings = ServerConnection.makeSettings({
    baseUrl: 'http://localhost/',
    fetch: (request: RequestInfo | URL) => {
      const { pathname, search } = new URL((request as Request).url);
      const path = pathname.replace('/py-mlops/api/v1', '');
      asked.push(path + search);
      const answer = known[path];
      return Promise.resolve(
        response(
          typeof answer === 'function'
            ? (answer as (search: string) => unknown)(search)
            : answer
        )
      );
    }
  });
  const model = new Model({ client: new Client(settings), standby: 'never' });
  const commands = new CommandRegistry();
  const ran: [string, unknown][] = [];
  for (const id of Object.values(CommandIDs)) {
    commands.addCommand(id, {
      label: id,
      describedBy: { args: {} },
      execute: args => {
        ran.push([id, args]);
      }
    });
  }
  const trans = nullTranslator.load('py_mlops');
  const context: IContext = { model, commands, trans };
  const inside = (what: React.JSX.Element): React.JSX.Element => (
    <Provider value={context}>{what}</Provider>
  );
  const page = render(inside(view));
  await React.act(async () => {
    await model.start();
    await settled();
  });
  return {
    ...context,
    ran,
    asked,
    again: other => page.rerender(inside(other))
  };
}

/** Give elements a size, which jsdom does not lay out. */
export function withHeight(height: number): void {
  Object.defineProperty(HTMLElement.prototype, 'clientHeight', {
    configurable: true,
    get: () => height
  });
  Object.defineProperty(HTMLElement.prototype, 'clientWidth', {
    configurable: true,
    get: () => 200
  });
}
