import type { Event } from '@jupyterlab/services';
import { Signal } from '@lumino/signaling';

import { Client } from '../../src/api/client';
import { CHANGED, Model } from '../../src/model/model';
import * as samples from './samples';

/** A server that answers from memory and counts what it is asked. */
class Server {
  records = 1;
  installed = true;
  jobs = [samples.job(1)];
  asked: string[] = [];

  answer = (url: string): Response => {
    const path = new URL(url).pathname.replace('/py-mlops/api/v1', '');
    this.asked.push(path);
    if (!this.installed) {
      return new Response('<html>404</html>', { status: 404 });
    }
    const answers: Record<string, unknown> = {
      '/status': samples.status(this.records),
      '/models': { items: [samples.model('digits')], next: null },
      '/snapshots': { items: [samples.snapshot(this.records)], next: null },
      '/jobs': { items: this.jobs, next: null, running: 1, waiting: 0 }
    };
    return new Response(JSON.stringify(answers[path]), { status: 200 });
  };

  count(path: string): number {
    return this.asked.filter(asked => asked === path).length;
  }
}

function made(): [Server, Model, (kind: string) => void] {
  const server = new Server();
  const { ServerConnection } = jest.requireActual<
    typeof import('@jupyterlab/services')
  >('@jupyterlab/services');
  const settings = ServerConnection.makeSettings({
    baseUrl: 'http://localhost/',
    fetch: (request: RequestInfo | URL) =>
      Promise.resolve(server.answer((request as Request).url))
  });
  const owner = {};
  const stream = new Signal<object, Event.Emission>(owner);
  const events = { stream } as unknown as Event.IManager;
  const model = new Model({
    client: new Client(settings),
    events,
    standby: 'never'
  });
  const emit = (kind: string): void =>
    stream.emit({
      schema_id: CHANGED,
      kind,
      id: ''
    });
  return [server, model, emit];
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) {
    await new Promise(resolve => setTimeout(resolve, 0));
  }
}

describe('the model', () => {
  it('asks for everything once at first', async () => {
    const [server, model] = made();
    await model.start();
    await settled();
    expect(model.availability).toBe('ready');
    expect(model.snapshots.items).toHaveLength(1);
    expect(model.jobs.active).toBe(1);
    expect(server.count('/snapshots')).toBe(1);
    model.dispose();
  });

  it('says once that there is no server extension, and asks nothing more', async () => {
    const [server, model, emit] = made();
    server.installed = false;
    await model.start();
    await settled();
    emit('store');
    emit('job');
    await settled();
    expect(model.availability).toBe('absent');
    expect(server.asked).toEqual(['/status']);
    model.dispose();
  });

  it('asks for the lists again after an event of the store', async () => {
    const [server, model, emit] = made();
    await model.start();
    await settled();
    server.records = 2;
    emit('store');
    await settled();
    expect(model.snapshots.items[0]?.id).toBe(samples.id(2));
    model.dispose();
  });

  it('asks for lists twice at most after a hundred events at once', async () => {
    const [server, model, emit] = made();
    await model.start();
    await settled();
    const before = server.count('/snapshots');
    for (let number = 0; number < 100; number++) {
      emit('store');
    }
    await settled();
    expect(server.count('/snapshots') - before).toBe(2);
    model.dispose();
  });

  it('asks for jobs alone after an event of a job', async () => {
    const [server, model, emit] = made();
    await model.start();
    await settled();
    const before = server.count('/snapshots');
    server.jobs = [samples.job(1, { state: 'done', level: 'identical' })];
    const ended: string[] = [];
    model.jobs.ended.connect((_, job) => ended.push(job.level ?? ''));
    emit('job');
    await settled();
    expect(ended).toEqual(['identical']);
    expect(server.count('/snapshots')).toBe(before);
    model.dispose();
  });

  it('sends one light request when nothing has happened', async () => {
    const [server, model] = made();
    server.jobs = [];
    await model.start();
    await settled();
    server.asked = [];
    await model['_poll'].refresh();
    await model['_poll'].tick;
    await settled();
    expect(server.asked).toEqual(['/status']);
    model.dispose();
  });

  it('notices by its light request what no event has told', async () => {
    const [server, model] = made();
    await model.start();
    await settled();
    server.records = 2;
    await model['_poll'].refresh();
    await model['_poll'].tick;
    await settled();
    expect(model.snapshots.items[0]?.id).toBe(samples.id(2));
    model.dispose();
  });

  it('passes from older to newer in whichever order two were picked', () => {
    const [, model] = made();
    const older = samples.snapshot(9);
    const newer = samples.snapshot(1);
    model.selection.toggle(newer);
    model.selection.toggle(older);
    expect(model.selection.pair).toEqual({ a: older.id, b: newer.id });
    model.selection.toggle(newer);
    expect(model.selection.pair).toBeNull();
    model.dispose();
  });
});
