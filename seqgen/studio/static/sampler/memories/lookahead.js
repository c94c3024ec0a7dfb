/**
 * Look-back, and beside it what is told of what follows a hole: seqgen/memories/lookahead.py, whose docstring has the
 * equations. Changes token embeddings.
 */

import { Memory as Lookback, WIDTH, added } from "./lookback.js";
import { COLUMNS, DOCUMENT } from "./places.js";

const AHEAD = 16, BACK = 8, FORTH = 4;
const NOWHERE = 0, LOADING = 1, HOLE = 2, GIVEN = 3, TWICE = 4, MADE = 5, NEAR = 6; // where a stream stands
const LAGS_OF_GIVEN = { [MADE]: 3, [NEAR]: 2 }; // bars

export class Memory extends Lookback {
  constructor(room, weights, length) {
    super(room, weights, length);
    this.signs = Array.from(weights.exact("signs"), Math.trunc); // <suffix>, <prefix>, <end>, <given>, <made>
    this.ahead = weights.matrix("ahead.weight");
    this.given = weights.matrix("given.weight");
    this.tokens = room.vector(AHEAD * WIDTH);
    this.aligned = room.vector((BACK + FORTH) * WIDTH);
    this.told = room.vector(this.ahead.rows);
    this.kept = [];
    this.stands = NOWHERE;
  }

  reset() {
    super.reset();
    this.told.fill(0);
    this.kept = [];
    this.stands = NOWHERE;
  }

  change(x, token) {
    super.change(x, token);
    if (this.advance(token)) {
      this.told.fill(0);
      this.ahead.onto(this.spelled(this.kept, this.tokens), this.told);
      this.kept = [];
    }
    const lag = LAGS_OF_GIVEN[this.stands];
    if (lag) this.given.onto(this.spelled(this.around(lag, BACK, FORTH), this.aligned), x);
    else if (this.stands === HOLE) added(x, this.told);
    else this.told.fill(0);
  }

  /** The rows of tokens, 1 + ids, one after the other; zeros where there is none. */
  spelled(tokens, out) {
    out.fill(0);
    tokens.forEach((token, at) => {
      if (token > 0) out.set(this.ids.row(token - 1).subarray(0, WIDTH), at * WIDTH);
    });
    return out;
  }

  /** Take a token in; whether it is the <prefix> behind which a hole lies. */
  advance(token) {
    const [suffix, prefix, end, given, made] = this.signs, stood = this.stands;
    const begun = this.clock[token * COLUMNS] >= DOCUMENT;
    if (begun || [suffix, end, given, made].includes(token)) {
      this.kept = [];
      if (begun || token === end) this.stands = NOWHERE;
      else if (token === suffix) this.stands = LOADING;
      else if (token === given) this.stands = stood === GIVEN || stood === TWICE ? TWICE : GIVEN;
      else this.stands = [TWICE, MADE, NEAR].includes(stood) ? NEAR : MADE;
    } else if (stood === LOADING && token === prefix) {
      this.stands = HOLE;
      return true;
    } else if (stood === LOADING && this.kept.length < AHEAD) {
      this.kept.push(token + 1);
    }
    return false;
  }
}
