import { nullTranslator } from '@jupyterlab/translation';
import { ServerConnection } from '@jupyterlab/services';

import { Client, RequestError } from '../../src/api/client';
import { lineFor } from '../../src/features/asking';
import { Filled, filledIn } from '../../src/features/filled';
import { optionsOf, PLAIN } from '../../src/features/options';
import { runOf } from '../../src/features/run';

const trans = nullTranslator.load('py_mlops');

function refused(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(RequestError);
    const { message, hint } = (error as RequestError).problem;
    expect(hint).toMatch(/^Write/);
    return message;
  }
  throw new Error('It was let pass.');
}

describe('the options of a rerun', () => {
  it('are as recorded where nothing is filled in', () => {
    expect(optionsOf(new Filled({}, trans), { trans })).toEqual(PLAIN);
  });

  it('are read as a person writes them', () => {
    const words = {
      tolerances: 'accuracy=0.01,  loss=5%',
      calibrate: '3',
      timeout: '1e3',
      variables: 'API_TOKEN, HOME',
      network: 'yes',
      unisolated: ''
    };
    expect(optionsOf(new Filled(words, trans), { trans })).toEqual({
      ...PLAIN,
      tolerances: ['accuracy=0.01', 'loss=5%'],
      calibrate: 3,
      timeout: 1000,
      variables: ['API_TOKEN', 'HOME'],
      network: true
    });
  });

  it.each([
    ['tolerances', 'accuracy'],
    ['tolerances', '--yes=1'],
    ['calibrate', '101'],
    ['timeout', '-1'],
    ['timeout', 'soon'],
    ['variables', 'A=1']
  ])('are refused where %s cannot be %s', (name, word) => {
    const said = refused(() =>
      optionsOf(new Filled({ [name]: word }, trans), { trans })
    );
    expect(said).toBe(`“${word}” cannot be meant.`);
  });
});

it('a run has the parameters as a person writes them', () => {
  const words = {
    parameters: 'alpha=0.1, layers=[1, 2], text=a=b',
    metrics: 'loss, f1'
  };
  expect(runOf(new Filled(words, trans), 'work/digits.ipynb', trans)).toEqual({
    notebook: 'work/digits.ipynb',
    name: null,
    model: null,
    holdout: null,
    metrics: ['loss', 'f1'],
    timeout: null,
    parameters: [
      { name: 'alpha', value: '0.1' },
      { name: 'layers', value: '[1, 2]' },
      { name: 'text', value: 'a=b' }
    ]
  });
});

it.each([
  ['timeout', 'soon', 'soon'],
  ['timeout', '0', '0'],
  ['name', 'two words', 'two words'],
  ['model', 'my model', 'my model'],
  ['metrics', 'loss, 2nd', '2nd'],
  ['parameters', 'alpha', 'alpha'],
  ['parameters', '2nd=1', '2nd=1']
])('a run is refused where %s cannot be %s', (name, word, named) => {
  const filled = new Filled({ [name]: word }, trans);
  expect(refused(() => runOf(filled, 'n.ipynb', trans))).toBe(
    `“${named}” cannot be meant.`
  );
});

it('a form is shown again with its words until it can be meant', async () => {
  const shown: unknown[] = [];
  const answers = [{ timeout: 'soon' }, { timeout: '5' }];
  const told: string[] = [];
  const found = await filledIn(
    words => {
      shown.push(words);
      return Promise.resolve(answers.shift() ?? null);
    },
    filled => filled.seconds('timeout'),
    error => Promise.resolve(void told.push(error.message)),
    trans
  );
  expect(found).toBe(5);
  expect(shown).toEqual([{}, { timeout: 'soon' }]);
  expect(told).toHaveLength(1);
});

describe('the line of a snapshot', () => {
  const wish = {
    name: 'digits',
    model: 'clf',
    metrics: ['loss'],
    holdout: '',
    vault: true,
    incomplete: true,
    secret: ''
  };

  it('has the options that were ticked', () => {
    expect(lineFor({ ...wish, secret: 'a test key, expired' }, trans)).toBe(
      'snapshot digits --model clf --metric loss --vault --incomplete --allow-secret "a test key, expired"'
    );
  });

  it.each(['"; rm', '{secret}', '$HOME', 'a\nb', 'x\\'])(
    'takes no reason that could say more: %s',
    secret => {
      expect(refused(() => lineFor({ ...wish, secret }, trans))).toBe(
        'The reason cannot be passed on.'
      );
    }
  );
});

it('errors are told in the language of the page', async () => {
  const german = {
    ...trans,
    __: (text: string) => `«${text}»`
  };
  const settings = ServerConnection.makeSettings({
    baseUrl: 'http://localhost/',
    fetch: () => Promise.reject(new Error('no network'))
  });
  await expect(new Client(settings, german).status()).rejects.toThrow(
    '«The Jupyter server does not answer.»'
  );
});
