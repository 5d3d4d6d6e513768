import js from '@eslint/js';
import jupyter from '@jupyter/eslint-plugin';
import importX from 'eslint-plugin-import-x';
import jsdoc from 'eslint-plugin-jsdoc';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['src/api/schema.ts'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  { plugins: { jupyter } },
  ...jupyter.configs.recommended,
  {
    languageOptions: {
      parserOptions: {
        projectService: true,
        tsconfigRootDir: import.meta.dirname
      }
    },
    plugins: { 'import-x': importX, jsdoc },
    settings: {
      'import-x/resolver-next': [
        importX.createNodeResolver({ extensions: ['.ts', '.tsx'] })
      ]
    },
    rules: {
      eqeqeq: 'error',
      // the panel is in the layout from the start; what is heavy is imported when first shown
      'jupyter/prefer-lazy-imports': 'off',
      'max-lines': ['error', 400],
      'max-lines-per-function': ['error', { max: 80, skipComments: true }],
      'import-x/no-cycle': 'error',
      'jsdoc/require-jsdoc': [
        'error',
        {
          publicOnly: true,
          contexts: [
            'TSInterfaceDeclaration',
            'TSTypeAliasDeclaration',
            'VariableDeclaration',
            'ClassDeclaration',
            'MethodDefinition[accessibility!="private"]'
          ]
        }
      ],
      '@typescript-eslint/no-namespace': 'off', // JupyterLab's way of naming a class's options
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true }
      ],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true }
      ]
    }
  },
  {
    files: ['tests/panel/**'],
    rules: {
      'max-lines-per-function': 'off',
      'jsdoc/require-jsdoc': 'off',
      'jupyter/no-untranslated-string': 'off' // nobody reads a test's words in a language
    }
  }
);
