// Libraries of other languages through the cells, each where its toolchain is. Not a part of the test suite, since they are
// installed from as many places: ../sdk-matrix runs this.

import { before, describe, test } from 'node:test';

import { LANGUAGES, missingTool } from './languages.mjs';
import { declareMatrix } from './stage.mjs';

for (const language of LANGUAGES) {
  const missing = missingTool(language);
  if (missing) {
    test(language.name, { skip: `there is no ${missing}` }, () => {});
    continue;
  }
  describe(language.name, () => {
    before(() => language.prepare());
    declareMatrix(language.sdks);
  });
}
