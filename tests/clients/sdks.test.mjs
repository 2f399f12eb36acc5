// Every major of the JavaScript libraries through the same cells. Other languages: sdk-matrix.

import { NODE_SDKS } from './matrix/sdks.mjs';
import { declareMatrix } from './matrix/stage.mjs';

declareMatrix(NODE_SDKS);
