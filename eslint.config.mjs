import js from '@eslint/js';
import jupyter from '@jupyter/eslint-plugin';
import importX from 'eslint-plugin-import-x';
import jsdoc from 'eslint-plugin-jsdoc';
import tseslint from 'typescript-eslint';

// Jupyter's own rule looks at what its commands and dialogs are given; these, at the rest of
// what a person reads.
const WORDS = '/[A-Za-z]{2}/';
const TRANSLATED = 'What a person reads goes through trans.__().';
const UNTRANSLATED = [
  `Property[key.name=/^(message|hint|label|caption|title|placeholder|example|note)$/] > Literal.value[value=${WORDS}]`,
  `Property[key.name=/^(message|hint|label|caption|title|placeholder|note)$/] > TemplateLiteral > TemplateElement[value.raw=${WORDS}]`,
  `JSXText[value=${WORDS}]`,
  `JSXElement > JSXExpressionContainer > Literal[value=${WORDS}]`,
  `JSXElement > JSXExpressionContainer > ConditionalExpression > Literal[value=${WORDS}]`,
  `JSXElement > JSXExpressionContainer > LogicalExpression > Literal[value=${WORDS}]`,
  `JSXElement > JSXExpressionContainer > TemplateLiteral > TemplateElement[value.raw=${WORDS}]`,
  `JSXAttribute[name.name=/^(aria-label|aria-description|alt|title|placeholder|label|caption|aside)$/] > Literal[value=${WORDS}]`,
  `JSXAttribute[name.name=/^(aria-label|aria-description|alt|title|placeholder|label|caption|aside)$/] TemplateElement[value.raw=${WORDS}]`,
  `AssignmentExpression[left.property.name=/^(textContent|title|ariaLabel|placeholder|caption|label)$/] > Literal[value=${WORDS}]`
].map(selector => ({ selector, message: TRANSLATED }));

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
      'no-restricted-syntax': ['error', ...UNTRANSLATED],
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
      'no-restricted-syntax': 'off',
      'jupyter/no-untranslated-string': 'off' // nobody reads a test's words in a language
    }
  }
);
