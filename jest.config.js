const base = require('@jupyterlab/testing/lib/jest-config')(__dirname);

module.exports = {
  ...base,
  reporters: ['default'],
  roots: ['<rootDir>/tests/panel'],
  testRegex: '\\.test\\.tsx?$',
  // JupyterLab's own packages are modules of the new kind, too
  transformIgnorePatterns: base.transformIgnorePatterns.map(pattern =>
    pattern.replace('(?!', '(?!@jupyterlab/|@rjsf/|')
  ),
  transform: {
    ...base.transform,
    // types are tsc's affair, once for all files
    '^.+\\.tsx?$': [
      'ts-jest',
      {
        diagnostics: false,
        tsconfig: {
          jsx: 'react',
          target: 'es2022',
          esModuleInterop: true,
          isolatedModules: true
        }
      }
    ]
  }
};
